#include "events/follower.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <filesystem>
#include <future>
#include <thread>

#include "events/detail/keys.h"

namespace gonets::events {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;

constexpr auto long_enough = 1min;  // never waited for: what is tested comes before

class follower_test : public testing::Test {
 protected:
  follower_test() {
    std::string folder = std::filesystem::temp_directory_path() / "gonets-log-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    store_ = std::move(*storage::store::open({.path = folder_}));
  }
  ~follower_test() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void write(storage::batch& b) { ASSERT_TRUE(store_->write(b, storage::durability::buffered)); }
  // Numbered `from` to `to`, and said to be safe.
  void put(std::uint64_t from, std::uint64_t to) {
    storage::batch b;
    for (auto seq = from; seq <= to; ++seq) {
      event e;
      e.message = message_id{seq};
      std::string record;
      encode(e, record);
      b.put(storage::family::events, detail::key_of(seq), record);
    }
    write(b);
    end_.advance(event_seq{to});
  }
  void forget(std::uint64_t from, std::uint64_t to) {
    storage::batch b;
    b.remove_range(storage::family::events, detail::key_of(from), detail::key_of(to + 1));
    write(b);
  }
  static std::vector<std::uint64_t> numbers(const log_batch& b) {
    std::vector<std::uint64_t> all;
    for (const auto& e : b.events)
      all.push_back(e.seq.value);
    return all;
  }

  std::string folder_;
  std::unique_ptr<storage::store> store_;
  log_end end_;
};

TEST_F(follower_test, reads_batch_after_batch_and_then_nothing) {
  put(1, 5);
  follower log(*store_, end_, event_seq{1});
  EXPECT_THAT(numbers(*log.next(3)), ElementsAre(2, 3, 4));
  const auto rest = log.next(3);
  EXPECT_THAT(numbers(*rest), ElementsAre(5));
  EXPECT_EQ(rest->cursor, event_seq{5});
  EXPECT_EQ(rest->lost, 0u);
  EXPECT_TRUE(log.next(3)->empty());
  put(6, 6);
  EXPECT_THAT(numbers(*log.next(3)), ElementsAre(6));
}

TEST_F(follower_test, does_not_read_beyond_what_is_safe) {
  put(1, 4);
  EXPECT_THAT(numbers(*read_batch(*store_, event_seq{2}, event_seq{0}, 10)), ElementsAre(1, 2));
}

TEST_F(follower_test, counts_what_the_retention_took_before_it_was_read) {
  put(1, 9);
  forget(1, 5);
  follower log(*store_, end_, event_seq{2});
  const auto batch = log.next(2);
  EXPECT_THAT(numbers(*batch), ElementsAre(6, 7));
  EXPECT_EQ(batch->lost, 3u);
  EXPECT_EQ(log.next(10)->lost, 0u);
}

TEST_F(follower_test, counts_what_is_gone_without_any_event_left) {
  put(1, 9);
  forget(1, 9);
  follower log(*store_, end_, event_seq{4});
  const auto batch = log.next(10);
  EXPECT_EQ(batch->lost, 5u);
  EXPECT_FALSE(batch->empty());
  EXPECT_EQ(log.cursor(), event_seq{9});
}

TEST_F(follower_test, counts_a_record_that_cannot_be_read) {
  put(1, 3);
  storage::batch b;
  b.put(storage::family::events, detail::key_of(2), "rubbish");
  write(b);
  const auto batch = read_batch(*store_, end_.now(), event_seq{0}, 10);
  EXPECT_THAT(numbers(*batch), ElementsAre(1, 3));
  EXPECT_EQ(batch->lost, 1u);
}

TEST_F(follower_test, begins_anew_when_the_cursor_is_of_another_log) {
  put(1, 2);
  const auto batch = read_batch(*store_, end_.now(), event_seq{70}, 10);
  EXPECT_TRUE(batch->log_replaced);
  EXPECT_THAT(numbers(*batch), ElementsAre(1, 2));
  EXPECT_EQ(batch->lost, 0u);
}

TEST_F(follower_test, wakes_when_events_become_safe) {
  follower log(*store_, end_, event_seq{0});
  auto waiting = std::async(std::launch::async, [&] {
    log.wait(long_enough);
    return log.next(10)->events.size();
  });
  put(1, 2);
  EXPECT_EQ(waiting.get(), 2u);
}

TEST_F(follower_test, a_wake_before_the_wait_is_not_lost) {
  follower log(*store_, end_, event_seq{0});
  log.wake();
  log.wait(long_enough);
}

}  // namespace
}  // namespace gonets::events
