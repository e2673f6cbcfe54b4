// Why mail came back, in words that stay: what receivers say in a thousand ways is one of these. docs/bounces.md has
// the table for people.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace gonets::bounce {

// The numbers are stored in events: append only.
enum class category : std::uint8_t {
  user_unknown,
  mailbox_full,
  mailbox_disabled,
  domain_unknown,
  domain_not_accepting,
  moved,
  rejected_content,
  spam_suspected,
  virus_suspected,
  blocklisted,
  reputation,
  authentication_failed,
  tls_required,
  policy,
  rate_limited,
  greylisted,
  too_large,
  not_allowed,
  protocol_error,
  network_error,
  system_error,
  expired,
  auto_reply,
  challenge,
  unknown
};
inline constexpr std::size_t categories = static_cast<std::size_t>(category::unknown) + 1;

// What the refusal is about, and so who can do something.
enum class concern : std::uint8_t {
  address,
  mailbox,
  content,
  reputation,
  authentication,
  policy,
  rate,
  greylisting,
  network,
  receiver,
  unknown
};

enum class lasting : std::uint8_t {
  by_code,    // the code decides; without one it is for good
  soft,       // the code decides; without one it passes
  temporary,  // whatever the code says: the same mail will be taken later
};

struct category_facts {
  std::string_view name;
  concern about;
  lasting how_long;
  bool dead_address;  // no mail will ever arrive there, when it is for good
  std::string_view hint, hint_ru;
};

const category_facts& facts_of(category c);
std::string_view to_text(category c);
std::string_view to_text(concern c);
std::optional<category> parse_category(std::string_view name);

}  // namespace gonets::bounce
