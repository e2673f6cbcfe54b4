// A mailbox provider with limits that it doesn't tell, and a sender that works under one adaptive_rate, both under a
// virtual clock and by seed. For unit tests of the controller and for sim/; no I/O, no threads.
#pragma once
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <queue>
#include <random>
#include <string>
#include <vector>

#include "shaping/adaptive_rate.h"

namespace gonets::shaping::testing {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct provider_shape {
  struct phase {
    seconds length;
    double rate;  // messages a second
  };
  std::string name;
  std::vector<phase> phases;  // one after the other, again from the first; empty: no limit of rate
  double bucket_seconds = 1;  // what the token bucket holds, in seconds of its rate
  std::uint64_t quota = 0;    // messages in each `quota_window`, aligned to the start; 0: no limit
  seconds quota_window{3600};
  unsigned connections = 0;    // 421 at greeting above it; 0: no limit
  seconds penalty{0};          // all is refused for so long ...
  unsigned penalty_after = 5;  // ... after so many refusals within ten seconds
  bool tarpits = false;        // above the rate: replies late in place of 451
  seconds tarpit{20};
  milliseconds latency{300};    // of a transaction; log-normal with a spread of about a third
  double random_deferrals = 0;  // share of attempts deferred for reasons of their own (a full mailbox)
};

class modelled_provider {
 public:
  struct answer {
    pace_outcome outcome = pace_outcome::accepted;
    milliseconds after{0};
  };

  modelled_provider(provider_shape shape, std::uint64_t seed) : shape_(std::move(shape)), random_(seed) {
    tokens_ = shape_.phases.empty() ? 0 : shape_.phases.front().rate * shape_.bucket_seconds;
  }

  bool connect() {
    if (shape_.connections != 0 && open_ >= shape_.connections) return false;
    ++open_;
    return true;
  }
  void disconnect() { --open_; }

  // One message, begun at `at` (since the start, never before the last call's).
  answer submit(milliseconds at) {
    const auto took = latency();
    if (at < blocked_until_) return {pace_outcome::throttled, took};
    if (!take_quota(at) || !take_token(at)) {
      if (shape_.tarpits) return tarpitted(took);
      note_refusal(at);
      return {pace_outcome::throttled, took};
    }
    if (unit_(random_) < shape_.random_deferrals) return {pace_outcome::deferred_other, took};
    return {pace_outcome::accepted, took};
  }

  double rate_at(milliseconds at) const {
    if (shape_.phases.empty()) return 0;
    milliseconds total{0};
    for (const auto& p : shape_.phases)
      total += p.length;
    auto left = at % total;
    for (const auto& p : shape_.phases) {
      if (left < p.length) return p.rate;
      left -= p.length;
    }
    return shape_.phases.back().rate;
  }

  // What a sender who knew all could have had accepted between two times.
  double capacity(milliseconds from, milliseconds to) const {
    double sum = 0;
    for (auto t = from; t < to; t += seconds(1))
      sum += shape_.phases.empty() ? unlimited() : rate_at(t);
    if (shape_.quota != 0)
      sum = std::min(
          sum, double(shape_.quota) * double((to - from).count()) / double(milliseconds(shape_.quota_window).count()));
    return sum * (1 - shape_.random_deferrals);
  }

 private:
  double unlimited() const {
    const auto mean_latency = double(shape_.latency.count()) / 1000;
    return shape_.connections != 0 ? shape_.connections / mean_latency : 1e9;
  }

  milliseconds latency() {
    // The mean of the factor is 1.
    return milliseconds(std::max<std::int64_t>(
        1, std::llround(double(shape_.latency.count()) * std::exp(0.3 * normal_(random_) - 0.045))));
  }

  bool take_quota(milliseconds at) {
    if (shape_.quota == 0) return true;
    const auto window = at / milliseconds(shape_.quota_window);
    if (window != quota_at_) used_ = 0;
    quota_at_ = window;
    if (used_ >= shape_.quota) return false;
    ++used_;
    return true;
  }

  bool take_token(milliseconds at) {
    if (shape_.phases.empty()) return true;
    const auto rate = rate_at(at);
    tokens_ =
        std::min(std::max(1.0, rate * shape_.bucket_seconds), tokens_ + rate * double((at - last_).count()) / 1000);
    last_ = at;
    if (tokens_ < 1) return false;
    tokens_ -= 1;
    return true;
  }

