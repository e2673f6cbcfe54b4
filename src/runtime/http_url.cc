#include <algorithm>
#include <charconv>

#include "base/network.h"
#include "base/text.h"
#include "runtime/http_client.h"

namespace gonets::runtime {
namespace {

constexpr std::size_t url_bytes_max = 2048;

bool is_visible(char c) {
  return c > ' ' && c < 0x7f;
}

// Only what a host name has: no escapes, so that the host that is verified is the one that was written.
bool is_host(std::string_view host) {
  return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
  });
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc{} || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

// "[2001:db8::1]" and what follows it; nothing for what is no IPv6 address.
std::optional<std::string> take_bracketed(std::string_view& authority) {
  const auto end = authority.find(']');
  if (end == authority.npos) return std::nullopt;
  std::string host(authority.substr(1, end - 1));
  if (!host.contains(':') || !parse_address(host)) return std::nullopt;
  authority.remove_prefix(end + 1);
  return host;
}

}  // namespace

std::optional<http_url> http_url::parse(std::string_view text) {
  if (text.size() > url_bytes_max || !std::ranges::all_of(text, is_visible)) return std::nullopt;
  http_url url;
  const auto colon = text.find("://");
  if (colon == text.npos) return std::nullopt;
  const auto scheme = to_lower(text.substr(0, colon));
  if (scheme != "https" && scheme != "http") return std::nullopt;
  url.tls = scheme == "https";
  url.port = url.tls ? 443 : 80;
  text.remove_prefix(colon + 3);
  text = text.substr(0, text.find('#'));
  const auto path = text.find_first_of("/?");
  auto authority = text.substr(0, path);
  url.target = path == text.npos ? "" : text.substr(path);
  if (!url.target.starts_with('/')) url.target.insert(0, 1, '/');
  if (authority.contains('@')) return std::nullopt;
  if (authority.starts_with('[')) {
    auto host = take_bracketed(authority);
    if (!host) return std::nullopt;
    url.host = to_lower(*host);
  } else {
    const auto end = std::min(authority.find(':'), authority.size());
    url.host = to_lower(authority.substr(0, end));
    if (!is_host(url.host)) return std::nullopt;
    authority.remove_prefix(end);
  }
  if (authority.empty()) return url;
  const auto port = authority.front() == ':' ? parse_port(authority.substr(1)) : std::nullopt;
  if (!port) return std::nullopt;
  url.port = *port;
  return url;
}

std::string http_url::authority() const {
  auto text = host.contains(':') ? '[' + host + ']' : host;
  if (port != (tls ? 443 : 80)) text += ':' + std::to_string(port);
  return text;
}

std::string_view to_text(http_error e) {
  switch (e) {
    case http_error::bad_request:
      return "bad_request";
    case http_error::resolve:
      return "resolve";
    case http_error::forbidden:
      return "forbidden";
    case http_error::connect:
      return "connect";
    case http_error::tls:
      return "tls";
    case http_error::certificate:
      return "certificate";
    case http_error::timed_out:
      return "timed_out";
    case http_error::too_large:
      return "too_large";
    case http_error::bad_answer:
      return "bad_answer";
  }
  return "?";
}

std::string_view http_answer::header(std::string_view name) const {
  const auto wanted = to_lower(name);
  for (const auto& [key, value] : headers) {
    if (key.size() == wanted.size() && to_lower(key) == wanted) return value;
  }
  return {};
}

std::string form_encode(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string encoded;
  for (const char c : text) {
    const bool plain =
        (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '_';
    if (plain) {
      encoded += c;
      continue;
    }
    const auto octet = static_cast<unsigned char>(c);
    encoded += '%';
    encoded += digits[octet >> 4];
    encoded += digits[octet & 15];
  }
  return encoded;
}

}  // namespace gonets::runtime
