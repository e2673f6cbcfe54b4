// Rules that say what a negative reply means: a reply's code, enhanced status, text, stage and provider in, a verdict
// out. Pure; shared by all shards, never changed once made.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/status.h"
#include "shaping/provider.h"
#include "shaping/text_pattern.h"
#include "shaping/verdict.h"

namespace gonets::shaping {

// "421", or a class: "4xx".
struct code_pattern {
  std::uint16_t first = 0, last = 0;
  bool matches(std::uint16_t code) const { return code >= first && code <= last; }
  bool operator==(const code_pattern&) const = default;
};
std::optional<code_pattern> parse_code_pattern(std::string_view text);  // negative replies only: 4 and 5
std::string to_text(const code_pattern& p);

// "4.7.28", or what it begins with: "4.7.", "4.".
struct status_pattern {
  std::uint8_t klass = 0;
  std::optional<std::uint16_t> subject, detail;
  bool matches(const enhanced_status& status) const;
  bool operator==(const status_pattern&) const = default;
};
std::optional<status_pattern> parse_status_pattern(std::string_view text);
std::string to_text(const status_pattern& p);

// Of each kind of condition that is given, one must hold; a kind that is not given always does.
struct reply_rule {
  std::string name;                    // unique
  std::vector<std::string> providers;  // names; none: a general rule
  std::vector<code_pattern> codes;
  std::vector<status_pattern> statuses;  // a reply without an enhanced status matches none
  std::vector<text_pattern> texts;
  std::vector<stage> stages;
  verdict what;
  std::string why;                            // one line, for `why` and events
  std::vector<std::string> samples;           // replies that it must take, as they go over the wire: see parse_reply
  std::vector<std::string> counter_examples;  // replies that it must leave alone
  unsigned line = 0;                          // where it stands in its file; 0: in none
};

// A reply with its text folded once for all rules. Refers to the reply.
struct folded_reply {
  explicit folded_reply(const reply& from) : whole(from), text(fold(from.text)) {}
  const reply& whole;
  std::string text;
};

// stage::none: where the reply came is not known, and no condition on it counts. The provider is not looked at.
bool matches(const reply_rule& rule, const folded_reply& r, stage at);

// The first rule that matches wins; those that name the reply's provider are tried before the general ones.
class rule_book {
 public:
  rule_book() = default;
  explicit rule_book(std::vector<reply_rule> all);

  const std::vector<reply_rule>& all() const { return all_; }
  // `provider` is a name; empty: none. Null: no rule matches. Costs at most a pass over the text for each pattern.
  const reply_rule* find(const folded_reply& r, stage at, std::string_view provider) const;

 private:
  std::vector<reply_rule> all_;
  std::unordered_map<std::string, std::vector<std::size_t>> of_provider_;
  std::vector<std::size_t> general_;
};

struct ruling {
  const reply_rule* rule = nullptr;  // lives as long as its rules
  verdict what;                      // the rule's; the time of a greylisting is the reply's or the provider's, if known
};

// For events and `why`: "google-rate (slow_down to 50% for 30m): the receiver wants less mail from this address"
std::string to_text(const ruling& r);

// What a rules file says, whole.
struct rules {
  provider_table providers;
  rule_book replies;

  // What a negative reply means; nothing: its code says all there is to say. A positive one means nothing. `of` may be
  // null.
  std::optional<ruling> judge(const reply& r, stage at, const provider* of) const;
};

}  // namespace gonets::shaping
