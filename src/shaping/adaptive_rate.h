// Finds how fast one (egress x site x stream) can be sent to: messages a second, and connections. A pure state machine;
// lives on the shard that owns the site. docs/adr/0013 says why it is so.
//
// The caller asks next_send(), says on_send() for each attempt that begins, and on_result() exactly once for each of
// those: what is under way is counted. The time is a wall_time that never goes back (limit_clock); if it does, the
// controller waits, it never hurries. Only results that say something about pace are reported as such: a reply that
// is about an account, its domain or its content is `unrelated`, so that one account's bad mail slows no other's.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace gonets::shaping {

enum class pace_outcome : std::uint8_t {
  accepted,
  unrelated,  // delivered or not, for reasons that are not ours to slow down for: 550, greylisting, full mailbox
  throttled,  // a reply that a rule knows as "too fast"
  too_many_connections,  // 421 at the greeting, or a rule that says so
  deferred_other,        // another 4yz: harmless alone, a sign when their share rises
  timed_out,             // or the connection was lost
};
inline constexpr std::size_t pace_outcomes = 6;
std::string_view to_text(pace_outcome o);

struct pace_result {
  wall_time now{};
  wall_time began{};  // what on_send() was told
  pace_outcome outcome = pace_outcome::accepted;
  unsigned connections_open = 0;  // with too_many_connections: how many the site holds open besides; 0: unknown
  std::string_view rule{};        // the reply rule that matched
};

// The operator's limits. `start` is where a new site begins.
struct pace_policy {
  double floor = 1.0 / 300;  // messages a second; also how often a site that refuses all is asked
  double ceiling = 10'000;
  double start = 1;
  unsigned connections_start = 2;
  unsigned connections_max = 20;  // at least one
  bool operator==(const pace_policy&) const = default;
};

// starting -> recovering, blocked          refused
//          -> cruising                     at the ceiling
// recovering -> cruising                   after some seconds below the level, in which what overflowed drains
// cruising -> probing                      it held for long enough, and a refusal can be afforded
// probing -> cruising                      at the ceiling
// cruising, probing -> recovering          refused
// any -> blocked                           nothing was accepted since the last decreases
// blocked -> recovering                    something was accepted
// Pinned, it stays where it is: only release() moves it, to recovering.
enum class pace_phase : std::uint8_t { starting, recovering, cruising, probing, blocked, pinned };
std::string_view to_text(pace_phase p);

enum class pace_reason : std::uint8_t {
  growing,  // all was accepted, and the rate was used
  throttled,
  too_many_connections,
  deferrals_rising,
  timed_out,
  replies_slow,  // much more is under way than the rate explains: a tarpit
  blocked,       // nothing is accepted any more: one at a time
  unblocked,
  recovered,  // back to just under the last good level
  policy,     // the operator's limits changed
  pinned,
  released,
};
std::string_view to_text(pace_reason r);

// A change of the rate or the number of connections, with its evidence.
struct rate_change {
  wall_time at{};
  double old_rate = 0, new_rate = 0;  // messages a second
  unsigned old_connections = 0, new_connections = 0;
  pace_reason why = pace_reason::growing;
  std::uint32_t counts[pace_outcomes] = {};  // results since the last change, by outcome
  std::string rule;                          // of the result that caused it; may be empty
};

std::string rate_text(double messages_a_second);  // "8.4", "10000"
// "throttled: 12 -> 8.4 messages a second, 4 connections; since the last change 120 accepted, 3 throttled"
std::string to_text(const rate_change& c);

class adaptive_rate {
 public:
  adaptive_rate(const pace_policy& policy, wall_time now);

  // The earliest time at which one more may be sent; `now` or before: at once. A connection must be free as well.
  wall_time next_send(wall_time now) const;
  // An attempt begins; `busy`: connections in use, this one included.
  void on_send(wall_time now, unsigned busy);
  std::optional<rate_change> on_result(const pace_result& r);

  double rate() const { return rate_; }  // messages a second
  unsigned connections() const { return connections_; }
  pace_phase phase() const { return phase_; }
  // The highest rate that was used and accepted since it was last proved wrong; 0: none is known.
  double good_rate() const { return good_; }
  // cruising: how long it must still be used at this rate before it tries to go faster.
  std::chrono::milliseconds hold_left() const { return hold_left_; }

