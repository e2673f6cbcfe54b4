#include "message/tracked_addresses.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/base64.h"

namespace gonets::message {
namespace {

constexpr std::string_view picture_path = "/o/", link_path = "/c/";
constexpr std::size_t base64_group = 4;

// RFC 4648 5, without padding.
std::string to_base64url(std::string_view octets) {
  auto text = encode_base64(octets);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

std::optional<std::string> from_base64url(std::string_view text) {
  if (text.find_first_of("+/=") != text.npos) return std::nullopt;
  std::string padded(text);
  std::ranges::replace(padded, '-', '+');
  std::ranges::replace(padded, '_', '/');
  padded.append((base64_group - padded.size() % base64_group) % base64_group, '=');
  return decode_base64(padded);
}

std::string_view without_slashes(std::string_view base) {
  while (base.ends_with('/'))
    base.remove_suffix(1);
  return base;
}

}  // namespace

std::string tracked_addresses::picture(std::string_view base, const verp& of) const {
  return fmt::format("{}{}{}", without_slashes(base), picture_path, opened_.token(of));
}

std::string tracked_addresses::link(std::string_view base, const verp& of, std::string_view url) const {
  return fmt::format("{}{}{}/{}", without_slashes(base), link_path, clicked_.token(of, url), to_base64url(url));
}

std::optional<visit> tracked_addresses::read(std::string_view path) const {
  if (path.starts_with(picture_path)) {
    const auto who = opened_.open_token(path.substr(picture_path.size()));
    return who ? std::optional(visit{*who, {}}) : std::nullopt;
  }
  if (!path.starts_with(link_path)) return std::nullopt;
  path.remove_prefix(link_path.size());
  const auto slash = path.find('/');
  if (slash == path.npos) return std::nullopt;
  auto url = from_base64url(path.substr(slash + 1));
  if (!url || url->empty()) return std::nullopt;
  const auto who = clicked_.open_token(path.substr(0, slash), *url);
  return who ? std::optional(visit{*who, std::move(*url)}) : std::nullopt;
}

}  // namespace gonets::message
