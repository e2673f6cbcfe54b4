#include "smtpd/server.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <mutex>
#include <stdexcept>
#include <unordered_set>

#include "base/log.h"
#include "metrics/tls_counts.h"
#include "smtpd/certificates.h"
#include "smtpd/session.h"

namespace gonets::smtpd {

// Sessions of one shard; touched by its thread alone.
struct shard_sessions {
  std::unordered_set<session*> all;
  std::vector<listener_ptr> listeners;  // as this shard sees them
  bool stopping = false;

  // Closing one may destroy others only through callbacks of later turns; still, none may vanish under a loop.
  std::vector<std::shared_ptr<session>> hold() const {
    std::vector<std::shared_ptr<session>> held;
    for (auto* s : all)
      held.push_back(s->shared_from_this());
    return held;
  }
};

namespace {

constexpr std::chrono::hours certificates_period{24};

listener_ptr make_listener(const config::settings& with, const config::listener& wanted, certificates& from) {
  auto made = std::make_shared<listener_state>();
  made->with = wanted;
  made->limits = with.smtp;
  made->connections_max = with.server.connections_max;
  made->connections_per_address_max = with.server.connections_per_address_max;
  made->protocol.hostname = with.server.hostname;
  made->protocol.limits = with.smtp.limits;
  made->protocol.newlines = with.smtp.newlines;
  made->tls = from.context_for(with, wanted);
  made->implicit_tls = wanted.kind == config::listener_kind::submissions;
  if (made->implicit_tls && !made->tls) throw std::runtime_error("a listener of kind submissions has no certificate");
  made->protocol.offer_starttls = made->tls && !made->implicit_tls;
  return made;
}

}  // namespace

struct server::impl final : gate {
  impl(const config::settings& s, runtime::shards& o, const clock& c, metrics::registry& counts)
      : with(s),
        on(o),
        time(c),
        sessions(o.size()),
        refusals(counts.make_counter("gonets_smtp_refusals_total", "Commands and messages refused for good.")),
        connections_total(counts.make_counter("gonets_smtp_connections_total", "SMTP connections accepted.")),
        refused_total(counts.make_counter("gonets_smtp_connections_refused_total", "SMTP connections over a limit.")),
        open(counts.make_gauge("gonets_smtp_connections", "SMTP connections open now.")),
        handshakes(counts, "server"),
        files(counts) {}

  std::optional<reply> enter(const listener_state& at, const runtime::peer_address& peer) override {
    connections_total.add();
    if (total.load(std::memory_order_relaxed) >= at.connections_max) {
      refused_total.add();
      return reply{421, {4, 3, 2}, "Too many connections to this server, try again later"};
    }
    {
      const std::lock_guard lock(mutex);
      auto& from_here = by_address[peer.bytes];
      if (from_here >= at.connections_per_address_max) {
        refused_total.add();
        return reply{421, {4, 7, 0}, "Too many connections from your address, try again later"};
      }
      ++from_here;
    }
    total.fetch_add(1, std::memory_order_relaxed);
    open.add(1);
    return std::nullopt;
  }

  void leave(session& s, const runtime::peer_address& peer, bool entered) override {
    sessions[s.shard()].all.erase(&s);
    if (!entered) return;
    open.add(-1);
    total.fetch_sub(1, std::memory_order_relaxed);
    const std::lock_guard lock(mutex);
    const auto at = by_address.find(peer.bytes);
    if (--at->second == 0) by_address.erase(at);
  }

  void accepted(std::size_t shard, runtime::stream_ptr stream, std::size_t number) {
    auto& here = sessions[shard];
    const auto& at = here.listeners[number];
    if (here.stopping) return stream->close();
    const auto s = std::make_shared<session>(shard, std::move(stream), at, *environment, *this);
    here.all.insert(s.get());
    s->start();
  }

  // What it finds becomes events.
  void review_certificates() {
    for (auto& ending : files.review(time.wall())) {
      events::event e;
      e.kind = events::kind::certificate;
      e.at = time.wall();
      e.reason = std::move(ending);
      environment->store.record(std::move(e));
    }
  }

