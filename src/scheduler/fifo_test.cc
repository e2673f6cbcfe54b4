#include "scheduler/fifo.h"

#include <gtest/gtest.h>

#include <vector>

namespace gonets::scheduler {
namespace {

class fifo_test : public ::testing::Test {
 protected:
  handle add() {
    entry e;
    e.id = message_id{++last_id_};
    e.state = entry_state::ready;
    e.domain = entries_.domains.add("x.test");
    return entries_.add(e);
  }
  std::vector<handle> push(std::size_t count) {
    std::vector<handle> handles;
    for (std::size_t i = 0; i < count; ++i) {
      handles.push_back(add());
      queue_.push_back(entries_, handles.back());
    }
    return handles;
  }
  std::vector<handle> drain() {
    std::vector<handle> popped;
    for (auto h = queue_.pop_front(entries_); h != no_handle; h = queue_.pop_front(entries_))
      popped.push_back(h);
    return popped;
  }
  std::vector<handle> linked() const {
    std::vector<handle> found;
    queue_.for_each(entries_, [&](handle h) { found.push_back(h); });
    return found;
  }

  entry_table entries_;
  fifo queue_;
  std::uint64_t last_id_ = 0;
};

TEST_F(fifo_test, gives_the_first_first) {
  const auto h = push(3);
  EXPECT_EQ(queue_.count(), 3u);
  EXPECT_EQ(queue_.front(entries_), h[0]);
  EXPECT_EQ(linked(), h);
  EXPECT_EQ(drain(), h);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.count(), 0u);
  EXPECT_EQ(queue_.front(entries_), no_handle);
}

TEST_F(fifo_test, lets_one_go_before_all_others) {
  const auto first = add();
  queue_.push_front(entries_, first);  // into an empty queue
  const auto last = push(1)[0];
  const auto urgent = add();
  queue_.push_front(entries_, urgent);
  EXPECT_EQ(drain(), (std::vector{urgent, first, last}));
}

TEST_F(fifo_test, marks_what_it_links) {
  const auto h = push(2);
  EXPECT_TRUE(entries_[h[0]].linked);
  queue_.pop_front(entries_);
  EXPECT_FALSE(entries_[h[0]].linked);
  EXPECT_EQ(entries_[h[0]].next, no_handle);
  EXPECT_TRUE(entries_[h[1]].linked);
}

TEST_F(fifo_test, skips_what_is_no_longer_ready) {
  for (int without = 0; without < 4; ++without) {
    const auto h = push(4);
    auto left = h;
    left.erase(left.begin() + without);
    entries_[h[without]].state = entry_state::held;
    EXPECT_EQ(drain(), left);
    EXPECT_TRUE(queue_.empty());
    EXPECT_EQ(queue_.count(), 0u);
    EXPECT_FALSE(entries_[h[without]].linked);
  }
}

TEST_F(fifo_test, is_empty_when_nothing_in_it_is_ready) {
  for (const auto h : push(3))
    entries_[h].state = entry_state::deferred;
  EXPECT_EQ(queue_.count(), 3u);
  EXPECT_EQ(queue_.pop_front(entries_), no_handle);
  EXPECT_TRUE(queue_.empty());
  EXPECT_EQ(queue_.count(), 0u);
  const auto h = push(2);  // its end is in order
  EXPECT_EQ(drain(), h);
}

TEST_F(fifo_test, keeps_the_place_of_what_is_ready_again) {
  const auto h = push(3);
  entries_[h[1]].state = entry_state::held;
  EXPECT_EQ(queue_.front(entries_), h[0]);
  entries_[h[1]].state = entry_state::ready;
  EXPECT_EQ(drain(), h);
}

// Given back while it is linked, its place would be taken by another entry, and the queue would lead there.
TEST_F(fifo_test, gives_back_an_entry_that_was_freed_in_it_when_it_comes_to_it) {
  const auto h = push(3);
  entries_[h[0]].state = entry_state::free;
  entries_[h[1]].state = entry_state::free;
  EXPECT_EQ(entries_.size(), 3u);
  EXPECT_EQ(queue_.front(entries_), h[2]);
  EXPECT_EQ(entries_.size(), 1u);
  EXPECT_EQ(entries_.find(message_id{1}), no_handle);
  EXPECT_EQ(queue_.count(), 1u);
  const auto again = add();
  EXPECT_TRUE(again == h[0] || again == h[1]);
  EXPECT_FALSE(entries_[again].linked);
}

}  // namespace
}  // namespace gonets::scheduler
