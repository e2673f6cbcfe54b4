#include "links/detail/media_type.h"

#include "base/text.h"

namespace gonets::links {
namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// A structured field's value, taken off from its front.
class value_reader {
 public:
  explicit value_reader(std::string_view value) : rest_(value) { skip(); }

  bool at_end() const { return rest_.empty(); }
  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    skip();
    return true;
  }
  // Empty when there is none.
  std::string_view token() { return run("()<>@,;:\\\"/[]?="); }
  std::optional<std::string> parameter_value() {
    if (rest_.starts_with('"')) return quoted();
    const auto value = run(";\"()");
    if (value.empty()) return std::nullopt;
    return std::string(value);
  }

 private:
  std::string_view run(std::string_view ends) {
    std::size_t n = 0;
    while (n < rest_.size() && rest_[n] > ' ' && rest_[n] < 0x7f && ends.find(rest_[n]) == ends.npos)
      ++n;
    const auto found = rest_.substr(0, n);
    rest_.remove_prefix(n);
    skip();
    return found;
  }

  std::optional<std::string> quoted() {
    std::string value;
    for (std::size_t i = 1; i < rest_.size(); ++i) {
      char c = rest_[i];
      if (c == '"') {
        rest_.remove_prefix(i + 1);
        skip();
        return value;
      }
      if (c == '\r' || c == '\n') continue;  // of a fold
      if (c == '\\' && ++i < rest_.size()) c = rest_[i];
      value += c;
    }
    return std::nullopt;
  }

  // Blanks, folds and comments, which nest. A comment without an end is left where it stands.
  void skip() {
    std::size_t depth = 0;
    for (std::size_t i = 0; i < rest_.size(); ++i) {
      if (rest_[i] == '(') {
        ++depth;
      } else if (depth > 0) {
        depth -= rest_[i] == ')';
        i += rest_[i] == '\\';
      } else if (!is_blank(rest_[i])) {
        rest_.remove_prefix(i);
        return;
      }
    }
    if (depth == 0) rest_ = {};
  }

  std::string_view rest_;
};

bool set_once(std::string& to, std::string value) {
  if (!to.empty() || value.empty()) return false;
  to = std::move(value);
  return true;
}

}  // namespace

std::optional<media_type> parse_media_type(std::string_view value) {
  value_reader from(value);
  media_type type;
  type.name = to_lower(from.token());
  if (type.name.empty() || !from.take('/')) return std::nullopt;
  const auto subtype = from.token();
  if (subtype.empty()) return std::nullopt;
  type.name += '/' + to_lower(subtype);
  while (!from.at_end()) {
    if (!from.take(';')) return std::nullopt;
    const auto name = to_lower(from.token());
    if (name.empty()) continue;  // nothing between two semicolons, or after the last
    if (!from.take('=')) return std::nullopt;
    auto text = from.parameter_value();
    if (!text) return std::nullopt;
    if (name == "charset" && !set_once(type.charset, to_lower(*text))) return std::nullopt;
    if (name == "boundary" && !set_once(type.boundary, std::move(*text))) return std::nullopt;
  }
  return type;
}

std::string first_word(std::string_view value) {
  value_reader from(value);
  auto word = to_lower(from.token());
  return from.at_end() || from.take(';') ? word : std::string();
}

}  // namespace gonets::links
