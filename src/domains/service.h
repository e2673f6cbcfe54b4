// Sender domains at work: adds them with their keys, checks them in DNS when asked and once a day, lets what DNS proves
// take effect, and rotates keys. SQL and the making of keys run on the blocking pool, DNS on shard 0.
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <set>

#include "base/clock.h"
#include "domain_check/check.h"
#include "domains/manager.h"
#include "events/event.h"
#include "runtime/dns.h"
#include "runtime/shards.h"

namespace gonets::domains {

struct options {
  domain_check::platform on;
  std::chrono::milliseconds check_every = std::chrono::hours(24);
  std::chrono::milliseconds retire_after = std::chrono::hours(24 * 7);  // how long a retired key's record must stay
};

class service final : public manager {
 public:
  // `dns` lives on shard 0. `record` keeps an event; it is called on a thread of the pool.
  service(options with, accounts::registry& all, runtime::shards& shards, runtime::blocking_pool& pool,
          runtime::resolver& dns, const clock& time, std::function<void(events::event)> record);

  void reconfigure(options with);  // from any thread
  // On shard 0, now and then: checks the domains whose time has come, a few at once, and removes keys that have
  // retired.
  void tick();

  void list(std::string account, on_result<std::vector<domain_view>> done) override;
  void show(which_domain which, on_result<domain_view> done) override;
  void add(addition wanted, on_result<domain_view> done) override;
  void check(which_domain which, on_result<domain_view> done) override;
  void verify(which_domain which, bool force, on_result<domain_view> done) override;
  void rotate(which_domain which, bool now, on_result<domain_view> done) override;
  void import_key(which_domain which, key_import key, on_result<domain_view> done) override;
  void remove(which_domain which, on_result<std::monostate> done) override;

 private:
  using outcome = accounts::outcome<domain_view>;

  std::shared_ptr<const options> with() const;
  outcome find(const which_domain& which) const;
  domain_view view_of(const accounts::sender_domain& d, const accounts::directory& all) const;
  template <class T, class Work>
  void on_pool(on_result<T> done, Work work);
  void examine(const which_domain& which, on_result<domain_view> done);
  void look_up(const which_domain& which, bool again, on_result<domain_view> done);  // on shard 0

  // On the pool, with `changing_` held: each looks at what is there, and then changes it.
  accounts::outcome<bool> let_take_effect(const which_domain& which, const domain_check::report& r);
  outcome keep(const which_domain& which, const domain_check::report& r);
  void tell(const accounts::sender_domain& d, std::string what, bool regression);
  outcome add_now(const addition& wanted);
  outcome rotate_now(const which_domain& which, bool now);
  accounts::outcome<void> make_key(const accounts::sender_domain& d, dkim::algorithm kind, accounts::key_state state);
  accounts::outcome<void> activate(const accounts::sender_domain& d, const accounts::domain_key& key);
  void drop_retired(const accounts::sender_domain& d);

  accounts::registry& registry_;
  runtime::shards& shards_;
  runtime::blocking_pool& pool_;
  runtime::resolver& dns_;
  const clock& time_;
  std::function<void(events::event)> record_;

  std::mutex changing_;
  mutable std::mutex mutex_;  // of with_
  std::shared_ptr<const options> with_;

  // Of tick(), shard 0 only.
  std::set<accounts::domain_id> checking_;
  accounts::directory_ptr scanned_;
  wall_time next_due_{};  // of a domain of `scanned_`
};

}  // namespace gonets::domains
