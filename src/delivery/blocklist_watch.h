// Looks the addresses of the egresses up on DNS block lists, now and then, and tells of what changes: by events, the
// metrics and the log, and to the egress book, where a listing takes the egress out. A list is believed only while its
// test entries are as they must be: one that is dead, that lists the world or does not answer us changes nothing.
//
// Lives on one shard; only lines() and zones() are for any thread. What it knows is lost with the process, and asked
// for again at the start.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/clock.h"
#include "delivery/egress_book.h"
#include "events/event.h"
#include "metrics/metrics.h"
#include "runtime/dns.h"
#include "shaping/blocklist.h"

namespace gonets::delivery {

struct blocklist_options {
  struct address {
    std::string egress, text;
  };
  std::vector<std::string> zones;
  std::chrono::milliseconds check_every{3'600'000};
  bool take_out = false;
  std::vector<address> addresses;
};

class blocklist_watch {
 public:
  // How long a listing counts that its list does not confirm any more.
  static constexpr std::chrono::hours unconfirmed_max{24};

  struct environment {
    runtime::resolver& dns;
    const clock& time;
    metrics::registry& counts;
    egress_book& egresses;
    std::function<void(events::event)> record;
    std::function<void(const std::string& egress)> moved;  // it was taken out, or is back
  };
  blocklist_watch(blocklist_options with, environment env);

  void reconfigure(blocklist_options with);  // looks everything up at once
  void tick();                               // every second or so

  struct line {
    std::string egress, address, zone;
    shaping::listing state = shaping::listing::unknown;
    std::string reason;  // the list's own words, where it has some
    wall_time since{};   // of the state
  };
  std::vector<line> lines() const;
  struct zone_line {
    std::string zone;
    std::string trouble;  // why it is not believed; empty: it is
    wall_time checked{};  // zero: not yet
  };
  std::vector<zone_line> zones() const;

 private:
  struct known {
    shaping::listing state = shaping::listing::unknown;
    std::string reason;
    wall_time since{};
    steady_time confirmed{};
  };
  // Of one round, one zone; its questions are asked one after the other.
  struct inquiry;
  using inquiry_ptr = std::shared_ptr<inquiry>;
  using key = std::tuple<std::string, std::string, std::string>;  // egress, address, zone

  void begin_round();
  void test(const inquiry_ptr& of, bool ipv6, bool listed_one);
  void tested(const inquiry_ptr& of, bool ipv6, bool listed_one, const runtime::dns_answer& answer);
  void ask_next(const inquiry_ptr& of);
  void answered(const inquiry_ptr& of, const blocklist_options::address& about, shaping::listing found,
                std::string reason);
  void end_inquiry(const inquiry_ptr& of);
  void set(const key& of, shaping::listing state, std::string reason);
  void show(const std::string& egress);
  metrics::gauge& gauge_of(const std::string& egress, const std::string& zone) const;

  blocklist_options with_;
  environment env_;
  steady_time next_round_{};
  std::uint64_t round_ = 0;  // answers of an earlier one count no more
  std::size_t under_way_ = 0;
  mutable std::mutex lock_;  // of these, for lines() and zones()
  std::map<key, known> known_;
  std::map<std::string, zone_line> zones_;
};

}  // namespace gonets::delivery
