#include "shaping/adaptive_rate.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// Levels.
constexpr double under_level = 0.97;    // cruise just under the last good one
constexpr double under_average = 0.99;  // or just under what was let in on average: it is a limit by itself
constexpr double over_average = 1.02;   // found by probing, the average is a little low: it includes what went before
constexpr double near_level = 0.6;      // of the rate: an average below it was made on the way up, and says little
constexpr auto average_least = 10s;
constexpr double drain_share = 0.85;  // of the level, while what overflowed drains
constexpr auto drain_time = 3s;
constexpr double moved = 1.3;  // so far above where the limit was, it is another one

// Steps, in which a rate shows whether it is good.
constexpr auto step_least = 3s;
constexpr double sends_a_step = 5;
constexpr double used_share = 0.8;  // of what the rate allowed: below it, nothing was learnt about the rate

// Probing: cautious about where the limit was, bold far from it.
constexpr double gain_least = 0.02;
constexpr double gain_slope = 0.6;
constexpr double gain_max = 0.5;
constexpr auto hold_least = 10s;
constexpr auto hold_confirmed_max = 25s;  // a limit found again and again where it was
constexpr auto hold_max = 30min;
constexpr double credit_share = 0.012;  // of what is accepted: the refusals that probing may cost
constexpr double credit_start = 5;
constexpr double credit_max = 20;
constexpr double credit_min = -3;  // what a descent cost is not paid back in full: it was no probe
constexpr double far_down_share = 0.05;
constexpr auto best_halves_in = 1h;
constexpr double far_below = 0.8;  // of where refusals began last: from there up nothing needs to be paid for

// A rate that was never used is nothing to come down from: so many times what was sent.
constexpr double over_used = 2;
constexpr double over_used_least = 10;  // messages a second; from there down it is not far
constexpr auto used_after = 1s;         // what was sent in less says little of a rate

// Deferrals come by chance, too: so many standard deviations over their usual share are no chance.
constexpr double deferrals_remembered = 32;
constexpr double deferrals_usual = 512;
constexpr double not_by_chance = 4;

// A machine that stands still for a moment is no slow receiver.
constexpr double slow_least_ms = 100;

// Outages.
constexpr unsigned cuts_until_blocked = 2;
constexpr auto outage_least = 5s;  // shorter: the rate was merely much too high
constexpr auto again_time = 30s;
constexpr double quota_share = 0.15;    // of the rate; less on average is hardly a quota that it used up
constexpr double outage_hold_max = 20;  // times the outage

constexpr auto send_slack = 50ms;  // a sender that woke late catches up on so much
constexpr auto connection_hold_least = 60s;

bool above_known_level(pace_phase phase, double good, double rate) {
  return (phase == pace_phase::probing || phase == pace_phase::starting) && good > 0 && good < rate;
}

}  // namespace

adaptive_rate::adaptive_rate(const pace_policy& policy, wall_time now)
    : policy_(policy),
      rate_(clamp(policy.start)),
      connections_(std::clamp(policy.connections_start, 1u, policy.connections_max)),
      next_ms_(double(now.time_since_epoch().count())),
      target_(rate_),
      hold_next_(hold_least),
      accepted_at_(now),
      since_refusal_{now},
      since_outage_{now},
      credit_(credit_start),
      step_at_(now) {}

double adaptive_rate::stretch::average(wall_time now) const {
  return 1000 * double(accepted) / std::max(1.0, double((now - since).count()));
}

double adaptive_rate::clamp(double rate) const {
  return std::min(std::max(rate, policy_.floor), policy_.ceiling);
}

wall_time adaptive_rate::next_send(wall_time now) const {
  return std::max(now, wall_time(milliseconds(std::int64_t(std::ceil(next_ms_)))));
}

void adaptive_rate::on_send(wall_time now, unsigned busy) {
  // After a pause the step begins anew: what was not sent in it would pass for a rate that is not used.
  if (now - last_send_ > step_length()) begin_step(now);
  last_send_ = now;
  const auto now_ms = double(now.time_since_epoch().count());
  next_ms_ = std::max(next_ms_, now_ms - double(milliseconds(send_slack).count())) + 1000 / rate_;
  ++under_way_;
  ++step_sent_;
  if (busy >= connections_) ++step_all_busy_;
}

