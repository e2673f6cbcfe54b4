#include "shaping/site_backoff.h"

#include <algorithm>

namespace gonets::shaping {

std::string_view to_text(site_state s) {
  switch (s) {
    case site_state::ready:
      return "ready";
    case site_state::suspended:
      return "suspended";
    case site_state::probing:
      return "probing";
  }
  return "";
}

bool site_backoff::admit(wall_time now) {
  if (state_ == site_state::ready) return true;
  if (state_ == site_state::probing || now < *next_ready(now)) return false;
  state_ = site_state::probing;
  return true;
}

void site_backoff::connect_failed(wall_time now, std::string_view reason) {
  if (state_ == site_state::suspended) return;
  ++failures_;
  state_ = site_state::suspended;
  ready_at_ = now + suspension();
  reason_ = reason;
}

void site_backoff::succeeded() {
  state_ = site_state::ready;
  failures_ = 0;
  reason_.clear();
}

void site_backoff::probe_abandoned(wall_time now) {
  if (state_ != site_state::probing) return;
  state_ = site_state::suspended;
  ready_at_ = now;
}

std::optional<wall_time> site_backoff::next_ready(wall_time now) const {
  switch (state_) {
    case site_state::ready:
      return now;
    case site_state::probing:
      return std::nullopt;
    case site_state::suspended:
      break;
  }
  return std::max(now, ready_at_);
}

std::chrono::milliseconds site_backoff::suspension() const {
  constexpr unsigned doublings_max = 20;  // far beyond any maximum, and nothing overflows
  return std::min(max_, base_ * (1u << std::min(failures_ - 1, doublings_max)));
}

}  // namespace gonets::shaping