  std::optional<rate_change> reconfigure(const pace_policy& policy, wall_time now);
  // Held at `rate` and `connections`, within the policy's maxima, whatever the replies say.
  rate_change pin(double rate, unsigned connections, wall_time now);
  std::optional<rate_change> release(wall_time now);

 private:
  using milliseconds = std::chrono::milliseconds;

  void note(const pace_result& r, bool current);
  std::optional<rate_change> judge(const pace_result& r, bool current);
  std::optional<rate_change> on_accepted(wall_time now);
  std::optional<rate_change> end_step(wall_time now);
  std::optional<rate_change> faster(wall_time now, double factor);
  std::optional<rate_change> more_connections(wall_time now);
  std::optional<rate_change> fewer_connections(const pace_result& r);
  std::optional<rate_change> decrease(const pace_result& r, pace_reason why);
  rate_change enter_blocked(const pace_result& r);
  std::optional<rate_change> still_blocked(const pace_result& r);
  rate_change leave_blocked(wall_time now);
  double level_after_decrease(wall_time now);
  double probing_gain() const;
  bool far_down(wall_time now) const;
  double level_after_outage(wall_time now, milliseconds outage);
  void recover_to(double level, wall_time now);
  void hold(milliseconds least);
  bool deferrals_rise() const;
  bool replies_are_slow(wall_time now) const;
  double clamp(double rate) const;
  milliseconds step_length() const;
  double rate_used(wall_time now) const;  // messages a second
  void begin_step(wall_time now);
  rate_change changed(wall_time now, double old_rate, unsigned old_connections, pace_reason why,
                      std::string_view rule = {});

  pace_policy policy_;
  pace_phase phase_ = pace_phase::starting;
  double rate_;
  unsigned connections_;
  double next_ms_;  // since the epoch: when the next may be sent; finer than a millisecond

  double target_ = 0;  // the level to recover to and cruise at
  double good_ = 0;
  double best_ = 0;        // the highest that was good lately...
  wall_time best_at_{};    // ...as of then
  double refused_at_ = 0;  // the rate of the last refusal
  double limit_ = 0;       // the provider's, as far as it is known: what was accepted on average; 0: not known
  wall_time cut_at_{};     // what began until then says nothing about the rate since
  wall_time recover_until_{};
  milliseconds hold_left_{0};
  milliseconds hold_next_;  // the longer, the more often the limit was found where it was

  // Decreases in a row: since the level last held.
  unsigned cuts_ = 0;
  pace_phase row_phase_ = pace_phase::starting;  // where the first found us, and with what
  double row_rate_ = 0, row_good_ = 0, row_limit_ = 0;
  std::uint32_t accepted_since_cut_ = 0;
  wall_time accepted_at_;  // the last time, but for what was begun before an outage

  // From one refusal to the next, and from one outage to the next: what was accepted on average in between is never
  // more than the provider's limit, however much its bucket or window lets through at once.
  struct stretch {
    wall_time since;
    std::uint64_t accepted = 0;
    double average(wall_time now) const;  // a second
  };
  stretch since_refusal_, since_outage_;
  // From the end of one outage to the end of the next. Twice about the same, it is the window of a quota, and a rate
  // must be tried for as long before it is good.
  milliseconds cycle_{0};
  milliseconds window_{0};  // zero: none is known
  wall_time unblocked_at_{};

  // Refusals that probing may cost: earned by what is accepted, spent by each refusal.
  double credit_;
  double probe_cost_ = 2;
  std::uint32_t episode_refusals_ = 0;

  wall_time step_at_;
  wall_time last_send_{};
  std::uint32_t step_sent_ = 0, step_accepted_ = 0, step_all_busy_ = 0;
  double last_step_used_ = 0;

  std::uint32_t under_way_ = 0;  // begun since the last decrease
  double latency_ms_ = 0;        // of those that went well
  std::uint32_t results_ = 0;
  double share_now_ = 0, share_usual_ = 0;  // of other deferrals
  double time_outs_ = 0;

  unsigned connection_gain_ = 1;
  milliseconds connection_hold_{0};
  wall_time connections_grow_from_{};
  wall_time connections_cut_at_{};

  std::uint32_t counts_[pace_outcomes] = {};
};

}  // namespace gonets::shaping