std::optional<rate_change> adaptive_rate::on_result(const pace_result& r) {
  const auto current = r.began > cut_at_;
  note(r, current);
  if (phase_ == pace_phase::pinned) return std::nullopt;
  return judge(r, current);
}

void adaptive_rate::note(const pace_result& r, bool current) {
  ++counts_[std::size_t(r.outcome)];
  if (current && under_way_ > 0) --under_way_;
  ++results_;
  const auto deferred = r.outcome == pace_outcome::deferred_other ? 1.0 : 0.0;
  share_now_ += (deferred - share_now_) / std::min(deferrals_remembered, double(results_));
  share_usual_ += (deferred - share_usual_) / std::min(deferrals_usual, double(results_));
  switch (r.outcome) {
    case pace_outcome::accepted:
    case pace_outcome::unrelated: {
      auto took = std::max(1.0, double((r.now - r.began).count()));
      // What a tarpit makes of it must not become the measure of a tarpit.
      if (latency_ms_ > 0) took = std::min(took, 4 * latency_ms_);
      latency_ms_ += (took - latency_ms_) / std::min(256.0, double(results_));
      time_outs_ *= 0.9;
      credit_ = std::min(credit_max, credit_ + credit_share);
      ++since_refusal_.accepted;
      ++since_outage_.accepted;
      if (current) ++accepted_since_cut_;
      if (r.began >= step_at_) ++step_accepted_;
      break;
    }
    case pace_outcome::timed_out:
      time_outs_ += 1;
      [[fallthrough]];
    case pace_outcome::throttled:
    case pace_outcome::too_many_connections:
      credit_ = std::max(credit_min, credit_ - 1);
      ++episode_refusals_;
      break;
    case pace_outcome::deferred_other:
      // Let in, whatever became of it.
      ++since_refusal_.accepted;
      ++since_outage_.accepted;
      break;
  }
}

std::optional<rate_change> adaptive_rate::judge(const pace_result& r, bool current) {
  switch (r.outcome) {
    case pace_outcome::too_many_connections:
      if (r.connections_open > 0) return fewer_connections(r);
      [[fallthrough]];  // not even one is let in
    case pace_outcome::throttled:
      return current ? decrease(r, pace_reason::throttled) : std::nullopt;
    case pace_outcome::timed_out:
      // One alone happens.
      return current && time_outs_ >= 2 ? decrease(r, pace_reason::timed_out) : std::nullopt;
    case pace_outcome::deferred_other:
      return current && deferrals_rise() ? decrease(r, pace_reason::deferrals_rising) : std::nullopt;
    case pace_outcome::accepted:
    case pace_outcome::unrelated:
      break;
  }
  if (!current) {
    if (phase_ != pace_phase::blocked) accepted_at_ = r.now;
    return std::nullopt;
  }
  if (phase_ == pace_phase::blocked) return leave_blocked(r.now);
  accepted_at_ = r.now;
  if (replies_are_slow(r.now)) return decrease(r, pace_reason::replies_slow);
  return on_accepted(r.now);
}

bool adaptive_rate::deferrals_rise() const {
  // Of a share by exponential weights 1/n, where each deferral is by itself.
  const auto deviation = std::sqrt(share_usual_ * (1 - share_usual_) / (2 * deferrals_remembered - 1));
  return counts_[std::size_t(pace_outcome::deferred_other)] >= 8 && share_now_ > 2 * share_usual_ &&
         share_now_ > share_usual_ + std::max(0.1, not_by_chance * deviation);
}

// By Little's law: the number under way is the rate times the time that each takes.
bool adaptive_rate::replies_are_slow(wall_time now) const {
  const auto elapsed = double((now - step_at_).count());
  if (elapsed < 1000 || results_ < 10) return false;
  const auto a_ms = std::min(rate_ / 1000, double(step_sent_) / elapsed);
  return under_way_ > a_ms * (2.5 * latency_ms_ + slow_least_ms) + 4;
}

std::optional<rate_change> adaptive_rate::on_accepted(wall_time now) {
  if (phase_ == pace_phase::recovering && now >= recover_until_ && accepted_since_cut_ >= 3) {
    const auto old = rate_;
    phase_ = pace_phase::cruising;
    rate_ = clamp(target_);
    cuts_ = 0;
    begin_step(now);
    return changed(now, old, connections_, pace_reason::recovered);
  }
  if (now - step_at_ >= step_length()) return end_step(now);
  return std::nullopt;
}

