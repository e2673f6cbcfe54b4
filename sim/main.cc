// gonets_sim SCENARIO [--seed N] [--recipients N] [--domains N]: the scheduler against a modelled internet, in virtual
// time. The same seed does the same; 0: what was to be reached was, 1: it was not, 2: bad usage.
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <exception>
#include <map>
#include <string_view>

#include "base/log.h"
#include "sim/scenarios.h"

namespace {

using namespace gonets::sim;

const std::map<std::string_view, bool (*)(const order&)> scenarios = {
    {"cost", cost}, {"day", day}, {"fairness", fairness}, {"steps", steps}, {"urgent", urgent}};

bool read(std::string_view text, auto& to) {
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc{} && stop == text.data() + text.size();
}

int usage() {
  fmt::print(stderr, "usage: gonets_sim SCENARIO [--seed N] [--recipients N] [--domains N]; SCENARIO is one of");
  for (const auto& [name, play] : scenarios)
    fmt::print(stderr, " {}", name);
  fmt::print(stderr, "\n");
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const auto at = argc < 2 ? scenarios.end() : scenarios.find(argv[1]);
  if (at == scenarios.end()) return usage();
  order o;
  for (int i = 2; i < argc; i += 2) {
    const std::string_view name = argv[i];
    const std::string_view value = i + 1 < argc ? argv[i + 1] : "";
    const bool read_it = (name == "--seed" && read(value, o.seed)) ||
                         (name == "--recipients" && read(value, o.recipients)) ||
                         (name == "--domains" && read(value, o.domains));
    if (!read_it) return usage();
  }
  gonets::log::configure(gonets::log::level::error, gonets::log::format::text);
  try {
    return at->second(o) ? 0 : 1;
  } catch (const std::exception& e) {
    fmt::print(stderr, "{} --seed {}: {}\n", at->first, o.seed, e.what());
    return 1;
  }
}
