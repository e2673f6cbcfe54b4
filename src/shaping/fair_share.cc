#include "shaping/fair_share.h"

#include <algorithm>

namespace gonets::shaping {

void fair_share::add(account_id who, std::uint32_t weight) {
  weight = std::clamp(weight, 1u, weight_max);
  if (const auto at = places_.find(who); at != places_.end()) {
    members_[at->second].weight = weight;
    return;
  }
  slot at = 0;
  if (free_.empty()) {
    at = slot(members_.size());
    members_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  auto& m = members_[at];
  m = {.who = who, .weight = weight, .next = at, .previous = at};
  if (places_.empty()) {
    current_ = at;
  } else {
    m.next = current_;
    m.previous = members_[current_].previous;
    members_[m.previous].next = at;
    members_[current_].previous = at;
  }
  places_.emplace(who, at);
}

void fair_share::remove(account_id who) {
  const auto found = places_.find(who);
  if (found == places_.end()) return;
  const auto at = found->second;
  const auto& m = members_[at];
  members_[m.previous].next = m.next;
  members_[m.next].previous = m.previous;
  if (current_ == at) current_ = m.next;
  free_.push_back(at);
  places_.erase(found);
}

std::optional<account_id> fair_share::pick() {
  if (places_.empty()) return std::nullopt;
  for (std::size_t seen = 0;; ++seen) {
    if (seen == places_.size()) {
      // Everybody is in debt: let the rounds pass in which nobody would get anything.
      const auto rounds = rounds_until_credit() - 1;
      auto at = current_;
      do {
        members_[at].credit += rounds * members_[at].weight;
        at = members_[at].next;
      } while (at != current_);
    }
    auto& m = members_[current_];
    if (!m.in_turn) {
      m.in_turn = true;
      m.credit += m.weight;
    }
    if (m.credit > 0) return m.who;
    end_turn(current_);
  }
}

std::int64_t fair_share::rounds_until_credit() const {
  auto least = INT64_MAX;
  auto at = current_;
  do {
    const auto& m = members_[at];
    least = std::min(least, -m.credit / m.weight + 1);
    at = m.next;
  } while (at != current_);
  return least;
}

void fair_share::charge(account_id who, std::uint32_t recipients) {
  const auto at = places_.find(who);
  if (at == places_.end()) return;
  auto& m = members_[at->second];
  m.credit -= recipients;
  if (m.credit <= 0 && at->second == current_) end_turn(current_);
}

void fair_share::pass(account_id who) {
  const auto at = places_.find(who);
  if (at == places_.end()) return;
  auto& m = members_[at->second];
  m.credit = std::min<std::int64_t>(m.credit, 0);
  if (at->second == current_) end_turn(current_);
}

void fair_share::end_turn(slot at) {
  members_[at].in_turn = false;
  current_ = members_[at].next;
}

}  // namespace gonets::shaping
