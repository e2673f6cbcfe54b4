#include "scheduler/fifo.h"

namespace gonets::scheduler {

void fifo::push_back(entry_table& entries, handle h) {
  auto& e = entries[h];
  e.next = no_handle;
  e.linked = true;
  (last_ == no_handle ? first_ : entries[last_].next) = h;
  last_ = h;
  ++count_;
}

void fifo::push_front(entry_table& entries, handle h) {
  auto& e = entries[h];
  e.next = first_;
  e.linked = true;
  first_ = h;
  if (last_ == no_handle) last_ = h;
  ++count_;
}

handle fifo::front(entry_table& entries) {
  while (first_ != no_handle && entries[first_].state != entry_state::ready) {
    const auto dropped = first_;
    first_ = entries[dropped].next;
    entries[dropped].linked = false;
    --count_;
    if (first_ == no_handle) last_ = no_handle;
    // A removed entry could not be given back while it was linked.
    if (entries[dropped].state == entry_state::free) entries.remove(dropped);
  }
  return first_;
}

handle fifo::pop_front(entry_table& entries) {
  const auto h = front(entries);
  if (h == no_handle) return h;
  first_ = entries[h].next;
  if (first_ == no_handle) last_ = no_handle;
  entries[h].next = no_handle;
  entries[h].linked = false;
  --count_;
  return h;
}

}  // namespace gonets::scheduler
