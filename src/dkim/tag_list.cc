#include "dkim/tag_list.h"

#include <openssl/evp.h>

#include <algorithm>

namespace gonets::dkim {
namespace {

constexpr std::size_t tags_max = 100;

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
bool is_name(std::string_view text) {
  return !text.empty() && is_letter(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

}  // namespace

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front()))
    text.remove_prefix(1);
  while (!text.empty() && is_space(text.back()))
    text.remove_suffix(1);
  return text;
}

std::string without_blanks(std::string_view text) {
  std::string kept;
  kept.reserve(text.size());
  std::ranges::copy_if(text, std::back_inserter(kept), [](char c) { return !is_space(c); });
  return kept;
}

std::optional<tag_list> tag_list::parse(std::string_view text) {
  tag_list found;
  bool fine = true;
  bool ended = false;
  for_each_item(text, ';', [&](std::string_view item) {
    fine &= !ended;
    ended = item.empty();  // after the last ';'
    if (ended) return;
    const auto equals = item.find('=');
    const auto name = trimmed(item.substr(0, equals));
    fine &= equals != item.npos && is_name(name) && !found.find(name) && found.tags_.size() < tags_max;
    if (fine) found.tags_.emplace_back(name, trimmed(item.substr(equals + 1)));
  });
  if (!fine) return std::nullopt;
  return found;
}

std::string_view tag_list::first() const {
  return tags_.empty() ? std::string_view() : tags_.front().first;
}

std::optional<std::string_view> tag_list::find(std::string_view name) const {
  for (const auto& [key, value] : tags_) {
    if (key == name) return value;
  }
  return std::nullopt;
}

std::string to_base64(std::string_view bytes) {
  std::string text((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length =
      EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()));
  text.resize(static_cast<std::size_t>(length));
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  const auto packed = without_blanks(text);
  if (packed.empty() || packed.size() % 4 != 0) return std::nullopt;
  std::string bytes(packed.size() / 4 * 3, '\0');
  const int length =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(bytes.data()),
                      reinterpret_cast<const unsigned char*>(packed.data()), static_cast<int>(packed.size()));
  if (length < 0) return std::nullopt;
  const auto padding = packed.ends_with("==") ? 2u : packed.ends_with('=') ? 1u : 0u;
  bytes.resize(static_cast<std::size_t>(length) - padding);
  return bytes;
}

}  // namespace gonets::dkim
