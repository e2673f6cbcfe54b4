// tag=value lists of DKIM-Signature fields and key records (RFC 6376 3.2). Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace gonets::dkim {

class tag_list {
 public:
  // Nothing for what is no tag list: a name that is none, no "=", a name twice, nothing between two ";". At most 100
  // tags.
  static std::optional<tag_list> parse(std::string_view text);

  // Without the blanks and folds around it; nothing when the tag is absent.
  std::optional<std::string_view> find(std::string_view name) const;
  std::string_view first() const;  // the first tag's name

 private:
  std::vector<std::pair<std::string_view, std::string_view>> tags_;
};

std::string without_blanks(std::string_view text);
std::string_view trimmed(std::string_view text);
// Calls `visit(item)` for each item between `separator`s, trimmed.
template <class Visit>
void for_each_item(std::string_view text, char separator, Visit&& visit) {
  for (;;) {
    const auto at = text.find(separator);
    visit(trimmed(text.substr(0, at)));
    if (at == text.npos) return;
    text.remove_prefix(at + 1);
  }
}

std::string to_base64(std::string_view bytes);
std::optional<std::string> from_base64(std::string_view text);  // blanks and folds are skipped

}  // namespace gonets::dkim
