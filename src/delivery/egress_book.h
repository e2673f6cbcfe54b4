// By which egress mail leaves, and which of them work: one book for all shards. What is asked once a message or
// connection takes a lock; where no egress is configured, nothing does.
#pragma once
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "config/egresses.h"
#include "config/settings.h"
#include "metrics/metrics.h"
#include "spool/lease.h"

namespace gonets::delivery {

class egress_book {
 public:
  // A message keeps its slot for good; a pool's egresses share the slots out by weight.
  static constexpr unsigned slots = 8192;
  // How long an egress that failed is left alone: twice as long each further time, until it works again.
  static constexpr std::chrono::seconds pause_min{30};
  static constexpr std::chrono::minutes pause_max{15};

  // Both outlive this.
  egress_book(const clock& time, metrics::registry& counts);

  // In place of what was before; each egress gets another chance.
  void configure(const config::settings& with);

  // Accounts whose mail leaves by an egress or pool of their own, in place of those told before.
  using account_ways = std::map<account_id, std::string>;
  void set_accounts(account_ways all);

  // The mark that the message's recipients are looked up with; empty where there is one egress only.
  std::string mark_of(const spool::queued_message& m) const;
  // Its egress: of those that `wanted` means, or else the usual ones, which work and have not been refused there.
  // Where there is none such, the one that can be tried first.
  std::string choose(const spool::lookup_name& of, std::string_view wanted, std::string_view site) const;
  // Whether a name looked up has another egress than this one to go there by.
  bool has_other(const spool::lookup_name& of, std::string_view wanted, std::string_view than,
                 std::string_view site) const;
  // The one that [delivery] makes, for a name that there is no more.
  config::egress find(std::string_view name) const;

  // Why it is not to be used, and for how long.
  std::optional<spool::egress_trouble> trouble_of(std::string_view name) const;
  // It does not work. Of failures during a pause only the first counts.
  spool::egress_trouble failed(std::string_view name, const std::string& why);
  void worked(std::string_view name);
  // The site wants no mail from it for so long.
  void refused(std::string_view name, std::string_view site, std::chrono::milliseconds lasts);

  // It is on block lists: the others of its pools go first, where any works. Nothing: it is on none any more. Outlasts
  // configure(); true if that is new.
  bool listed(std::string_view name, std::optional<std::string> why);
  // Of the egresses that the message's mail to the domain may go by, those that are, with the reason.
  std::vector<std::pair<std::string, std::string>> listed_for(const spool::queued_message& m,
                                                              std::string_view domain) const;

  struct line {
    config::egress what;
    std::optional<spool::egress_trouble> down;
    wall_time since{};  // when it began to fail
    std::vector<std::string> pools;
    bool taken_out = false;  // for being listed
  };
  std::vector<line> lines() const;

 private:
  struct state {
    bool down = false;
    std::string why;
    steady_time until{};
    std::chrono::milliseconds pause{};
    wall_time since{};
    metrics::gauge* up = nullptr;
  };
  std::string_view wanted_of(const spool::queued_message& m) const;
  std::optional<spool::egress_trouble> trouble(std::string_view name, steady_time now) const;
  // Those that work and are listed nowhere; of those that work, where there are none such; none if none works.
  std::vector<config::pool::member> fit_of(std::vector<config::pool::member> all, steady_time now) const;
  bool is_refused(const std::string& name, std::string_view site, steady_time now) const;

  const clock& time_;
  metrics::registry& counts_;
  mutable std::mutex lock_;
  config::settings with_;  // of it, what concerns egresses
  account_ways accounts_;
  std::map<std::string, state, std::less<>> states_;
  std::map<std::string, std::string, std::less<>> listed_;              // why
  std::map<std::pair<std::string, std::string>, steady_time> refused_;  // by egress and site, until when
  std::atomic<bool> any_{false};
  std::atomic<std::size_t> down_{0};
};

}  // namespace gonets::delivery
