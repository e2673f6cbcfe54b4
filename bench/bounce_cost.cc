// What it costs to classify a reply and to read a bounce, in CPU time.
//
//   gonets_bounce_cost src/bounce/testdata/replies.tsv src/bounce/testdata/messages/*.eml
#include <fmt/format.h>

#include <ctime>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "bounce/reply_text.h"
#include "bounce/report.h"
#include "config/bounce_rules.h"

namespace {
using namespace gonets;

// Of the processor.
double seconds(auto&& work) {
  const std::clock_t begin = std::clock();
  work();
  return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
}

std::string read(const char* path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    fmt::print(stderr, "usage: gonets_bounce_cost REPLIES.tsv MESSAGE.eml...\n");
    return 2;
  }
  fmt::print("rules loaded in {:.1f} ms\n", 1000 * seconds([] { config::shipped_classifier(); }));
  const auto& with = config::shipped_classifier();
  std::vector<std::string> replies, messages;
  std::istringstream lines(read(argv[1]));
  for (std::string line; std::getline(lines, line);)
    replies.push_back(line.substr(line.find('\t') + 1));
  for (int i = 2; i < argc; ++i)
    messages.push_back(read(argv[i]));
  constexpr int rounds = 300;
  std::size_t permanent = 0;
  const double for_replies = seconds([&] {
    for (int i = 0; i < rounds; ++i) {
      for (const auto& text : replies) {
        const auto codes = bounce::find_codes(text);
        permanent += with.classify({codes.code, codes.status, text}).permanent;
      }
    }
  });
  const double for_messages = seconds([&] {
    for (int i = 0; i < rounds; ++i) {
      for (const auto& message : messages)
        permanent += read_report(message, with).front().what.permanent;
    }
  });
  fmt::print("{:.0f} replies a second, {:.0f} messages a minute ({} permanent)\n",
             rounds * static_cast<double>(replies.size()) / for_replies,
             60 * rounds * static_cast<double>(messages.size()) / for_messages, permanent);
}
