// Holds rules against the replies that they were written for, so that a rule that no longer matches anything, or that
// another one took everything from, is noticed before it is needed. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shaping/reply_rule.h"

namespace gonets::shaping {

// A reply written as it goes over the wire, without CRLF: "450 4.2.1 text", or several lines joined by '\n', each with
// its code and status, "421-4.7.0 first\n421 4.7.0 last". Nothing for other text, and for what is no negative reply.
std::optional<reply> parse_reply(std::string_view text);

enum class rule_fault_kind : std::uint8_t {
  no_sample,
  not_a_reply,    // a sample or counter-example that parse_reply doesn't take
  misses_sample,  // the rule itself doesn't match it
  shadowed,       // an earlier rule takes it, at every stage that this rule is for
  takes_counter_example
};

struct rule_fault {
  rule_fault_kind kind = rule_fault_kind::no_sample;
  std::string rule;
  unsigned line = 0;     // of the rule
  std::string sample;    // of all kinds but no_sample
  std::string taken_by;  // of shadowed: the earlier rule
  bool operator==(const rule_fault&) const = default;
};
// `rule "yahoo-ts01" misses its sample "421 4.7.0 [TS02] ...": ...`
std::string to_text(const rule_fault& f);

// In the order of the rules. A rule of several providers must hold for each of them.
std::vector<rule_fault> check_samples(const rules& all);

}  // namespace gonets::shaping
