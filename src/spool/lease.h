// What the scheduler hands out and what comes back: the words that `scheduler` and `delivery` share without knowing
// each other. All of it lives on the shard that owns the site.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "shaping/limit_set.h"
#include "smtp/client_session.h"
#include "spool/message.h"

namespace gonets::spool {

// Where a recipient domain's mail goes: delivery knows what is behind it, the scheduler only that equal keys are one
// site.
class destination {
 public:
  explicit destination(std::string key) : site_key(std::move(key)) {}
  virtual ~destination() = default;
  // The names of its mail hosts, by which its provider is known; none for what is no host.
  virtual std::vector<std::string> hosts() const { return {}; }
  // How its pace is found: not at all, from a careful start, or from no bound at all, for what is the operator's own.
  enum class pacing : std::uint8_t { none, careful, open };
  virtual pacing paced() const { return pacing::none; }
  // What its route says of limits, besides what is known of its provider.
  virtual std::vector<shaping::limit_setting> limits() const { return {}; }
  // The name of the egress that is used on the way there.
  virtual std::string_view egress() const { return "default"; }
  // "mx:a.example,b.example", "smtp://host:port", "lmtp:...", "maildir:...", "capture"; with " via NAME" behind it
  // where the egress is not the default one
  const std::string site_key;
};
using destination_ptr = std::shared_ptr<const destination>;

using site_id = strong_id<struct site_id_tag, std::uint32_t>;

// The right and the duty to make one attempt: every lease taken is settled exactly once, each of its recipients by
// itself where their attempts end apart.
struct lease {
  message_ptr message;
  std::vector<recipient_index> recipients;
  site_id site;
  std::vector<std::uint32_t> entries;  // these are the scheduler's
  wall_time began{};
  std::chrono::milliseconds waited{0};  // of its first recipient, since it was due
};

// An egress that can't be used for now, whatever the site.
struct egress_trouble {
  std::string why;
  std::chrono::milliseconds lasts{0};
};

struct attempt_result {
  std::vector<smtp::recipient_outcome> recipients;  // in the order of lease::recipients
  std::string remote_host, remote_address;          // of the last host that was tried
  std::chrono::milliseconds duration{0};
  // From the first dial to the first MAIL, on the connection's first transaction; absent: the connection was there.
  std::optional<std::chrono::milliseconds> connecting;
  std::string tried;      // what was said with hosts that were tried before that one
  smtp::transcript said;  // with that host
  events::tls_use tls;    // of that host's connection
  // No host of the site could be reached, or all refused the session: nothing to do with this message.
  bool site_failed = false;
  std::optional<egress_trouble> egress_down;  // nothing was attempted for that
  bool discarded = false;                     // the route says that nothing is to be done
  bool final_here = false;                    // delivered into a mailbox, not relayed
  bool dsn_passed_on = false;                 // the next server took over NOTIFY (RFC 3461)
  bool by_passed_on = false;                  // the next server took over BY (RFC 2852)
  bool goes_on = false;                       // a part of a lease: the rest is under way still, at another host
};

// What delivery asks of the scheduler.
class work_source {
 public:
  virtual ~work_source() = default;
  // The next lease of the site, at most `recipients_max` recipients of one message; nothing when there is none now.
  virtual std::optional<lease> take(site_id site, std::size_t recipients_max) = 0;
  virtual void settle(lease done, attempt_result result) = 0;
  // Whether what a host said of the lease's recipient is about that host alone: another of the site may take it.
  virtual bool passes_host_over(const lease& of, std::size_t recipient, const smtp::recipient_outcome& o) const = 0;
  // How many messages a connection may carry there; absent: nothing is known of that.
  virtual std::optional<std::size_t> messages_a_connection_max(site_id site) const = 0;
  // A host of the site greeted us; once for each connection.
  virtual void site_reached(site_id site) = 0;
  // A connection that open() asked for is gone, whatever became of it; `reached`: a host had greeted it.
  virtual void connection_closed(site_id site, bool reached) = 0;
};

// What the scheduler asks of delivery. Either call may take() before it returns, and do nothing else to the scheduler.
class transport {
 public:
  virtual ~transport() = default;
  // Wakes a connection of the site that waits for work; false when there is none.
  virtual bool resume(site_id site) = 0;
  // Makes one more connection, which will take leases until there are none.
  virtual void open(site_id site, destination_ptr to) = 0;
};

// What the way of a message asks of a directory besides its recipient's domain. It is part of the name under which a
// domain is looked up and queued, as marks behind it:
//
//   name := domain [";requiretls" | ";tls-optional"] [";egress=" wanted "#" slot *("!" egress)]
//
// `wanted` is an egress or pool, empty for the usual one. The slot is the message's: which of a pool it takes. Those
// behind a "!" have been refused there.
struct lookup_name {
  std::string_view domain;
  bool require_tls = false, tls_optional = false;
  std::string_view wanted_egress;
  std::optional<unsigned> slot;
  std::vector<std::string_view> refused;
};
lookup_name parse_lookup_name(std::string_view name);
std::string marked_domain(const queued_message& m, recipient_index recipient);  // without an egress
inline std::string_view without_mark(std::string_view domain) {
  return domain.substr(0, domain.find(';'));
}

// Finds destinations: routes first, then MX. A `domain` is a lookup_name.
class directory {
 public:
  using handler = std::move_only_function<void(destination_ptr found, smtp::recipient_outcome why_not)>;
  virtual ~directory() = default;
  // Under which a recipient is looked up. From any thread.
  virtual std::string name_of(const queued_message& m, recipient_index recipient) const {
    return marked_domain(m, recipient);
  }
  // Under which a recipient is looked up that `from` wants no mail for, by its egress; for as long as `lasts`, nobody
  // else is sent there by it, either. Nothing: there is no other egress.
  virtual std::optional<std::string> past_egress(std::string_view /*name*/, const destination& /*from*/,
                                                 std::chrono::milliseconds /*lasts*/) {
    return std::nullopt;
  }
  // What is known without asking anybody; null otherwise.
  virtual destination_ptr known(std::string_view domain) = 0;
  // Calls back later, on the same shard, with a destination or the reason why there is none (stage `resolve`).
  virtual void find(std::string_view domain, handler done) = 0;
};

}  // namespace gonets::spool