  void note_refusal(milliseconds at) {
    if (shape_.penalty == seconds(0)) return;
    if (at - refused_since_ > seconds(10)) {
      refused_since_ = at;
      refusals_ = 0;
    }
    if (++refusals_ < shape_.penalty_after) return;
    blocked_until_ = at + shape_.penalty;
    refusals_ = 0;
  }

  answer tarpitted(milliseconds took) {
    if (unit_(random_) < 0.3) return {pace_outcome::timed_out, seconds(30)};
    return {pace_outcome::accepted, took + shape_.tarpit};
  }

  provider_shape shape_;
  std::mt19937_64 random_;
  std::uniform_real_distribution<double> unit_{0, 1};
  std::normal_distribution<double> normal_{0, 1};
  double tokens_ = 0;
  milliseconds last_{0};
  std::int64_t quota_at_ = -1;
  std::uint64_t used_ = 0;
  milliseconds refused_since_{-60'000};
  unsigned refusals_ = 0;
  milliseconds blocked_until_{0};
  unsigned open_ = 0;
};

struct pace_tally {
  std::uint64_t attempts = 0, accepted = 0, deferred_by_pace = 0, deferred_other = 0;
  double capacity = 0;

  double goodput() const { return capacity > 0 ? double(accepted) / capacity : 0; }
  double deferred_share() const { return attempts > 0 ? double(deferred_by_pace) / double(attempts) : 0; }
};

// Sends without end, as fast as the controller lets it, over connections that stay open.
class modelled_sender {
 public:
  modelled_sender(provider_shape shape, adaptive_rate& pace, wall_time start, std::uint64_t seed)
      : provider_(std::move(shape), seed), pace_(pace), start_(start), now_(start) {}

  using listener = std::function<void(const rate_change&)>;
  void on_change(listener l) { listener_ = std::move(l); }

  // Goes on until `end`, and tells what was begun from `from` on, counting what came of it by then.
  pace_tally run(wall_time from, wall_time end) {
    tally_ = {};
    tally_from_ = from;
    tally_.capacity = provider_.capacity(from - start_, end - start_);
    while (true) {
      const auto done = under_way_.empty() ? wall_time::max() : under_way_.top().at;
      auto send = wall_time::max();
      if (busy_ < pace_.connections()) send = std::max(now_, pace_.next_send(now_));
      const auto next = std::min(done, send);
      if (next >= end) break;
      now_ = next;
      if (done <= send)
        finish();
      else
        begin();
    }
    now_ = end;
    return tally_;
  }

  wall_time now() const { return now_; }
  modelled_provider& provider() { return provider_; }

 private:
  struct attempt {
    wall_time at, began;
    pace_outcome outcome;
    bool operator>(const attempt& o) const { return at > o.at; }
  };

  void begin() {
    const auto began = now_;
    pace_.on_send(began, busy_ + 1);
    auto outcome = pace_outcome::accepted;
    milliseconds after{0};
    const auto in_use = busy_ - dialling_;
    if (in_use == open_ && !provider_.connect()) {
      ++dialling_;
      outcome = pace_outcome::too_many_connections;
      after = milliseconds(50);
    } else {
      open_ = std::max(open_, in_use + 1);
      const auto answer = provider_.submit(began - start_);
      outcome = answer.outcome;
      after = answer.after;
    }
    ++busy_;
    under_way_.push({began + after, began, outcome});
  }

  void finish() {
    const auto a = under_way_.top();
    under_way_.pop();
    --busy_;
    if (a.began >= tally_from_) count(a.outcome);
    const auto limited = a.outcome == pace_outcome::too_many_connections;
    if (limited) --dialling_;
    const auto change = pace_.on_result({.now = now_,
                                         .began = a.began,
                                         .outcome = a.outcome,
                                         .connections_open = limited ? open_ : 0,
                                         .rule = limited ? "too many connections" : ""});
    if (change && listener_) listener_(*change);
    while (open_ > pace_.connections() && open_ > busy_ - dialling_) {
      provider_.disconnect();
      --open_;
    }
  }

  void count(pace_outcome o) {
    ++tally_.attempts;
    if (o == pace_outcome::accepted)
      ++tally_.accepted;
    else if (o == pace_outcome::deferred_other)
      ++tally_.deferred_other;
    else
      ++tally_.deferred_by_pace;
  }

  modelled_provider provider_;
  adaptive_rate& pace_;
  listener listener_;
  wall_time start_, now_, tally_from_{};
  std::priority_queue<attempt, std::vector<attempt>, std::greater<>> under_way_;
  unsigned busy_ = 0, dialling_ = 0, open_ = 0;  // dialling: to be refused
  pace_tally tally_;
};

}  // namespace gonets::shaping::testing
