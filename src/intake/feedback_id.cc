#include "intake/feedback_id.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace gonets::intake {
namespace {

constexpr std::size_t group_bytes_max = 40;
constexpr std::string_view sender_id = "gonets";  // 5 to 15 characters, the same in all mail

bool is_plain(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '.' || c == '-' || c == '_';
}

// FNV-1a: tells apart what is spelled alike once it is changed.
std::uint32_t hash_of(std::string_view text) {
  std::uint32_t hash = 2166136261u;
  for (const char c : text)
    hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

std::string group_of(std::string_view name) {
  if (name.size() <= group_bytes_max && std::ranges::all_of(name, is_plain)) return std::string(name);
  std::string plain(name.substr(0, group_bytes_max));
  std::ranges::replace_if(
      plain, [](char c) { return !is_plain(c); }, '_');
  return fmt::format("{}-{:08x}", plain, hash_of(name));
}

}  // namespace

void append_feedback_id(std::string& to, const message::verp_signer& by, const std::optional<message::verp>& of,
                        const feedback_groups& groups) {
  to += "Feedback-ID: ";
  if (of) to += by.token(*of) + ":";
  to += fmt::format("{}:{}:{}:{}\r\n", group_of(groups.campaign), group_of(groups.stream), group_of(groups.account),
                    sender_id);
}

}  // namespace gonets::intake
