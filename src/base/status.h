// SMTP reply codes and enhanced status codes (RFC 5321 4.2, RFC 3463), and the reply that is made of them.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gonets {

// RFC 3463: class.subject.detail. All zero: absent.
struct enhanced_status {
  std::uint8_t klass = 0;
  std::uint16_t subject = 0;
  std::uint16_t detail = 0;

  bool present() const { return klass != 0; }
  bool operator==(const enhanced_status&) const = default;
};

std::string to_text(enhanced_status status);  // "5.1.1"; "" when absent
// Reads a status at the start of `text`, ended by a space or the end. Class 2, 4 or 5; subject and detail 0 to 999.
std::optional<enhanced_status> parse_enhanced_status(std::string_view text);

// One reply of an SMTP server, ours or a peer's. `text` is what stands after the codes, lines joined by '\n'.
struct reply {
  std::uint16_t code = 0;
  enhanced_status status;
  std::string text;

  bool positive() const { return code >= 200 && code < 300; }
  bool transient() const { return code >= 400 && code < 500; }
  bool permanent() const { return code >= 500 && code < 600; }
  bool operator==(const reply&) const = default;
};

// "550 5.1.1 No such user here", lines joined by '\n'; for logs, events and DSNs.
std::string to_text(const reply& r);

// Where in an attempt something happened; the words that events, logs and DSNs use.
enum class stage : std::uint8_t { none, resolve, connect, greeting, tls, ehlo, auth, mail, rcpt, data, end_of_data };
std::string_view to_text(stage s);  // "end_of_data"
// Where a peer's reply can come, in the order of a session.
inline constexpr std::array dialogue_stages{stage::connect, stage::greeting, stage::tls,
                                            stage::ehlo,    stage::auth,     stage::mail,
                                            stage::rcpt,    stage::data,     stage::end_of_data};

}  // namespace gonets
