#include "sim/server.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

#include "config/rules.h"

namespace gonets::sim {
namespace {

constexpr milliseconds tick_period{25};
// Looking through the whole queue takes long, so that is done once in so many steps.
constexpr std::uint64_t full_check_each = 500'000;

void require(bool is_so, std::string_view what) {
  if (!is_so) throw std::logic_error(std::string(what));
}

}  // namespace

milliseconds waits::share(double part) {
  if (all_.empty()) return {};
  const auto at = std::min(all_.size() - 1, static_cast<std::size_t>(part * double(all_.size())));
  std::ranges::nth_element(all_, all_.begin() + std::ptrdiff_t(at));
  return milliseconds(all_[at]);
}

server::server(std::uint64_t seed)
    : spool(time, {"transactional", "bulk"}),
      net(time, internet, seed),
      limits([](account_id who) { return std::to_string(who.value); }) {
  scheduler::options o;
  o.hostname = "mx.source.test";
  o.streams = {{"transactional", 0, shaping::default_retry_policy()}, {"bulk", 1, shaping::bulk_retry_policy()}};
  o.seed = seed;
  auto rules = config::load_rules("");
  require(rules.has_value(), "the shipped rules can be read");
  o.rules = std::make_shared<const shaping::rules>(std::move(*rules));
  sched = std::make_unique<scheduler::scheduler>(
      std::move(o), scheduler::environment{spool, time, time, time, ids_, internet, net, counts, limits, warm_ups});
  sched->join({sched.get()});
  net.attach(*sched);
  net.on_begin = [this](const spool::lease& l, milliseconds now) {
    if (!measuring || l.message->stream != "transactional" || !spool.begin(l.message->id)) return;
    transactional_to_begin.note(loop::start + now - l.message->accepted());
  };
  net.on_delivered = [this](const spool::lease& l, milliseconds now) {
    const auto account = l.message->account.value;
    if (account >= delivered_by_account.size()) delivered_by_account.resize(account + 1);
    ++delivered_by_account[account];
    if (!measuring || l.message->stream != "transactional") return;
    transactional_to_end.note(loop::start + now - l.message->accepted());
  };
  tick();
}

void server::tick() {
  sched->tick();
  time.after(tick_period, [this] { tick(); });
}

void server::submit(letter what) {
  sched->admit(spool.add(ids_.next(time.wall()), what));
}

void server::run_until(milliseconds end) {
  time.run_until(end, [this] {
    check();
    if (++steps_ % full_check_each == 0) check_all();
  });
}

// What must be so after every step.
void server::check() {
  require(spool.added == spool.delivered + spool.bounced + spool.expired + spool.queued(),
          "every recipient is queued, or has ended once");
  require(sched->leased() == net.leases_open, "every lease is under way");
}

void server::check_all() {
  const auto t = sched->count();
  require(t.resolving + t.ready + t.sending + t.deferred + t.held == spool.queued(),
          "the scheduler has what is queued, and nothing else");
  for (const auto& s : internet.sites())
    require(s->accepted <= s->attempts, "nothing is accepted without an attempt");
}

}  // namespace gonets::sim
