// Who failed to log in how often, and who is kept out for it: source addresses and logins, apart. The caller tells the
// time. Thread-safe; bounded: when full, what failed longest ago is forgotten.
//
// A login that is locked is so for strangers only: from where it succeeded lately it still works, so that nobody can
// lock a customer out of his own account by failing on purpose. A source that is locked is locked for every login.
#pragma once
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "auth/detail/lru_map.h"
#include "base/clock.h"
#include "base/network.h"

namespace gonets::auth {

struct lockout_limits {
  unsigned failures_max = 10;  // of a source, or of a login, within `window`; then locked for `lockout`
  std::chrono::milliseconds window = std::chrono::minutes(10);
  std::chrono::milliseconds lockout = std::chrono::minutes(15);
  std::chrono::milliseconds delay =
      std::chrono::seconds(1);  // before the reply to the first failure; the next, twice...
};

enum class subject : std::uint8_t { source, login };
std::string_view to_text(subject s);

class lockouts {
 public:
  static constexpr std::size_t entries_max = 100'000;  // of each kind
  static constexpr unsigned delay_steps_max = 10;
  static constexpr std::chrono::hours good_for{24 * 30};  // a success from an address, counted from the last one

  explicit lockouts(lockout_limits with) : with_(with) {}
  void reconfigure(lockout_limits with);

  // IPv4 addresses one by one, of IPv6 the /64, which is what one customer has at the least.
  static std::string source_of(const address_bytes& address);  // "192.0.2.1", "2001:db8::/64"

  bool source_locked(std::string_view source, steady_time now) const;
  bool login_locked(std::string_view login, std::string_view source, steady_time now) const;

  struct consequence {
    std::chrono::milliseconds delay{0};
    bool locks_source = false, locks_login = false;  // by this failure
  };
  consequence note_failure(std::string_view login, std::string_view source, steady_time now);
  void note_success(std::string_view login, std::string_view source, steady_time now);

  struct row {
    subject what = subject::source;
    std::string name;
    unsigned failures = 0;
    std::chrono::milliseconds locked_for{0};  // from now; 0: only failed
  };
  // Locked ones first, then those who failed most; at most `max`.
  std::vector<row> rows(steady_time now, std::size_t max) const;
  // Forgets the failures of a source or login of that name; whether there were any.
  bool unlock(std::string_view name);

 private:
  struct record {
    unsigned failures = 0;
    steady_time first{};         // of these failures
    steady_time locked_until{};  // in the past: not locked
  };
  using table = detail::lru_map<record>;
  static bool locked(const table& in, std::string_view key, steady_time now);
  unsigned count(table& in, std::string_view key, steady_time now, bool& locks) const;
  void add_rows(const table& from, subject what, steady_time now, std::vector<row>& to) const;

  mutable std::mutex mutex_;
  lockout_limits with_;
  table sources_{entries_max}, logins_{entries_max};
  detail::lru_map<steady_time> good_{entries_max};  // login NUL source: when it succeeded last
};

}  // namespace gonets::auth
