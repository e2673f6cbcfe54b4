// A queue of entries: first in, first out, linked through entry::next. An entry whose state changed stays linked and is
// skipped when popped.
#pragma once
#include <cstddef>

#include "scheduler/entry_table.h"

namespace gonets::scheduler {

class fifo {
 public:
  void push_back(entry_table& entries, handle h);
  void push_front(entry_table& entries, handle h);
  handle front(entry_table& entries);  // no_handle when empty; drops what is no longer ready
  handle pop_front(entry_table& entries);
  std::size_t count() const { return count_; }  // what is linked
  bool empty() const { return first_ == no_handle; }
  handle first() const { return first_; }  // as front() left it
  template <class Visit>
  void for_each(const entry_table& entries, Visit&& visit) const {
    for (auto h = first_; h != no_handle; h = entries[h].next)
      visit(h);
  }

 private:
  handle first_ = no_handle;
  handle last_ = no_handle;
  std::size_t count_ = 0;
};

}  // namespace gonets::scheduler
