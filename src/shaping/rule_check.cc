#include "shaping/rule_check.h"

#include <fmt/format.h>

#include <algorithm>

namespace gonets::shaping {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// "450-4.2.1 text": the code and what is after it.
std::optional<std::pair<std::uint16_t, std::string_view>> split_line(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  if (line.size() < 3 || !std::all_of(line.begin(), line.begin() + 3, is_digit)) return std::nullopt;
  if (line.size() > 3 && line[3] != ' ' && line[3] != '-') return std::nullopt;
  const auto code = static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  return std::pair(code, line.substr(std::min<std::size_t>(line.size(), 4)));
}

class checker {
 public:
  explicit checker(const rules& all) : all_(all) {}

  std::vector<rule_fault> run() {
    for (const reply_rule& rule : all_.replies.all()) {
      if (rule.samples.empty()) add(rule, rule_fault_kind::no_sample, "");
      for (const std::string& sample : rule.samples)
        check_sample(rule, sample);
      for (const std::string& other : rule.counter_examples)
        check_counter_example(rule, other);
    }
    return std::move(faults_);
  }

 private:
  void add(const reply_rule& rule, rule_fault_kind kind, const std::string& sample, const std::string& taken_by = "") {
    faults_.push_back({kind, rule.name, rule.line, sample, taken_by});
  }

  void check_sample(const reply_rule& rule, const std::string& sample) {
    const auto parsed = parse_reply(sample);
    if (!parsed) return add(rule, rule_fault_kind::not_a_reply, sample);
    const folded_reply folded(*parsed);
    if (!matches(rule, folded, stage::none)) return add(rule, rule_fault_kind::misses_sample, sample);
    std::vector<std::string> of = rule.providers;
    if (of.empty()) of.emplace_back();
    for (const std::string& provider : of) {
      if (const reply_rule* earlier = taker(rule, folded, provider)) {
        return add(rule, rule_fault_kind::shadowed, sample, earlier->name);
      }
    }
  }

  // The rule that takes the reply in place of `rule` wherever that could; null when it has it somewhere.
  const reply_rule* taker(const reply_rule& rule, const folded_reply& r, const std::string& provider) const {
    const reply_rule* earlier = nullptr;
    for (const stage at : dialogue_stages) {
      if (!matches(rule, r, at)) continue;
      const reply_rule* found = all_.replies.find(r, at, provider);
      if (found == &rule) return nullptr;
      earlier = found;
    }
    return earlier;
  }

  void check_counter_example(const reply_rule& rule, const std::string& other) {
    const auto parsed = parse_reply(other);
    if (!parsed) return add(rule, rule_fault_kind::not_a_reply, other);
    if (matches(rule, folded_reply(*parsed), stage::none)) add(rule, rule_fault_kind::takes_counter_example, other);
  }

  const rules& all_;
  std::vector<rule_fault> faults_;
};

}  // namespace

std::optional<reply> parse_reply(std::string_view text) {
  reply r;
  for (bool first = true; first || !text.empty(); first = false) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = split_line(text.substr(0, end));
    if (!line || (!first && line->first != r.code)) return std::nullopt;
    r.code = line->first;
    std::string_view rest = line->second;
    const auto status = parse_enhanced_status(rest);
    if (status && status->klass == r.code / 100 && (first || *status == r.status)) {
      r.status = *status;
      rest.remove_prefix(std::min(rest.find(' '), rest.size() - 1) + 1);
    }
    if (!first) r.text += '\n';
    r.text += rest;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return r.transient() || r.permanent() ? std::optional(std::move(r)) : std::nullopt;
}

std::string to_text(const rule_fault& f) {
  switch (f.kind) {
    case rule_fault_kind::no_sample:
      return fmt::format("rule \"{}\" has no samples: give at least one reply that it must take", f.rule);
    case rule_fault_kind::not_a_reply:
      return fmt::format("rule \"{}\": \"{}\" is no negative reply, such as \"450 4.2.1 text\"", f.rule, f.sample);
    case rule_fault_kind::misses_sample:
      return fmt::format("rule \"{}\" misses its sample \"{}\"", f.rule, f.sample);
    case rule_fault_kind::shadowed:
      return fmt::format("rule \"{}\" never sees its sample \"{}\": the earlier rule \"{}\" takes it", f.rule, f.sample,
                         f.taken_by);
    case rule_fault_kind::takes_counter_example:
      return fmt::format("rule \"{}\" takes what it must not: \"{}\"", f.rule, f.sample);
  }
  return "";
}

std::vector<rule_fault> check_samples(const rules& all) {
  return checker(all).run();
}

}  // namespace gonets::shaping
