#include "sim/network.h"

#include <algorithm>
#include <utility>

namespace gonets::sim {
namespace {

using shaping::pace_outcome;
using smtp::disposition;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr milliseconds dialling{60};
constexpr milliseconds dialling_in_vain{seconds(30)};
constexpr milliseconds idle_for{seconds(5)};
constexpr milliseconds greylisted_for{minutes(5)};
constexpr std::size_t recipients_max = 100;
constexpr std::size_t messages_max = 1000;  // a connection

smtp::recipient_outcome outcome_of(disposition what, stage at, reply answer, bool from_peer = true) {
  return {what, at, std::move(answer), from_peer};
}

// Which of all addresses there is none of is decided by the message alone, so that every attempt finds the same.
bool chosen(message_id id, double share) {
  auto x = id.value * 0x9e3779b97f4a7c15ULL;
  x ^= x >> 29;
  return double(x % 100'000) < share * 100'000;
}

}  // namespace

bool network::resume(spool::site_id site) {
  const auto at = idle_.find(site.value);
  if (at == idle_.end() || at->second.empty()) return false;
  const auto n = at->second.back();
  at->second.pop_back();
  connections_[n].idle = false;
  next(n);
  return true;
}

void network::open(spool::site_id site, spool::destination_ptr to) {
  number n;
  if (free_.empty()) {
    n = static_cast<number>(connections_.size());
    connections_.emplace_back();
  } else {
    n = free_.back();
    free_.pop_back();
  }
  auto& c = connections_[n];
  c = connection{.idle_since = c.idle_since};  // goes on counting: the time-outs of the one before are still to come
  c.site = site;
  c.at = &world_.site(*to);
  c.to = std::move(to);
  c.under_way = work_->take(site, recipients_max);
  if (!c.under_way) {
    time_.post(0, [this, n] { close(n); });
    return;
  }
  ++leases_open;
  if (on_begin) on_begin(*c.under_way, time_.now());
  const bool there = c.at->reachable(time_.now());
  time_.after(there ? dialling : dialling_in_vain, [this, n] { connected(n); });
}

void network::connected(number n) {
  auto& c = connections_[n];
  if (!c.at->reachable(time_.now())) {
    settle(n, outcome_of(disposition::deferred, stage::connect, {451, {4, 4, 1}, "connection timed out"}, false), true);
    return close(n);
  }
  if (!c.at->limits.connect()) {
    ++c.at->attempts;
    ++c.at->limited;
    settle(n, outcome_of(disposition::deferred, stage::greeting, {421, {4, 7, 0}, "Too many connections from you"}),
           true);
    return close(n);
  }
  c.reached = true;
  work_->site_reached(c.site);
  begin(n, std::move(*std::exchange(c.under_way, std::nullopt)));
}

void network::next(number n) {
  auto& c = connections_[n];
  if (c.messages >= std::min(messages_max, work_->messages_a_connection_max(c.site).value_or(messages_max)))
    return time_.post(0, [this, n] { close(n); });
  auto l = work_->take(c.site, recipients_max);
  if (l) {
    ++leases_open;
    if (on_begin) on_begin(*l, time_.now());
    return begin(n, std::move(*l));
  }
  auto& idle = connections_[n];
  idle.idle = true;
  const auto since = ++idle.idle_since;
  idle_[idle.site.value].push_back(n);
  time_.after(idle_for, [this, n, since] {
    auto& late = connections_[n];
    if (!late.idle || late.idle_since != since) return;
    std::erase(idle_[late.site.value], n);
    close(n);
  });
}

void network::begin(number n, spool::lease l) {
  auto& c = connections_[n];
  ++c.messages;
  const auto a = c.at->limits.submit(time_.now());
  ++c.at->attempts;
  c.under_way = std::move(l);
  time_.after(a.after, [this, n, outcome = a.outcome] { finish(n, outcome); });
}

smtp::recipient_outcome network::answer_to(modelled_site& s, message_id id, pace_outcome outcome) {
  switch (outcome) {
    case pace_outcome::accepted:
      break;
    case pace_outcome::timed_out:
      return outcome_of(disposition::deferred, stage::end_of_data, {451, {4, 4, 2}, "timed out"}, false);
    case pace_outcome::deferred_other:
      return outcome_of(disposition::deferred, stage::rcpt, {452, {4, 2, 2}, "mailbox full"});
    default:
      ++s.limited;
      return outcome_of(disposition::deferred, stage::mail, {451, {4, 7, 1}, "Too many messages, slow down"});
  }
  if (s.manner.greylists) {
    const auto [seen, first] = s.greylisted.emplace(id.value, time_.now());
    if (first || time_.now() - seen->second < greylisted_for)
      return outcome_of(disposition::deferred, stage::rcpt,
                        {450, {4, 2, 0}, "Greylisted, see http://postgrey.example/"});
    s.greylisted.erase(seen);
  }
  if (chosen(id, s.manner.bad_addresses))
    return outcome_of(disposition::failed, stage::rcpt, {550, {5, 1, 1}, "User unknown"});
  if (unit_(random_) < s.manner.full_mailboxes)
    return outcome_of(disposition::deferred, stage::rcpt, {452, {4, 2, 2}, "mailbox full"});
  ++s.accepted;
  return outcome_of(disposition::delivered, stage::end_of_data, {250, {2, 0, 0}, "ok"});
}

void network::finish(number n, pace_outcome outcome) {
  auto& c = connections_[n];
  auto what = answer_to(*c.at, c.under_way->message->id, outcome);
  if (what.what == disposition::delivered && on_delivered) on_delivered(*c.under_way, time_.now());
  settle(n, std::move(what));
  if (outcome == pace_outcome::timed_out) return close(n);
  next(n);
}

void network::settle(number n, smtp::recipient_outcome what, bool site_failed) {
  auto l = std::move(*std::exchange(connections_[n].under_way, std::nullopt));
  spool::attempt_result r;
  r.recipients.assign(l.recipients.size(), what);
  r.site_failed = site_failed;
  --leases_open;
  work_->settle(std::move(l), std::move(r));
}

void network::close(number n) {
  auto& c = connections_[n];
  const auto site = c.site;
  const bool reached = c.reached;
  if (reached) c.at->limits.disconnect();
  c.to.reset();
  free_.push_back(n);
  work_->connection_closed(site, reached);
}

}  // namespace gonets::sim
