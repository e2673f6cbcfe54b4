// Says what a refusal means, whether it came as a live reply or in a bounce. Pure; one object serves all threads.
#pragma once
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "bounce/automaton.h"
#include "bounce/category.h"
#include "bounce/normalise.h"
#include "bounce/rule.h"

namespace gonets::bounce {

// What is known of a refusal. Any bytes may be in the text; no more than normalised_bytes_max are looked at.
struct reply_facts {
  std::uint16_t code = 0;  // 0: unknown
  enhanced_status status;
  std::string_view text;
  bool delayed = false;  // the reporter says that it will try again
};

struct verdict {
  category is = category::unknown;
  bool permanent = false;
  bool suppress = false;          // the address is dead: no reason of reputation, policy or content ever says so
  double confidence = 0;          // 0 to 1
  const rule* because = nullptr;  // null: nothing was understood
};

class classifier {
 public:
  // What is wrong with the file goes to `faults`, as "line: what"; such rules are left out.
  classifier(rule_file file, std::vector<std::string>& faults);

  verdict classify(const reply_facts& facts) const;

  const std::vector<rule>& rules() const { return file_.rules; }

 private:
  static constexpr std::size_t concepts_max = 512;
  static constexpr std::size_t hits_max = 160;  // of words in one text; what comes after is not looked at

  // Which concepts were found in a text, and where.
  struct findings;
  // One of several concepts; most often just one.
  using either = std::vector<std::uint16_t>;
  struct code_condition {
    std::uint16_t from, to;
  };
  struct status_condition {
    std::uint8_t klass;   // 0: any
    int subject, detail;  // -1: any
  };
  struct condition {
    std::vector<either> all;
    either unless;
    std::uint16_t within = 0;
    std::vector<code_condition> codes;
    std::vector<status_condition> statuses;
    unsigned weight = 0;
    std::uint32_t rule = 0;
  };
  struct word_list {
    bool negatable = false;
  };
  struct pattern {
    std::uint16_t what;  // index of a word list
    std::uint8_t words;
  };

  void add_words(const std::vector<std::string>& words, std::uint16_t what);
  condition compile(const rule& r, std::uint32_t index, std::vector<std::string>& faults);
  std::uint16_t find_concept(std::string_view name) const;
  void find(std::string_view text, findings& to) const;
  bool holds(const condition& c, const reply_facts& facts, const findings& in) const;
  bool near_each_other(const condition& c, const findings& in) const;
  static bool lasts(const reply_facts& facts, const category_facts& of);

  rule_file file_;
  word_set kept_;
  std::vector<word_list> lists_;
  std::vector<pattern> patterns_;
  automaton words_;
  std::vector<condition> conditions_;  // heaviest first
  std::uint16_t negation_ = 0xffff;
};

}  // namespace gonets::bounce
