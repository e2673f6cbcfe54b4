// Where mail goes, and what is asked of TLS on the way: routes first, then MX. One directory a shard.
#pragma once
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>

#include "config/settings.h"
#include "delivery/egress_book.h"
#include "delivery/mx.h"
#include "delivery/site_cache.h"
#include "delivery/sts_source.h"
#include "runtime/shards.h"
#include "shaping/limit_set.h"
#include "spool/lease.h"
#include "tls_policy/decision.h"

namespace gonets::delivery {

struct routed_destination final : spool::destination {
  routed_destination(std::string key, config::route to) : destination(std::move(key)), route(std::move(to)) {}
  std::vector<std::string> hosts() const override;
  pacing paced() const override;
  std::vector<shaping::limit_setting> limits() const override;  // what its login may send
  std::string_view egress() const override { return via; }
  config::route route;
  std::string via{config::default_egress};       // part of the key
  std::optional<config::smarthost_login> login;  // the name is part of the key; a reload may bring another password
  std::shared_ptr<const mx_set> mx;  // of a route of kind mx; under MTA-STS, the hosts that the policy allows
  tls_policy::demand tls;            // part of the key: all domains of the site ask for the same
};

class destinations final : public spool::directory {
 public:
  // `routes` are read at each call, so that a reload takes effect at once; all references outlive this.
  destinations(const config::settings& with, runtime::shards& on, std::size_t shard, mx_lookup& lookup, sts_source& sts,
               const clock& time, egress_book& egresses);
  std::string name_of(const spool::queued_message& m, recipient_index recipient) const override;
  std::optional<std::string> past_egress(std::string_view name, const spool::destination& from,
                                         std::chrono::milliseconds lasts) override;
  spool::destination_ptr known(std::string_view domain) override;
  void find(std::string_view domain, handler done) override;

 private:
  struct question;
  using answer = std::expected<spool::destination_ptr, smtp::recipient_outcome>;
  using mx_answer = std::move_only_function<void(answer)>;

  spool::destination_ptr for_route(const config::route& r, std::string_view name);
  void find_by_mx(const config::route& r, std::string_view name, mx_answer done);
  answer for_domain(const question& of, const std::shared_ptr<const mx_set>& set, const sts_policy_ptr& sts);
  spool::destination_ptr for_set(const question& of, const std::shared_ptr<const mx_set>& set,
                                 const tls_policy::demand& tls);
  std::shared_ptr<const mx_set> allowed_part(const std::shared_ptr<const mx_set>& set,
                                             const tls_policy::sts_policy& sts);

  const config::settings& with_;
  runtime::shards& shards_;
  const std::size_t shard_;
  sts_source& sts_;
  egress_book& egresses_;
  site_cache cache_;
  // By set, demand and egress; each keeps its set alive, so that no other can come to have its address.
  std::map<std::tuple<const void*, std::string_view, std::string>, spool::destination_ptr> by_set_;
  std::map<std::pair<const void*, std::string>, std::pair<std::shared_ptr<const mx_set>, std::shared_ptr<const mx_set>>>
      allowed_;  // by set and key of what is left of it: the set, and what is left
  std::unordered_map<std::string, std::shared_ptr<routed_destination>> by_route_;
};

}  // namespace gonets::delivery
