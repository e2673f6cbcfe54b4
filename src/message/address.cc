#include "message/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "message/utf8.h"

namespace gonets::message {
namespace {

constexpr std::size_t local_part_bytes_max = 64;
constexpr std::size_t domain_bytes_max = 255;
constexpr std::size_t label_bytes_max = 63;
constexpr std::size_t path_bytes_max = 256;  // RFC 5321 4.5.3.1.3 counts the angle brackets
constexpr std::string_view ipv6_tag = "IPv6:";

bool is_high(char c) {
  return (static_cast<std::uint8_t>(c) & 0x80) != 0;
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_alpha(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

// RFC 5322 3.2.3, with RFC 6531's UTF8-non-ascii: the caller has judged already whether that may occur.
bool is_atext(char c) {
  constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~";
  return is_alpha(c) || is_digit(c) || is_high(c) || specials.find(c) != std::string_view::npos;
}

bool is_printable(char c) {
  return is_high(c) || (c >= ' ' && c <= '~');
}

// C1 controls are valid UTF-8, and steer terminals and log viewers.
bool has_c1_control(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xC2' && static_cast<std::uint8_t>(text[i + 1]) < 0xA0) return true;
  }
  return false;
}

// The length of the quoted-string at `text`'s start, 0 if there is none.
std::size_t quoted_string_length(std::string_view text) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\' && (++i == text.size() || is_high(text[i]))) return 0;
    if (!is_printable(text[i])) return 0;
  }
  return 0;
}

std::size_t dot_string_length(std::string_view text) {
  std::size_t i = 0;
  bool atom_open = false;
  for (; i < text.size(); ++i) {
    if (text[i] == '.' && atom_open) {
      atom_open = false;
    } else if (is_atext(text[i])) {
      atom_open = true;
    } else {
      break;
    }
  }
  return atom_open ? i : 0;
}

address_error check_label(std::string_view label) {
  if (label.empty() || label.front() == '-' || label.back() == '-') return address_error::syntax;
  bool ascii = true;
  for (const char c : label) {
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '_' && !is_high(c)) return address_error::syntax;
    ascii = ascii && !is_high(c);
  }
  // The limit is on the A-label; of a U-label the whole domain's limit is all that can be said without IDNA tables.
  return ascii && label.size() > label_bytes_max ? address_error::domain_too_long : address_error::none;
}

address_error check_domain_name(std::string_view domain) {
  for (;;) {
    const auto dot = domain.find('.');
    if (const auto e = check_label(domain.substr(0, dot)); e != address_error::none) return e;
    if (dot == std::string_view::npos) return address_error::none;
    domain.remove_prefix(dot + 1);
  }
}

bool has_ipv6_tag(std::string_view inside) {
  return inside.size() > ipv6_tag.size() && std::equal(ipv6_tag.begin(), ipv6_tag.end(), inside.begin(),
                                                       [](char a, char b) { return lower(a) == lower(b); });
}

// RFC 5321 4.1.3, without General-address-literal: no other tag was ever registered.
bool is_address_literal(std::string_view domain) {
  if (domain.size() < 2 || domain.back() != ']') return false;
  auto inside = domain.substr(1, domain.size() - 2);
  const bool v6 = has_ipv6_tag(inside);
  if (v6) inside.remove_prefix(ipv6_tag.size());
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (inside.size() >= text.size() || inside.find('\0') != std::string_view::npos) return false;
  std::copy(inside.begin(), inside.end(), text.begin());
  std::array<std::uint8_t, 16> binary{};
  return inet_pton(v6 ? AF_INET6 : AF_INET, text.data(), binary.data()) == 1;
}

address_error check_domain(std::string_view domain) {
  if (domain.size() > domain_bytes_max) return address_error::domain_too_long;
  if (domain.empty()) return address_error::syntax;
  if (domain.front() != '[') return check_domain_name(domain);
  return is_address_literal(domain) ? address_error::none : address_error::syntax;
}

// Peers compare the tag of a literal literally more often than they should, so it keeps the RFC's spelling.
void canonicalize_domain(std::string& text, std::size_t domain_at) {
  const auto domain = text.begin() + static_cast<std::ptrdiff_t>(domain_at);
  std::transform(domain, text.end(), domain, lower);
  if (*domain == '[' && has_ipv6_tag(std::string_view(text).substr(domain_at + 1))) {
    std::copy(ipv6_tag.begin(), ipv6_tag.end(), domain + 1);
  }
}

address_error check_octets(std::string_view text, bool utf8) {
  if (is_ascii(text)) return address_error::none;
  if (!utf8) return address_error::non_ascii;
  return is_valid_utf8(text) && !has_c1_control(text) ? address_error::none : address_error::syntax;
}

}  // namespace

std::string_view to_text(address_error e) {
  switch (e) {
    case address_error::none:
      return "The address is well-formed";
    case address_error::syntax:
      return "The address is not of the form local-part@domain";
    case address_error::local_part_too_long:
      return "The part of the address before the @ is longer than 64 octets";
    case address_error::domain_too_long:
      return "The domain of the address is longer than 255 octets, or a label of it longer than 63";
    case address_error::path_too_long:
      return "The address is longer than 254 octets";
    case address_error::non_ascii:
      return "The address is not ASCII, and SMTPUTF8 was not asked for";
  }
  return {};
}

std::expected<address, address_error> parse_address(std::string_view text, bool utf8) {
  if (const auto e = check_octets(text, utf8); e != address_error::none) return std::unexpected(e);
  const bool quoted = !text.empty() && text.front() == '"';
  const auto local_length = quoted ? quoted_string_length(text) : dot_string_length(text);
  if (local_length == 0 || local_length == text.size() || text[local_length] != '@') {
    return std::unexpected(address_error::syntax);
  }
  if (const auto e = check_domain(text.substr(local_length + 1)); e != address_error::none) return std::unexpected(e);
  if (local_length > local_part_bytes_max) return std::unexpected(address_error::local_part_too_long);
  if (text.size() + 2 > path_bytes_max) return std::unexpected(address_error::path_too_long);
  address parsed{std::string(text), local_length + 1};
  canonicalize_domain(parsed.text, parsed.domain_at);
  return parsed;
}

std::string_view domain_of(std::string_view address_text) {
  // A quoted local-part may hold an @, a domain never does.
  const auto at = address_text.rfind('@');
  return at == std::string_view::npos ? std::string_view{} : address_text.substr(at + 1);
}

std::string_view local_part_of(std::string_view address_text) {
  return address_text.substr(0, address_text.rfind('@'));
}

}  // namespace gonets::message
