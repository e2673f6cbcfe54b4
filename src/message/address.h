// Mailboxes and paths of SMTP (RFC 5321 4.1.2, RFC 6531 3.3). Pure; no input makes these throw or read out of bounds.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace gonets::message {

struct address {
  std::string text;         // local-part "@" domain; the domain in lower case (ASCII), the local-part as given
  std::size_t domain_at{};  // index of the domain's first byte

  std::string_view local_part() const { return std::string_view(text).substr(0, domain_at - 1); }
  std::string_view domain() const { return std::string_view(text).substr(domain_at); }
  bool has_domain_literal() const { return !domain().empty() && domain().front() == '['; }
};

enum class address_error : std::uint8_t {
  none,
  syntax,               // 5.1.3 / 5.1.7
  local_part_too_long,  // over 64 octets, RFC 5321 4.5.3.1.1
  domain_too_long,      // over 255 octets, or a label over 63
  path_too_long,        // over 256 octets
  non_ascii             // UTF-8 where SMTPUTF8 was not asked for; 5.6.7
};
std::string_view to_text(address_error e);  // a sentence for the reply

// Parses `local-part@domain`: dot-string or quoted-string; domain, or address literal ([192.0.2.1], [IPv6:...]).
// With `utf8`, U-labels and UTF-8 local-parts are accepted if they are valid UTF-8. "postmaster" alone is not accepted.
std::expected<address, address_error> parse_address(std::string_view text, bool utf8);

// The domain part of an address that parse_address made or accepted; for stored addresses.
std::string_view domain_of(std::string_view address_text);
std::string_view local_part_of(std::string_view address_text);  // the rest of it, as it is written

}  // namespace gonets::message
