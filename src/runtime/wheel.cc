#include "runtime/wheel.h"

namespace gonets::runtime {

deadline::deadline(wheel& on, std::function<void()> fire) : wheel_(on), fire_(std::move(fire)) {}

deadline::~deadline() {
  if (slot_ != never) wheel_.unlink(*this);
}

void deadline::expires_after(std::chrono::milliseconds from_now) {
  const auto ticks =
      static_cast<std::uint64_t>((from_now + wheel::tick_length - std::chrono::milliseconds{1}) / wheel::tick_length);
  due_ = wheel_.now_ + ticks + 1;  // the current tick has partly gone
  // A deadline that moved away stays where it is linked and is moved on when that slot is visited.
  if (slot_ != never && slot_ <= due_) return;
  if (slot_ != never) wheel_.unlink(*this);
  wheel_.link(*this, due_);
}

wheel::~wheel() {
  for (auto* head : heads_) {
    for (; head != nullptr; head = head->next_)
      head->slot_ = deadline::never;
  }
}

void wheel::link(deadline& d, std::uint64_t at) {
  if (at >= now_ + slots) at = now_ + slots - 1;
  d.slot_ = at;
  auto*& head = heads_[at % slots];
  d.previous_ = nullptr;
  d.next_ = head;
  if (head != nullptr) head->previous_ = &d;
  head = &d;
}

void wheel::unlink(deadline& d) {
  if (d.next_ != nullptr) d.next_->previous_ = d.previous_;
  (d.previous_ != nullptr ? d.previous_->next_ : heads_[d.slot_ % slots]) = d.next_;
  d.slot_ = deadline::never;
}

void wheel::visit(deadline& d) {
  unlink(d);
  if (d.due_ == deadline::never) return;
  if (d.due_ > now_) {
    link(d, d.due_);
    return;
  }
  d.due_ = deadline::never;
  auto fire = d.fire_;  // a copy: firing may destroy the owner
  fire();
}

void wheel::tick() {
  ++now_;
  // Firing may link, unlink or destroy any deadline, so take one from the front each time. What is linked anew never
  // lands in this slot: its time is later than now_, and less than a whole turn away.
  auto& head = heads_[now_ % slots];
  while (head != nullptr)
    visit(*head);
}

}  // namespace gonets::runtime
