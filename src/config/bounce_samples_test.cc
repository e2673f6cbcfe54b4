// Replies and messages as they come from real servers, with what they mean: src/bounce/testdata.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>

#include "bounce/report.h"
#include "config/bounce_rules.h"

namespace gonets::config {
namespace {

std::string read(const std::string& name) {
  std::ifstream in(std::string(GONETS_BOUNCE_SAMPLES) + "/" + name, std::ios::binary);
  EXPECT_TRUE(in.good()) << name;
  std::stringstream all;
  all << in.rdbuf();
  return all.str();
}

std::vector<std::string> lines_of(const std::string& name) {
  std::istringstream in(read(name));
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    lines.push_back(line);
  return lines;
}

// As messages.tsv has them: the file, then kind, recipient, action, status, code, category, P or T, original id.
std::string line_of(const std::string& file, const bounce::report& r) {
  return fmt::format("{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}\t{}", file, to_text(r.kind), r.recipient, r.action,
                     to_text(r.status), r.code, r.has_category ? to_text(r.what.is) : "-", r.what.permanent ? "P" : "T",
                     r.original_message_id);
}

TEST(bounce_samples, replies_are_understood) {
  const auto lines = lines_of("replies.tsv");
  EXPECT_GE(lines.size(), 600u);
  for (const std::string& line : lines) {
    const auto tab = line.find('\t');
    ASSERT_NE(tab, std::string::npos) << line;
    const auto r = bounce::read_reply(line.substr(tab + 1), shipped_classifier());
    EXPECT_EQ(to_text(r.what.is), line.substr(0, tab))
        << line.substr(tab + 1) << " by " << (r.what.because == nullptr ? "none" : r.what.because->name);
  }
}

TEST(bounce_samples, messages_are_understood) {
  std::map<std::string, std::vector<std::string>> expected;
  for (const std::string& line : lines_of("messages.tsv"))
    expected[line.substr(0, line.find('\t'))].push_back(line);
  EXPECT_GE(expected.size(), 80u);
  for (const auto& [file, lines] : expected) {
    std::vector<std::string> found;
    for (const auto& r : read_report(read("messages/" + file + ".eml"), shipped_classifier()))
      found.push_back(line_of(file, r));
    EXPECT_EQ(found, lines);
  }
}

// No reading may take long or fail, however a message was cut or damaged.
TEST(bounce_samples, messages_cut_anywhere_are_survived) {
  for (const std::string name : {"postfix_unknown", "exim_two", "arf", "qmail", "headers_only"}) {
    const std::string whole = read("messages/" + name + ".eml");
    for (std::size_t size = 0; size < whole.size(); size += 7)
      EXPECT_FALSE(read_report(whole.substr(0, size), shipped_classifier()).empty());
  }
}

}  // namespace
}  // namespace gonets::config
