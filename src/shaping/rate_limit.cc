#include "shaping/rate_limit.h"

#include <algorithm>
#include <cmath>

#include "base/wire.h"

namespace gonets::shaping {
namespace {

using std::chrono::milliseconds;

constexpr std::int64_t steps_a_window = 360;
constexpr std::uint64_t stored_steps_max = 100'000;
constexpr std::uint8_t state_version = 1;
constexpr std::uint8_t paced_kind = 0;
constexpr std::uint8_t logged_kind = 1;

std::uint32_t burst_of(const rate_bound& b) {
  return std::min(b.max, b.burst == 0 ? 1 + b.max / 16 : b.burst);
}

rate_bound within_bounds(rate_bound b) {
  b.window = std::clamp(b.window, milliseconds(1), window_max);
  return b;
}

}  // namespace

namespace detail {

paced_limit::paced_limit(const rate_bound& bound) : window_ms_(std::uint32_t(bound.window.count())) {
  rebound(bound);
}

void paced_limit::rebound(const rate_bound& bound) {
  const auto leak = std::uint64_t(bound.max) + 1 - burst_of(bound);
  // The time until it is empty stays.
  debt_ = (debt_ + leak_ - 1) / leak_ * leak;
  leak_ = std::uint32_t(std::min<std::uint64_t>(leak, UINT32_MAX));
  burst_ = burst_of(bound);
  window_ms_ = std::uint32_t(bound.window.count());
}

std::uint64_t paced_limit::debt_at(wall_time now) const {
  if (now <= seen_) return debt_;
  const auto elapsed = std::uint64_t((now - seen_).count());
  // Compared before it is multiplied: years times a million would overflow.
  return elapsed > debt_ / leak_ ? 0 : debt_ - elapsed * leak_;
}

bool paced_limit::admit(wall_time now, std::uint32_t n) {
  debt_ = debt_at(now);
  if (now < seen_) admitted_ = {};
  seen_ = now;
  const auto more = std::uint64_t(n) * window_ms_;
  if (n > burst_ || debt_ + more > capacity()) return false;
  debt_ += more;
  admitted_ = now;
  return true;
}

std::optional<wall_time> paced_limit::next(wall_time now, std::uint32_t n) const {
  if (n > burst_) return std::nullopt;
  const auto room = capacity() - std::uint64_t(n) * window_ms_;
  const auto debt = debt_at(now);
  if (debt <= room) return now;
  return now + milliseconds((debt - room + leak_ - 1) / leak_);
}

bool paced_limit::take_back(wall_time then, std::uint32_t n) {
  // Anything older was followed by what it delayed, or by a rest that made it count for nothing.
  if (then != admitted_) return false;
  debt_ -= std::min(debt_, std::uint64_t(n) * window_ms_);
  return true;
}

double paced_limit::fullness(wall_time now) const {
  return capacity() == 0 ? 1 : double(debt_at(now)) / double(capacity());
}

void paced_limit::put_state(std::string& to) const {
  wire::put_be64(to, std::uint64_t(seen_.time_since_epoch().count()));
  wire::put_varint(to, leak_);
  wire::put_varint(to, debt_);
}

bool paced_limit::restore(std::string_view state) {
  wire::reader in(state);
  const auto seen = std::int64_t(in.be64());
  const auto leak = in.varint();
  const auto debt = in.varint();
  // No more than a month until it is empty; so nothing overflows.
  const auto empty_ms = leak == 0 ? 0 : debt / leak + (debt % leak != 0);
  if (!in.ok() || !in.at_end() || leak == 0 || empty_ms > std::uint64_t(window_max.count())) return false;
  seen_ = wall_time(milliseconds(seen));
  admitted_ = {};
  debt_ = empty_ms * leak_;
  return true;
}

logged_limit::logged_limit(const rate_bound& bound)
    : window_ms_(bound.window.count()),
      step_ms_((bound.window.count() + steps_a_window - 1) / steps_a_window),
      max_(bound.max) {}

std::int64_t logged_limit::own_time(wall_time now) const {
  return std::max(now.time_since_epoch().count(), seen_ms_) + shift_ms_;
}

std::int64_t logged_limit::ends_ms(const step& s) const {
  return (std::int64_t(s.number) + 1) * step_ms_ + window_ms_;
}

void logged_limit::advance(wall_time now) {
  const auto now_ms = now.time_since_epoch().count();
  if (now_ms < seen_ms_) {
    ambiguous_until_ms_ = std::max(ambiguous_until_ms_, seen_ms_);
    shift_ms_ += seen_ms_ - now_ms;
  }
  seen_ms_ = now_ms;
  while (head_ < steps_.size() && ends_ms(steps_[head_]) <= now_ms + shift_ms_)
    total_ -= steps_[head_++].count;
  if (head_ * 2 <= steps_.size() && head_ < steps_.size()) return;
  steps_.erase(steps_.begin(), steps_.begin() + std::ptrdiff_t(head_));
  head_ = 0;
}

void logged_limit::add(std::int64_t own_ms, std::uint32_t n) {
  const auto number = std::uint32_t(own_ms / step_ms_);
  if (steps_.size() > head_ && steps_.back().number >= number)
    steps_.back().count += n;
  else
    steps_.push_back({number, n});
  total_ += n;
}

bool logged_limit::admit(wall_time now, std::uint32_t n) {
  advance(now);
  if (n > max_ || total_ > max_ - n) return false;
  add(own_time(now), n);
  return true;
}

std::optional<wall_time> logged_limit::next(wall_time now, std::uint32_t n) const {
  if (n > max_) return std::nullopt;
  const auto own = own_time(now);
  auto left = total_;
  for (auto i = head_; i < steps_.size() && left > max_ - n; ++i) {
    left -= steps_[i].count;
    if (left <= max_ - n && ends_ms(steps_[i]) > own) return now + milliseconds(ends_ms(steps_[i]) - own);
  }
  return now;
}

bool logged_limit::take_back(wall_time then, std::uint32_t n) {
  const auto then_ms = then.time_since_epoch().count();
  if (then_ms <= ambiguous_until_ms_ || then_ms > seen_ms_) return false;
  const auto number = std::uint32_t((then_ms + shift_ms_) / step_ms_);
  const auto at = std::lower_bound(steps_.begin() + std::ptrdiff_t(head_), steps_.end(), number,
                                   [](const step& s, std::uint32_t sought) { return s.number < sought; });
  if (at == steps_.end() || at->number != number || at->count < n) return false;
  at->count -= n;
  total_ -= n;
  return true;
}

std::uint32_t logged_limit::used(wall_time now) const {
  const auto own = own_time(now);
  auto left = total_;
  for (auto i = head_; i < steps_.size() && ends_ms(steps_[i]) <= own; ++i)
    left -= steps_[i].count;
  return left;
}

void logged_limit::rebound(const rate_bound& bound) {
  std::string state;
  put_state(state);
  const auto shift_ms = shift_ms_;
  *this = logged_limit(bound);
  (void)restore(state);
  if (shift_ms != 0) ambiguous_until_ms_ = seen_ms_;
}

void logged_limit::put_state(std::string& to) const {
  wire::put_be64(to, std::uint64_t(seen_ms_));
  wire::put_varint(to, steps_.size() - head_);
  for (auto i = head_; i < steps_.size(); ++i) {
    const auto last_ms = std::min((std::int64_t(steps_[i].number) + 1) * step_ms_ - 1, seen_ms_ + shift_ms_);
    wire::put_varint(to, std::uint64_t(seen_ms_ + shift_ms_ - last_ms));
    wire::put_varint(to, steps_[i].count);
  }
}

bool logged_limit::restore(std::string_view state) {
  wire::reader in(state);
  const auto seen = std::int64_t(in.be64());
  const auto count = in.varint();
  // Numbers of steps must not overflow, now or in this century.
  if (seen < 0 || seen / step_ms_ > UINT32_MAX / 2 || count > stored_steps_max) return false;
  logged_limit fresh({.window = milliseconds(window_ms_), .max = max_});
  fresh.seen_ms_ = seen;
  auto last_age = UINT64_MAX;
  std::uint64_t total = 0;
  for (std::uint64_t i = 0; i != count && in.ok(); ++i) {
    const auto age = in.varint();
    const auto n = in.varint();
    total += n;
    if (age > last_age || age > std::uint64_t(seen) || n > UINT32_MAX || total > UINT32_MAX) return false;
    last_age = age;
    fresh.add(seen - std::int64_t(age), std::uint32_t(n));
  }
  if (!in.ok() || !in.at_end()) return false;
  *this = std::move(fresh);
  return true;
}

}  // namespace detail

rate_limit::rate_limit(const rate_bound& bound) : bound_(within_bounds(bound)), paced_(bound_) {
  if (bound_.window >= log_from) log_ = std::make_unique<detail::logged_limit>(bound_);
}

bool rate_limit::admit(wall_time now, std::uint32_t n) {
  return log_ ? log_->admit(now, n) : paced_.admit(now, n);
}

std::optional<wall_time> rate_limit::next(wall_time now, std::uint32_t n) const {
  return log_ ? log_->next(now, n) : paced_.next(now, n);
}

bool rate_limit::take_back(wall_time then, std::uint32_t n) {
  return log_ ? log_->take_back(then, n) : paced_.take_back(then, n);
}

std::uint32_t rate_limit::used(wall_time now) const {
  if (log_) return log_->used(now);
  return std::uint32_t(std::ceil(std::min(1.0, paced_.fullness(now)) * bound_.max));
}

void rate_limit::rebound(const rate_bound& bound) {
  const auto fresh = within_bounds(bound);
  if ((fresh.window >= log_from) != (log_ != nullptr)) {
    *this = rate_limit(fresh);
    return;
  }
  bound_ = fresh;
  if (log_)
    log_->rebound(bound_);
  else
    paced_.rebound(bound_);
}

std::string rate_limit::state() const {
  std::string to;
  to += char(state_version);
  to += char(log_ ? logged_kind : paced_kind);
  if (log_)
    log_->put_state(to);
  else
    paced_.put_state(to);
  return to;
}

bool rate_limit::restore(std::string_view state) {
  if (state.size() < 2 || std::uint8_t(state[0]) != state_version) return false;
  if (std::uint8_t(state[1]) != (log_ ? logged_kind : paced_kind)) return false;
  state.remove_prefix(2);
  return log_ ? log_->restore(state) : paced_.restore(state);
}

}  // namespace gonets::shaping
