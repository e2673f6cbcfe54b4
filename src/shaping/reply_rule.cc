#include "shaping/reply_rule.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "shaping/retry_hint.h"

namespace gonets::shaping {
namespace {

template <class Patterns, class Value>
bool any_matches(const Patterns& patterns, const Value& v) {
  return std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return p.matches(v); });
}

// Reads up to three digits and the dot after them, if any; `text` is what is left.
std::optional<std::uint16_t> take_part(std::string_view& text, bool& dot) {
  const std::size_t end = std::min(text.find('.'), text.size());
  std::uint16_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + end, value);
  if (error != std::errc{} || stop != text.data() + end || end > 3) return std::nullopt;
  dot = end < text.size();
  text.remove_prefix(end + (dot ? 1 : 0));
  return value;
}

}  // namespace

std::optional<code_pattern> parse_code_pattern(std::string_view text) {
  if (text.size() != 3 || (text[0] != '4' && text[0] != '5')) return std::nullopt;
  const auto base = static_cast<std::uint16_t>((text[0] - '0') * 100);
  if (text.substr(1) == "xx") return code_pattern{base, static_cast<std::uint16_t>(base + 99)};
  std::uint16_t code = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), code);
  if (error != std::errc{} || stop != text.data() + text.size()) return std::nullopt;
  return code_pattern{code, code};
}

std::string to_text(const code_pattern& p) {
  return p.first == p.last ? fmt::format("{}", p.first) : fmt::format("{}xx", p.first / 100);
}

bool status_pattern::matches(const enhanced_status& status) const {
  return status.klass == klass && (!subject || status.subject == *subject) && (!detail || status.detail == *detail);
}

std::optional<status_pattern> parse_status_pattern(std::string_view text) {
  status_pattern p;
  bool dot = false;
  const auto klass = take_part(text, dot);
  if (!klass || (*klass != 4 && *klass != 5) || !dot) return std::nullopt;
  p.klass = static_cast<std::uint8_t>(*klass);
  if (text.empty()) return p;
  p.subject = take_part(text, dot);
  if (!p.subject || !dot) return std::nullopt;
  if (text.empty()) return p;
  p.detail = take_part(text, dot);
  return p.detail && !dot ? std::optional(p) : std::nullopt;
}

std::string to_text(const status_pattern& p) {
  std::string text = fmt::format("{}.", p.klass);
  if (p.subject) text += fmt::format("{}.", *p.subject);
  if (p.detail) text += fmt::format("{}", *p.detail);
  return text;
}

bool matches(const reply_rule& rule, const folded_reply& r, stage at) {
  if (!rule.codes.empty() && !any_matches(rule.codes, r.whole.code)) return false;
  if (!rule.statuses.empty() && !any_matches(rule.statuses, r.whole.status)) return false;
  const bool stage_counts = at != stage::none && !rule.stages.empty();
  if (stage_counts && std::find(rule.stages.begin(), rule.stages.end(), at) == rule.stages.end()) return false;
  return rule.texts.empty() || any_matches(rule.texts, std::string_view(r.text));
}

rule_book::rule_book(std::vector<reply_rule> all) : all_(std::move(all)) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    if (all_[i].providers.empty()) general_.push_back(i);
    for (const std::string& name : all_[i].providers)
      of_provider_[name].push_back(i);
  }
}

const reply_rule* rule_book::find(const folded_reply& r, stage at, std::string_view provider) const {
  const auto first_of = [&](const std::vector<std::size_t>& those) -> const reply_rule* {
    const auto found = std::find_if(those.begin(), those.end(), [&](auto i) { return matches(all_[i], r, at); });
    return found == those.end() ? nullptr : &all_[*found];
  };
  if (!provider.empty()) {
    const auto own = of_provider_.find(std::string(provider));
    const reply_rule* found = own == of_provider_.end() ? nullptr : first_of(own->second);
    if (found != nullptr) return found;
  }
  return first_of(general_);
}

std::string to_text(const ruling& r) {
  return fmt::format("{} ({}): {}", r.rule->name, to_text(r.what), r.rule->why);
}

std::optional<ruling> rules::judge(const reply& r, stage at, const provider* of) const {
  if (!r.transient() && !r.permanent()) return std::nullopt;
  const folded_reply folded(r);
  const reply_rule* rule = replies.find(folded, at, of == nullptr ? std::string_view() : of->name);
  if (rule == nullptr) return std::nullopt;
  ruling result{rule, rule->what};
  if (result.what.kind == verdict_kind::greylisted) {
    const auto asked = retry_hint(folded.text);
    if (asked) {
      result.what.duration = *asked;
    } else if (of != nullptr && of->greylisting) {
      result.what.duration = *of->greylisting;
    }
  }
  return result;
}

}  // namespace gonets::shaping
