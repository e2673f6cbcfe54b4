#include "delivery/destinations.h"

#include "config/routes.h"

namespace gonets::delivery {
namespace {

// Destinations of sets that nobody uses any more are dropped all at once when this many have gathered.
constexpr std::size_t sets_remembered_max = 100'000;

smtp::recipient_outcome unresolved(const reply& why) {
  smtp::recipient_outcome o;
  o.what = why.permanent() ? smtp::disposition::failed : smtp::disposition::deferred;
  o.at = stage::resolve;
  o.answer = why;
  return o;
}

using found_set = std::expected<std::shared_ptr<const mx_set>, mx_failure>;

}  // namespace

destinations::destinations(const config::settings& with, runtime::shards& on, std::size_t shard, mx_lookup& lookup,
                           sts_source& sts, const clock& time)
    : with_(with), shards_(on), shard_(shard), sts_(sts), cache_(lookup, time) {}

spool::destination_ptr destinations::for_route(const config::route& r) {
  auto key = config::target_text(r);
  auto& kept = by_route_[key];
  if (!kept) kept = std::make_shared<routed_destination>(key, r);
  return kept;
}

spool::destination_ptr destinations::for_set(const std::shared_ptr<const mx_set>& set) {
  if (by_set_.size() > sets_remembered_max) by_set_.clear();
  auto& kept = by_set_[set.get()];
  if (!kept) {
    auto made = std::make_shared<routed_destination>(set->site_key, config::route{});
    made->mx = set;
    kept = std::move(made);
  }
  return kept;
}

spool::destination_ptr destinations::known(std::string_view domain) {
  const auto& route = config::match_route(with_, domain);
  if (route.kind != config::route_kind::mx) return for_route(route);
  // Answered before find() returns if it is remembered; else the look-up that it starts serves the find() to come.
  const auto answer = std::make_shared<std::optional<found_set>>();
  cache_.find(domain, [answer](found_set set) { *answer = std::move(set); });
  if (!*answer || !**answer) return nullptr;
  return for_set(***answer);
}

void destinations::find(std::string_view domain, handler done) {
  const auto& route = config::match_route(with_, domain);
  if (route.kind != config::route_kind::mx) {
    shards_.post(shard_, [to = for_route(route), done = std::move(done)]() mutable { done(std::move(to), {}); });
    return;
  }
  cache_.find(domain, [this, done = std::move(done)](found_set set) mutable {
    // Posted, since the caller may be in the middle of its own queues.
    shards_.post(shard_, [this, set = std::move(set), done = std::move(done)]() mutable {
      if (set) {
        done(for_set(*set), {});
      } else {
        done(nullptr, unresolved(set.error().answer));
      }
    });
  });
}

}  // namespace gonets::delivery