milliseconds adaptive_rate::step_length() const {
  const auto sends = milliseconds(std::int64_t(std::min(1e9, 1000 * sends_a_step / rate_)));
  const auto replies = milliseconds(std::int64_t(2 * latency_ms_));
  const auto window = phase_ == pace_phase::probing ? window_ : 0ms;
  return std::max({milliseconds(step_least), sends, replies, window});
}

// Of this step, or of the one before if there it was more.
double adaptive_rate::rate_used(wall_time now) const {
  const auto elapsed = std::max<milliseconds>(now - step_at_, used_after);
  return std::max(last_step_used_, 1000 * double(step_sent_) / double(elapsed.count()));
}

void adaptive_rate::begin_step(wall_time now) {
  last_step_used_ = 0;
  step_at_ = now;
  step_sent_ = step_accepted_ = step_all_busy_ = 0;
}

std::optional<rate_change> adaptive_rate::end_step(wall_time now) {
  const auto elapsed = now - step_at_;
  const auto all_used = step_sent_ + 1 >= used_share * rate_ * double(elapsed.count()) / 1000;
  const auto connections_used = step_all_busy_ * 2 > step_sent_;
  const auto accepted = step_accepted_;
  const auto used = 1000 * double(step_sent_) / double(elapsed.count());
  begin_step(now);
  last_step_used_ = used;
  if (accepted == 0) return std::nullopt;
  if (!all_used) return connections_used ? more_connections(now) : std::nullopt;
  good_ = std::max(good_, rate_);
  if (!far_down(now) && (rate_ >= best_ || now - best_at_ >= best_halves_in)) {
    best_ = rate_;
    best_at_ = now;
  }
  cuts_ = 0;
  switch (phase_) {
    case pace_phase::starting:
      return faster(now, 2);
    case pace_phase::cruising:
      hold_left_ -= std::min(hold_left_, elapsed);
      if (hold_left_ > 0ms || rate_ >= policy_.ceiling) return std::nullopt;
      if (credit_ < probe_cost_ && rate_ > far_below * row_rate_ && !far_down(now)) return std::nullopt;
      phase_ = pace_phase::probing;
      episode_refusals_ = 0;
      [[fallthrough]];
    case pace_phase::probing:
      return faster(now, 1 + probing_gain());
    case pace_phase::recovering:
    case pace_phase::blocked:
    case pace_phase::pinned:
      break;
  }
  return std::nullopt;
}

// So far below what was good some hours ago that something else went wrong than a limit that was met: there, what is
// accepted is too little to earn a probe with.
bool adaptive_rate::far_down(wall_time now) const {
  const auto age = double((now - best_at_).count()) / double(std::chrono::milliseconds(best_halves_in).count());
  return rate_ < far_down_share * best_ * std::exp2(-age);
}

double adaptive_rate::probing_gain() const {
  const auto limit = limit_ > 0 ? limit_ : target_;
  return std::min(gain_max, gain_least + gain_slope * std::abs(rate_ / limit - 1));
}

std::optional<rate_change> adaptive_rate::faster(wall_time now, double factor) {
  const auto old = rate_;
  rate_ = clamp(rate_ * factor);
  if (rate_ > moved * limit_) {
    hold_next_ = hold_least;
    if (limit_ > 0 && now - since_outage_.since > 4 * window_) window_ = 0ms;
  }
  if (rate_ >= policy_.ceiling) {
    phase_ = pace_phase::cruising;
    target_ = rate_;
  }
  if (rate_ == old) return std::nullopt;
  return changed(now, old, connections_, pace_reason::growing);
}

std::optional<rate_change> adaptive_rate::more_connections(wall_time now) {
  if (connections_ >= policy_.connections_max || now < connections_grow_from_) return std::nullopt;
  const auto old = connections_;
  const auto more = phase_ == pace_phase::starting ? connections_ : connection_gain_;
  connections_ = std::min(policy_.connections_max, connections_ + more);
  connection_gain_ = std::min(64u, connection_gain_ * 2);
  return changed(now, rate_, old, pace_reason::growing);
}

