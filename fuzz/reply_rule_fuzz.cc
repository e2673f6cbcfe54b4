// Any reply against rules, and any text as a pattern and as a time to come back. The first byte is the stage, the next
// two the code; then a pattern up to the first NUL; the rest is the reply's text.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "shaping/reply_rule.h"
#include "shaping/retry_hint.h"
#include "shaping/rule_check.h"

namespace {

using namespace gonets;
using namespace gonets::shaping;

void require(bool held) {
  if (!held) std::abort();
}

reply_rule rule(std::string name, std::string_view pattern, verdict_kind kind) {
  reply_rule r;
  r.name = std::move(name);
  r.texts = {text_pattern(pattern)};
  r.what = {.kind = kind, .duration = std::chrono::minutes(5)};
  return r;
}

void check_hint(std::string_view text) {
  const std::string folded = fold(text);
  require(fold(folded) == folded);
  require(folded.size() <= folded_bytes_max);
  const auto hint = retry_hint(folded);
  require(!hint || (*hint >= retry_hint_min && *hint <= retry_hint_max));
}

void check_pattern(std::string_view pattern, std::string_view text) {
  const text_pattern p(pattern);
  const std::string folded = fold(text);
  const bool matched = p.matches(folded);
  require(p.usable() || !matched);
  // More text around it takes no match away, and gaps at the ends change nothing.
  require(!matched || p.matches("before " + folded + " after"));
  require(text_pattern("*" + std::string(pattern) + "*").matches(folded) == matched);
}

void check_rules(const reply& r, stage at, std::string_view pattern) {
  auto own = rule("own", pattern, verdict_kind::hold_site);
  own.providers = {"big"};
  own.stages = {stage::rcpt};
  own.samples = {std::string(pattern), r.text};
  own.counter_examples = own.samples;
  rules all{provider_table({{.name = "big", .mx = {"big.test"}, .greylisting = std::chrono::minutes(9)}}),
            rule_book({own, rule("greylisted", "greylist", verdict_kind::greylisted),
                       rule("any", pattern, verdict_kind::fail)})};
  const provider* big = all.providers.find("big");
  for (const provider* of : {static_cast<const provider*>(nullptr), big}) {
    const auto found = all.judge(r, at, of);
    if (!found) continue;
    require(r.code >= 400 && r.code <= 599);
    require(matches(*found->rule, folded_reply(r), at));
    require(of != nullptr || found->rule->providers.empty());
    require(found->what.kind != verdict_kind::greylisted || found->what.duration >= retry_hint_min);
  }
  for (const auto& fault : check_samples(all))
    require(!to_text(fault).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 3) return 0;
  const auto at = static_cast<stage>(data[0] % 11);
  const auto code = static_cast<std::uint16_t>(data[1] * 256 + data[2]);
  std::string_view rest(reinterpret_cast<const char*>(data) + 3, size - 3);
  const std::size_t end = std::min(rest.find('\0'), rest.size());
  const std::string_view pattern = rest.substr(0, std::min<std::size_t>(end, 200));  // as long as a file's may be
  const std::string_view text = rest.substr(std::min(end + 1, rest.size()));
  check_hint(text);
  check_pattern(pattern, text);
  if (const auto parsed = parse_reply(text)) check_rules(*parsed, at, pattern);
  check_rules({static_cast<std::uint16_t>(400 + code % 200), {}, std::string(text)}, at, pattern);
  provider_table({{.name = "x", .mx = {std::string(pattern)}, .domains = {std::string(text)}}}).find_host(text);
  return 0;
}
