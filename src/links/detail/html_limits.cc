#include "links/detail/html_limits.h"

#include <array>
#include <cstdint>

#include "links/rewrite_html.h"
#include "message/header_scan.h"

namespace gonets::links {
namespace {

bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

// The states of a tokenizer within a tag (HTML 13.2.5.32 to 13.2.5.39).
enum state : std::uint8_t {
  tag_name,
  before_name,
  name,
  after_name,
  before_value,
  double_quoted,
  single_quoted,
  unquoted
};
constexpr std::size_t states = 8;
constexpr int ended = -1;

int next(int from, char c) {
  switch (from) {
    case double_quoted:
      return c == '"' ? before_name : double_quoted;
    case single_quoted:
      return c == '\'' ? before_name : single_quoted;
    default:
      break;
  }
  if (c == '>') return ended;
  switch (from) {
    case before_value:
      return is_blank(c) ? before_value : c == '"' ? double_quoted : c == '\'' ? single_quoted : unquoted;
    case unquoted:
      return is_blank(c) ? before_name : unquoted;
    case tag_name:
      return is_blank(c) || c == '/' ? before_name : tag_name;
    case before_name:
      return is_blank(c) || c == '/' ? before_name : name;
    default:
      break;
  }
  if (c == '=') return before_value;
  if (c == '/') return before_name;
  if (is_blank(c)) return after_name;
  return name;
}

// Where tags begin depends on comments and scripts, which only a parser knows. So this follows a tag from each place
// where one could begin, all of them at once: `at` has the states that any of them is in.
class attribute_counter {
 public:
  void begin_tag() { at_[tag_name] = true; }
  void take(char c) {
    std::array<bool, states> now{};
    bool begun = false;
    for (std::size_t from = 0; from < states; ++from) {
      if (!at_[from]) continue;
      const int to = next(static_cast<int>(from), c);
      if (to == ended) continue;
      now[static_cast<std::size_t>(to)] = true;
      begun |= to == name && from != name;
    }
    at_ = now;
    count_ += begun;
  }
  std::size_t count() const { return count_; }

 private:
  std::array<bool, states> at_{};
  std::size_t count_ = 0;
};

}  // namespace

bool is_too_much(std::string_view html) {
  if (html.size() > html_bytes_max) return true;
  constexpr std::string_view frameset = "frameset";
  std::size_t opening = 0, closing = 0;
  attribute_counter attributes;
  for (std::size_t i = 0; i < html.size(); ++i) {
    attributes.take(html[i]);
    if (!is_letter(html[i])) continue;
    const auto before = html.substr(0, i);
    const bool closes = before.ends_with("</");
    if (!closes && !before.ends_with('<')) continue;
    if (!closes && message::same_field_name(html.substr(i, frameset.size()), frameset)) return true;
    attributes.begin_tag();
    if (++(closes ? closing : opening) > tags_max || attributes.count() > attributes_max) return true;
  }
  return attributes.count() > attributes_max;
}

}  // namespace gonets::links