  const config::settings& with;
  runtime::shards& on;
  const clock& time;
  std::unique_ptr<session_environment> environment;  // once started
  std::vector<listener_ptr> listeners;               // as last configured
  std::vector<std::unique_ptr<runtime::listener>> ports;
  std::vector<shard_sessions> sessions;
  std::atomic<std::size_t> total{0};
  std::mutex mutex;
  std::map<std::array<std::uint8_t, 16>, std::size_t> by_address;
  metrics::counter& refusals;
  metrics::counter& connections_total;
  metrics::counter& refused_total;
  metrics::gauge& open;
  metrics::tls_counts handshakes;
  certificates files;
};

server::server(const config::settings& with, runtime::shards& on, const clock& time, metrics::registry& counts)
    : impl_(std::make_unique<impl>(with, on, time, counts)) {}

server::~server() = default;

void server::bind() {
  for (const auto& wanted : impl_->with.listeners) {
    impl_->listeners.push_back(make_listener(impl_->with, wanted, impl_->files));
    impl_->ports.push_back(std::make_unique<runtime::listener>(impl_->on, wanted.address.host, wanted.address.port));
  }
  for (auto& here : impl_->sessions)
    here.listeners = impl_->listeners;
  impl_->files.watch(impl_->with);
}

void server::reconfigure(const config::settings& fresh) {
  impl_->files.forget_contexts();
  for (auto& known : impl_->listeners) {
    const auto wanted = std::ranges::find_if(
        fresh.listeners, [&](const auto& l) { return l.address == known->with.address && l.kind == known->with.kind; });
    if (wanted == fresh.listeners.end()) continue;
    try {
      known = make_listener(fresh, *wanted, impl_->files);
    } catch (const std::exception& e) {
      GONETS_LOG(error, "listener_not_reloaded", "address", wanted->address.host, "error", e.what());
    }
  }
  impl_->files.watch(fresh);
  impl_->review_certificates();
  for (std::size_t shard = 0; shard < impl_->sessions.size(); ++shard) {
    impl_->on.post(shard, [i = impl_.get(), shard, all = impl_->listeners] { i->sessions[shard].listeners = all; });
  }
}

void server::start(intake::intake& to, spool::spool& store, auth::authenticator& logins) {
  impl_->environment = std::make_unique<session_environment>(
      session_environment{to, store, logins, impl_->on, impl_->time, impl_->refusals, impl_->handshakes});
  impl_->review_certificates();
  impl_->on.every(0, certificates_period, [i = impl_.get()] { i->review_certificates(); });
  for (std::size_t i = 0; i < impl_->ports.size(); ++i) {
    impl_->ports[i]->start(
        [this, i](std::size_t shard, runtime::stream_ptr stream) { impl_->accepted(shard, std::move(stream), i); });
    GONETS_LOG(info, "listening", "address", impl_->listeners[i]->with.address.host, "port", impl_->ports[i]->port());
  }
}

void server::stop() {
  for (auto& port : impl_->ports)
    port->stop();
  for (std::size_t shard = 0; shard < impl_->sessions.size(); ++shard) {
    impl_->on.post(shard, [i = impl_.get(), shard] {
      i->sessions[shard].stopping = true;
      for (const auto& s : i->sessions[shard].hold())
        s->shut_down();
    });
  }
}

void server::recheck_sessions() {
  for (std::size_t shard = 0; shard < impl_->sessions.size(); ++shard) {
    impl_->on.post(shard, [i = impl_.get(), shard] {
      for (const auto& s : i->sessions[shard].hold())
        s->recheck();
    });
  }
}

std::size_t server::connections() const {
  return impl_->total.load(std::memory_order_relaxed);
}

std::vector<std::uint16_t> server::ports() const {
  std::vector<std::uint16_t> numbers;
  for (const auto& port : impl_->ports)
    numbers.push_back(port->port());
  return numbers;
}

}  // namespace gonets::smtpd
