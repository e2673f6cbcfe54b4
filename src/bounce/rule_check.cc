#include "bounce/rule_check.h"

#include <fmt/format.h>

#include "bounce/reply_text.h"

namespace gonets::bounce {

std::vector<std::string> check_samples(const classifier& all) {
  std::vector<std::string> faults;
  for (const rule& r : all.rules()) {
    bool won = false;
    for (const std::string& sample : r.samples) {
      const auto codes = find_codes(sample);
      const verdict v = all.classify({codes.code, codes.status, sample});
      won |= v.because == &r;
      if (v.is == r.is) continue;
      faults.push_back(fmt::format("{}: rule \"{}\" misses its sample \"{}\": \"{}\" says {}", r.line, r.name, sample,
                                   v.because == nullptr ? "none" : v.because->name, to_text(v.is)));
    }
    if (!won) faults.push_back(fmt::format("{}: rule \"{}\" wins none of its samples", r.line, r.name));
  }
  return faults;
}

}  // namespace gonets::bounce
