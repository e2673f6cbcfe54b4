#include "scheduler/site_queue.h"

#include <gmock/gmock.h>

#include <map>

#include "scheduler/site.h"

namespace gonets::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::uint8_t urgent = 0;
constexpr std::uint8_t bulk = 1;
constexpr std::uint8_t news = 2;

class site_queue_test : public ::testing::Test {
 protected:
  handle push(std::uint32_t account, std::uint8_t stream = bulk, bool hot = true, std::uint64_t id = 0) {
    entry e;
    e.id = message_id{id == 0 ? ++last_id_ : id};
    e.account = account_id{account};
    e.stream = stream;
    e.state = entry_state::ready;
    e.domain = entries_.domains.add("x.test");
    if (hot) e.hot = std::make_shared<spool::queued_message>();
    const auto h = entries_.add(e);
    queue_.push(entries_, h, stream == urgent ? 0 : 1, 1, false);
    return h;
  }
  // The account that the next message is of; 0: nobody's.
  std::uint32_t take(std::size_t max = 100) {
    for (const auto& line : queue_.lines()) {
      auto* who = line->turn(entries_);
      if (who == nullptr) continue;
      const auto account = who->who.value;
      taken_.clear();
      line->take(entries_, *who, max, taken_);
      for (const auto h : taken_)
        entries_[h].state = entry_state::leased;
      queue_.rotate(*line);
      return account;
    }
    return 0;
  }
  std::vector<std::uint32_t> take_all() {
    std::vector<std::uint32_t> all;
    while (const auto who = take())
      all.push_back(who);
    return all;
  }

  entry_table entries_;
  site_queue queue_;
  std::vector<handle> taken_;
  std::uint64_t last_id_ = 0;
};

TEST_F(site_queue_test, lets_accounts_take_turns_however_much_each_has) {
  for (int i = 0; i < 4; ++i)
    push(1);
  push(2);
  push(3);
  push(2);
  EXPECT_THAT(take_all(), ElementsAre(1, 2, 3, 1, 2, 1, 1));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(site_queue_test, lets_the_more_urgent_stream_go_first) {
  push(1, bulk);
  push(2, urgent);
  push(1, bulk);
  push(2, urgent);
  EXPECT_THAT(take_all(), ElementsAre(2, 2, 1, 1));
}

TEST_F(site_queue_test, lets_streams_of_one_priority_take_turns) {
  for (int i = 0; i < 3; ++i) {
    push(1, bulk);
    push(2, news);
  }
  EXPECT_THAT(take_all(), ElementsAre(1, 2, 1, 2, 1, 2));
}

TEST_F(site_queue_test, takes_the_recipients_of_a_message_together_up_to_the_most_of_a_transaction) {
  for (int i = 0; i < 3; ++i)
    push(1, bulk, true, 77);
  push(1, bulk, true, 78);
  take(2);
  EXPECT_EQ(taken_.size(), 2u);
  take(2);
  EXPECT_EQ(taken_.size(), 1u);
  take(2);
  EXPECT_EQ(entries_[taken_.at(0)].id, message_id{78});
}

TEST_F(site_queue_test, passes_over_what_is_no_longer_ready) {
  const auto first = push(1);
  push(2);
  entries_[first].state = entry_state::held;
  EXPECT_THAT(take_all(), ElementsAre(2));
  EXPECT_TRUE(queue_.empty());
}

TEST_F(site_queue_test, reads_for_each_account_however_much_the_others_have) {
  for (int i = 0; i < 500; ++i)
    push(1, bulk, false);
  push(2, bulk, false);
  push(3, urgent, false);
  std::map<std::uint32_t, int> read;
  for (const auto h : queue_.next_to_read(entries_, 64))
    ++read[entries_[h].account.value];
  EXPECT_GT(read[1], 1);
  EXPECT_EQ(read[2], 1);
  EXPECT_EQ(read[3], 1);
}

TEST_F(site_queue_test, reads_no_more_for_an_account_with_enough_in_memory) {
  for (int i = 0; i < 100; ++i)
    push(1);
  const auto waits = push(1, bulk, false);
  EXPECT_THAT(queue_.next_to_read(entries_, 64), IsEmpty());
  for (int i = 0; i < 90; ++i)
    take();
  EXPECT_THAT(queue_.next_to_read(entries_, 64), ElementsAre(waits));
}

// What was read may have been held meanwhile: the rest must not wait for it.
TEST_F(site_queue_test, goes_on_reading_when_what_was_read_came_to_nothing) {
  for (int i = 0; i < 200; ++i)
    push(1, bulk, false);
  std::size_t read = 0;
  for (int round = 0; round < 10 && !queue_.empty(); ++round)
    read += queue_.next_to_read(entries_, 64).size();
  EXPECT_EQ(read, 200u);
  EXPECT_TRUE(queue_.empty());
}

TEST(site, is_idle_when_nothing_is_left_of_it) {
  site s(spool::site_id{1}, std::make_shared<spool::destination>("mx:a.test"), shaping::site_backoff());
  EXPECT_TRUE(s.idle());
  for (auto* count : {&s.connections, &s.loading, &s.leased}) {
    *count = 1;
    EXPECT_FALSE(s.idle());
    *count = 0;
  }
}

}  // namespace
}  // namespace gonets::scheduler
