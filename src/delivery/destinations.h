// Where mail goes: routes first, then MX. One directory a shard.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "config/settings.h"
#include "delivery/mx.h"
#include "delivery/site_cache.h"
#include "delivery/sts_source.h"
#include "runtime/shards.h"
#include "spool/lease.h"

namespace gonets::delivery {

struct routed_destination final : spool::destination {
  routed_destination(std::string key, config::route to) : destination(std::move(key)), route(std::move(to)) {}
  config::route route;
  std::shared_ptr<const mx_set> mx;  // of a route of kind mx
};

class destinations final : public spool::directory {
 public:
  // `routes` are read at each call, so that a reload takes effect at once; all references outlive this.
  destinations(const config::settings& with, runtime::shards& on, std::size_t shard, mx_lookup& lookup, sts_source& sts,
               const clock& time);
  spool::destination_ptr known(std::string_view domain) override;
  void find(std::string_view domain, handler done) override;

 private:
  spool::destination_ptr for_route(const config::route& r);
  spool::destination_ptr for_set(const std::shared_ptr<const mx_set>& set);

  const config::settings& with_;
  runtime::shards& shards_;
  const std::size_t shard_;
  sts_source& sts_;
  site_cache cache_;
  std::unordered_map<const void*, spool::destination_ptr> by_set_;
  std::unordered_map<std::string, spool::destination_ptr> by_route_;
};

}  // namespace gonets::delivery