std::optional<rate_change> adaptive_rate::fewer_connections(const pace_result& r) {
  connection_gain_ = 1;
  if (r.began <= connections_cut_at_) return std::nullopt;
  connections_cut_at_ = r.now;
  // Each time that it is refused again it waits for longer.
  connection_hold_ = std::clamp<milliseconds>(2 * connection_hold_, connection_hold_least, hold_max);
  connections_grow_from_ = r.now + connection_hold_;
  const auto old = connections_;
  connections_ = std::clamp(r.connections_open, 1u, connections_);
  if (connections_ == old) return std::nullopt;
  return changed(r.now, rate_, old, pace_reason::too_many_connections, r.rule);
}

std::optional<rate_change> adaptive_rate::decrease(const pace_result& r, pace_reason why) {
  if (phase_ == pace_phase::blocked) return still_blocked(r);
  const auto old = rate_;
  if (cuts_++ == 0) {
    // Only a receiver's own word is enough to come down by before it is known what is used.
    const bool known = last_step_used_ > 0 || r.now - step_at_ >= used_after || why == pace_reason::throttled;
    if (known) rate_ = std::min(rate_, std::max({good_, over_used * rate_used(r.now), over_used_least}));
    row_phase_ = phase_;
    row_rate_ = rate_;
    row_good_ = good_;
    row_limit_ = limit_;
    if (phase_ == pace_phase::probing) probe_cost_ += (std::clamp<double>(episode_refusals_, 1, 10) - probe_cost_) / 4;
  }
  if (cuts_ >= cuts_until_blocked && accepted_since_cut_ == 0) return enter_blocked(r);
  refused_at_ = rate_;
  const auto level = level_after_decrease(r.now);
  since_refusal_ = {r.now};
  if (cuts_ == 1) window_ = 9 * window_ / 10;
  hold_left_ = hold_next_;
  recover_to(level, r.now);
  share_now_ = share_usual_;
  time_outs_ = 0;
  return changed(r.now, old, connections_, why, r.rule);
}

// Just above a level that was good for long: to what was accepted on average. Far above: to the last step that was
// good. Refused where it used to be good, or again: the further down, the more often in a row.
double adaptive_rate::level_after_decrease(wall_time now) {
  const auto average = since_refusal_.average(now);
  const auto accepted = since_refusal_.accepted;
  if (now - since_refusal_.since >= average_least && average > near_level * rate_) {
    if (std::abs(average / limit_ - 1) < 0.1)
      hold_next_ = std::min<milliseconds>(2 * hold_next_, hold_confirmed_max);
    else
      hold_next_ = hold_least;
    limit_ = average;
    if (phase_ == pace_phase::probing) {
      // The stretch ends with a message that was nearly let in: at slow rates that counts.
      const auto whole = average * (1 + 1.0 / double(std::max<std::uint64_t>(1, accepted)));
      return std::max(under_average * average, std::min(over_average * whole, under_level * good_));
    }
    return std::min(rate_, under_average * average);
  }
  if (cuts_ == 1 && above_known_level(phase_, good_, rate_)) {
    limit_ = good_;
    return under_level * good_;
  }
  if (cuts_ <= 2 && limit_ > 0 && rate_ > limit_) return std::max(0.7 * rate_, under_average * limit_);
  limit_ = 0.9 * rate_;
  hold_next_ = hold_least;
  return rate_ * (cuts_ == 1 ? 0.85 : cuts_ == 2 ? 0.7 : 0.65);
}

void adaptive_rate::recover_to(double level, wall_time now) {
  phase_ = pace_phase::recovering;
  target_ = clamp(level);
  good_ = std::min(good_, target_ / under_level);
  rate_ = clamp(target_ * drain_share);
  cut_at_ = now;
  recover_until_ = now + std::max<milliseconds>(drain_time, milliseconds(std::int64_t(2 * latency_ms_)));
  accepted_since_cut_ = 0;
  under_way_ = 0;
  next_ms_ = double(now.time_since_epoch().count()) + 1000 / rate_;
  begin_step(now);
}

rate_change adaptive_rate::enter_blocked(const pace_result& r) {
  const auto old = rate_;
  refused_at_ = rate_;
  // All was refused, whatever the rate: the decreases on the way here have taught nothing.
  limit_ = row_limit_;
  good_ = row_good_;
  phase_ = pace_phase::blocked;
  rate_ = clamp(1);
  cut_at_ = r.now;
  under_way_ = 0;
  accepted_since_cut_ = 0;
  next_ms_ = double(r.now.time_since_epoch().count()) + 1000 / rate_;
  return changed(r.now, old, connections_, pace_reason::blocked, r.rule);
}

