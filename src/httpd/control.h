// What the HTTP API can ask of the running server. Implemented by `app`, which knows everybody. Calls come on any
// shard; answers come later, on the shard that asked; each is called exactly once.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/registry.h"
#include "base/clock.h"
#include "base/ids.h"
#include "base/network.h"
#include "domains/manager.h"
#include "events/event.h"
#include "httpd/event_source.h"
#include "httpd/exchange.h"
#include "httpd/operator_control.h"
#include "httpd/tls_control.h"
#include "httpd/webhook_control.h"
#include "scheduler/view.h"
#include "spool/message.h"

namespace gonets::httpd {

// Which recipients; all that are given must match.
struct queue_filter {
  std::optional<message_id> id;
  std::string recipient;  // whole address, or "@domain"
  std::string domain;
  std::string account;
  std::string state;  // "ready", "deferred", "held", "paused", "sending", "resolving"; empty: any
  std::chrono::milliseconds older_than{0};
  bool empty() const {
    return !id && recipient.empty() && domain.empty() && account.empty() && state.empty() && older_than.count() == 0;
  }
};

struct queue_row {
  message_id id;
  recipient_index index;
  std::string state;
  std::string sender, recipient, stream;
  std::string account;  // its name; empty when it is not known
  std::uint64_t message_bytes = 0;
  wall_time accepted{};
  wall_time next_attempt{};  // zero when it waits for something else
  std::uint32_t attempts = 0;
  std::string site;
  stage last_stage = stage::none;
  reply last_answer;
  std::string hold_reason;
  wall_time release_at{}, deliver_by{};  // as its sender set them; zero: it did not
};

struct queue_page {
  std::vector<queue_row> rows;
  std::uint64_t matching = 0;  // how many there are in all; more than rows when cut
};

struct queue_summary {
  struct line {
    std::string site;  // or the domain, for those without one yet
    std::string site_state, site_reason;
    std::uint64_t ready = 0, sending = 0, deferred = 0, held = 0;
    std::uint32_t connections = 0;
    wall_time oldest{};
    wall_time next_attempt{};
  };
  std::uint64_t ready = 0, sending = 0, deferred = 0, held = 0, resolving = 0;
  bool loading = false;     // the index is still being read from disk: numbers are too low
  std::vector<line> lines;  // most recipients first, cut at a limit
  std::uint64_t lines_in_all = 0;
};

struct obstacle {
  std::string
      what;  // stable word: "retry_time", "site_suspended", "site_connections", "held", "loading", "resolving", ...
  std::string detail;  // for people
  wall_time until{};   // zero when not known
};
struct why_row {
  queue_row row;
  std::vector<obstacle> obstacles;  // in the order in which they stand in the way; empty: it is being sent
  wall_time expected{};             // zero: now, or not known
};

enum class queue_action : std::uint8_t { retry, hold, release, remove };

struct audit_problem {
  message_id id;
  std::string detail;
};
struct audit_report {
  std::uint64_t messages = 0;
  std::uint64_t accepted = 0, delivered = 0, bounced = 0, expired = 0, cancelled = 0, discarded = 0;
  std::uint64_t suppressed = 0, queued = 0;
  std::vector<audit_problem> problems;  // cut at a limit
  std::uint64_t problems_in_all = 0;
  bool balanced() const {
    return problems_in_all == 0 &&
           accepted == delivered + bounced + expired + cancelled + discarded + suppressed + queued;
  }
};

struct captured_message {
  std::string id;  // of `capture show`
  std::string queue_id;
  wall_time at{};
  std::string sender, recipient, subject, from;
  std::uint64_t bytes = 0;
};

// Where clients of accounts can hand in mail.
struct submission_port {
  std::string host;
  std::uint16_t port = 0;
  std::string tls;  // "implicit", "starttls"; empty: none is offered there
};

struct quota_use {
  std::uint64_t used = 0;
  wall_time resets{};
};

struct readiness {
  bool ready = false;
  std::string reason;  // when not
};

// A source address or login that failed to log in lately.
struct lockout_row {
  std::string of;  // "source", "login"
  std::string name;
  std::uint32_t failures = 0;
  wall_time locked_until{};  // zero: not locked
};

// A way by which mail leaves.
struct egress_row {
  std::string name, source_ipv4, source_ipv6, helo, proxy;
  std::vector<std::string> pools;  // that have it
  bool up = true;
  std::string reason;  // of what is down
  wall_time since{};
  wall_time until{};  // left alone until then; zero: it is tried with the next message
  struct listing {
    std::string address, zone, reason;
    wall_time since{};
  };
  std::vector<listing> listings;  // block lists that it is on
  bool taken_out = false;         // for that
};

// A DNS block list that is asked.
struct blocklist_row {
  std::string zone;
  std::string trouble;  // why it is not believed; empty: it is
  wall_time checked{};  // zero: not yet
};

// What an API key is good for.
struct key_verdict {
  enum : std::uint8_t { granted, refused, unavailable } what = refused;
  std::string account;  // empty: `default`, which may see all
  bool read = false, admin = false;
};

using site_answer = std::expected<scheduler::site_view, std::string>;
using site_pin = scheduler::pin;
// Whose limits are looked at; empty: nobody's in particular.
struct site_viewer {
  std::string stream, account;
};

class control {
 public:
  template <class T>
  using done = std::move_only_function<void(T)>;

