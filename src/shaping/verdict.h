// What is to be done about a reply, as a rule says it. Pure data: the scheduler does it.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace gonets::shaping {

// Every kind but the last two means that the recipient is tried again, whatever the reply's class was; the last two end
// it, also after a 4xx.
enum class verdict_kind : std::uint8_t {
  defer,         // this recipient alone waits: for `duration`, or as the common schedule says when it is zero
  greylisted,    // this recipient alone waits for `duration`, after which it is expected to be taken
  slow_down,     // this site from this egress, to `factor` of the present rate or to `to`; for `duration` if not zero
  hold_site,     // nothing goes to this site from this egress for `duration`
  close_window,  // what may be sent in a window is used up, whatever we counted; see shaping::limit_node::exhaust()
  hold_account,  // nothing of this account or stream goes to this provider for `duration`
  next_mx,       // this host is passed over, for `duration` if not zero: another host of the site may take it
  other_egress,  // this egress is passed over for this site, for `duration` if not zero
  fail,          // the recipient fails for good
  suppress       // the same, and the address is dead: never send to it again
};

// Whom the reply is about: who is to blame, and so who may be slowed down for it.
enum class concern : std::uint8_t { address, account, content, egress, site };

std::string_view to_text(verdict_kind k);  // "hold_site"
std::string_view to_text(concern c);       // "egress"

struct rate {
  std::uint32_t messages = 0;
  std::chrono::milliseconds per{};
  bool operator==(const rate&) const = default;
};
std::string to_text(const rate& r);                     // "20/m"
std::optional<rate> parse_rate(std::string_view text);  // N/s, N/m, N/h or N/d, N from 1 to a million

struct verdict {
  verdict_kind kind = verdict_kind::defer;
  concern about = concern::address;
  std::chrono::milliseconds duration{};
  double factor = 0;       // of slow_down: above 0 and below 1; 0: `to` says it
  std::optional<rate> to;  // of slow_down

  bool final() const { return kind == verdict_kind::fail || kind == verdict_kind::suppress; }
  bool operator==(const verdict&) const = default;
};
std::string to_text(const verdict& v);  // "slow_down to 50% for 30m", "greylisted for 5m", "fail"

}  // namespace gonets::shaping