// Asks again after half of the time that it has lasted: late by half at most, and few refusals in an hour.
std::optional<rate_change> adaptive_rate::still_blocked(const pace_result& r) {
  const auto old = rate_;
  const auto lasted = std::max(1.0, double((r.now - accepted_at_).count()) / 1000);
  rate_ = clamp(std::min(1.0, 2 / lasted));
  next_ms_ = std::max(next_ms_, double(r.now.time_since_epoch().count()) + 1000 / rate_);
  if (rate_ == old) return std::nullopt;
  return changed(r.now, old, connections_, pace_reason::blocked, r.rule);
}

rate_change adaptive_rate::leave_blocked(wall_time now) {
  const auto old = rate_;
  const auto outage = now - accepted_at_;
  const auto level = level_after_outage(now, outage);
  hold_left_ = hold_least;
  if (outage >= outage_least) {
    // What going faster may gain against what the next outage costs.
    const auto unknown = std::max(row_rate_ - level, level / outage_hold_max);
    const auto times = std::min(outage_hold_max, level / unknown);
    hold_left_ =
        std::clamp<milliseconds>(milliseconds(std::int64_t(times * double(outage.count()))), hold_least, hold_max);
    since_outage_ = since_refusal_ = {now};
  }
  accepted_at_ = unblocked_at_ = now;
  cuts_ = 0;
  recover_to(level, now);
  return changed(now, old, connections_, pace_reason::unblocked);
}

double adaptive_rate::level_after_outage(wall_time now, milliseconds outage) {
  if (outage < outage_least) {
    // A window that was all but enough, or a limit that is far lower now: then it is refused again at once.
    const auto again = now - unblocked_at_ < again_time;
    if (limit_ <= 0 || again) return limit_ = refused_at_;
    if (row_phase_ == pace_phase::cruising) limit_ = std::min(limit_, row_rate_);
    return under_level * std::min(limit_, row_rate_);
  }
  const auto average = since_outage_.average(now);
  const auto last_cycle = std::exchange(cycle_, now - since_outage_.since);
  if (cycle_ < 3 * last_cycle / 2 && cycle_ > 2 * last_cycle / 3 && average > quota_share * row_rate_) {
    window_ = std::min<milliseconds>(cycle_, hold_max);
    return limit_ = average;
  }
  if (above_known_level(row_phase_, row_good_, row_rate_)) return under_level * row_good_;
  // Refused as soon as it was open again: it was not only an outage.
  return limit_ = (accepted_at_ - unblocked_at_ < again_time ? 0.5 : 0.85) * row_rate_;
}

std::optional<rate_change> adaptive_rate::reconfigure(const pace_policy& policy, wall_time now) {
  policy_ = policy;
  const auto old = rate_;
  const auto old_connections = connections_;
  rate_ = clamp(rate_);
  target_ = clamp(target_);
  connections_ = std::clamp(connections_, 1u, policy_.connections_max);
  if (rate_ == old && connections_ == old_connections) return std::nullopt;
  return changed(now, old, old_connections, pace_reason::policy);
}

rate_change adaptive_rate::pin(double rate, unsigned connections, wall_time now) {
  const auto old = rate_;
  const auto old_connections = connections_;
  phase_ = pace_phase::pinned;
  rate_ = clamp(rate);
  connections_ = std::clamp(connections, 1u, policy_.connections_max);
  next_ms_ = std::min(next_ms_, double(now.time_since_epoch().count()) + 1000 / rate_);
  return changed(now, old, old_connections, pace_reason::pinned);
}

std::optional<rate_change> adaptive_rate::release(wall_time now) {
  if (phase_ != pace_phase::pinned) return std::nullopt;
  const auto old = rate_;
  cuts_ = 0;
  hold_left_ = hold_least;
  recover_to(rate_, now);
  return changed(now, old, connections_, pace_reason::released);
}

rate_change adaptive_rate::changed(wall_time now, double old_rate, unsigned old_connections, pace_reason why,
                                   std::string_view rule) {
  rate_change c{.at = now,
                .old_rate = old_rate,
                .new_rate = rate_,
                .old_connections = old_connections,
                .new_connections = connections_,
                .why = why,
                .rule = std::string(rule)};
  std::copy(std::begin(counts_), std::end(counts_), std::begin(c.counts));
  std::fill(std::begin(counts_), std::end(counts_), 0);
  return c;
}

}  // namespace gonets::shaping
