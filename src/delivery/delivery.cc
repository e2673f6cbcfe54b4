#include "delivery/delivery.h"

#include <algorithm>

namespace gonets::delivery {

namespace {

metrics::counter& sessions_by(metrics::registry& counts, const char* how) {
  return counts.make_counter("gonets_delivery_tls_sessions_total", "Sessions of delivery, by how their TLS went.",
                             {{"how", how}});
}

}  // namespace

tls_counts::tls_counts(metrics::registry& counts)
    : full(sessions_by(counts, "full")),
      resumed(sessions_by(counts, "resumed")),
      failed(sessions_by(counts, "failed")),
      clear(sessions_by(counts, "clear")) {}

delivery::delivery(environment env, metrics::registry& counts)
    : env_(std::move(env)),
      tls_(counts),
      opened_(counts.make_counter("gonets_delivery_connections_total", "Connections opened for delivery.")),
      open_(counts.make_gauge("gonets_delivery_connections", "Connections open for delivery now.")) {}

delivery::~delivery() = default;

bool delivery::resume(spool::site_id site) {
  const auto at = idle_.find(site);
  if (at == idle_.end() || at->second.empty()) return false;
  auto* w = at->second.back();
  at->second.pop_back();
  w->resume();
  return true;
}

void delivery::open(spool::site_id site, spool::destination_ptr to) {
  if (workers_.size() >= env_.with.delivery.connections_max) {
    waiting_.emplace_back(site, std::move(to));
    return;
  }
  begin(site, std::move(to));
}

void delivery::begin(spool::site_id site, spool::destination_ptr to) {
  auto routed = std::static_pointer_cast<const routed_destination>(std::move(to));
  const auto kind = routed->route.kind;
  const bool remote =
      kind == config::route_kind::mx || kind == config::route_kind::smtp || kind == config::route_kind::lmtp;
  auto made =
      remote ? make_connection(*this, site, std::move(routed)) : make_local_worker(*this, site, std::move(routed));
  auto* w = made.get();
  workers_.emplace(w, std::move(made));
  opened_.add();
  open_.add(1);
  w->resume();
}

void delivery::idle(spool::site_id site, worker& w) {
  idle_[site].push_back(&w);
}

void delivery::busy(spool::site_id site, worker& w) {
  const auto at = idle_.find(site);
  if (at == idle_.end()) return;
  std::erase(at->second, &w);
  if (at->second.empty()) idle_.erase(at);
}

void delivery::gone(spool::site_id site, worker& w) {
  busy(site, w);
  env_.shards.post(env_.shard, [this, site, which = &w, reached = w.reached()] {
    if (workers_.erase(which) == 0) return;
    open_.add(-1);
    work_->connection_closed(site, reached);
    if (waiting_.empty()) return;
    auto [next, to] = std::move(waiting_.front());
    waiting_.pop_front();
    begin(next, std::move(to));
  });
}

void delivery::stop() {
  stopping_ = true;
  waiting_.clear();
  std::vector<std::shared_ptr<worker>> all;
  for (const auto& [key, w] : workers_)
    all.push_back(w);
  for (const auto& w : all)
    w->shut_down();
}

}  // namespace gonets::delivery