  virtual ~control() = default;
  virtual readiness ready() = 0;  // from any thread, at once
  virtual std::string metrics_page() = 0;
  virtual void summary(std::size_t lines_max, done<queue_summary> answer) = 0;
  virtual void list(queue_filter which, std::size_t rows_max, done<queue_page> answer) = 0;
  // The message with its recipients that are still queued; nothing when there is no such message.
  virtual void show(message_id id, done<std::optional<queue_page>> answer) = 0;
  virtual void content(message_id id, done<std::optional<std::string>> answer) = 0;  // at most 1 MiB of it
  virtual void act(queue_filter which, queue_action what, std::string reason, done<std::uint64_t> answer) = 0;
  virtual void trace(message_id id, done<std::vector<events::event>> answer) = 0;
  virtual void why(message_id id, done<std::vector<why_row>> answer) = 0;
  virtual void audit(done<audit_report> answer) = 0;
  // Runs `work` on a thread that may wait for the database; 503 when too much waits there already.
  virtual void with_accounts(std::move_only_function<response(accounts::registry&)> work, done<response> answer) = 0;
  virtual accounts::directory_ptr accounts_now() = 0;  // from any thread, at once
  // Of each quota in its present window, in the same order; from any thread, at once.
  virtual std::vector<quota_use> used_of(account_id who, const std::vector<accounts::quota>& quotas) = 0;
  virtual std::vector<submission_port> submission_ports() = 0;  // from any thread, at once
  virtual void captured(std::size_t rows_max, done<std::vector<captured_message>> answer) = 0;
  virtual void captured_content(std::string id, done<std::optional<std::string>> answer) = 0;
  virtual void check_key(std::string key, const address_bytes& from, done<key_verdict> answer) = 0;
  virtual void lockouts(std::size_t rows_max, done<std::vector<lockout_row>> answer) = 0;
  virtual void unlock(std::string what, done<bool> answer) = 0;  // false: it had no failures
  // A site by one of its domains, or why there is none.
  virtual void view_site(std::string domain, site_viewer by, done<site_answer> answer) = 0;
  virtual void pin_site(std::string domain, site_pin to, done<site_answer> answer) = 0;
  virtual void release_site(std::string domain, std::string stream, done<site_answer> answer) = 0;  // "": all streams
  virtual std::vector<egress_row> egresses() = 0;       // from any thread, at once
  virtual std::vector<blocklist_row> blocklists() = 0;  // from any thread, at once
  virtual domains::manager& domains() = 0;
  virtual event_source& event_log() = 0;
  virtual tls_control& tls() = 0;
  virtual operator_control& operating() = 0;
  virtual webhook_control& webhooks() = 0;
};

}  // namespace gonets::httpd
