#include "base/id_source.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace gonets {
namespace {

using namespace std::chrono_literals;

constexpr wall_time noon{1'767'268'800'000ms};  // 2026-01-01T12:00:00Z
constexpr std::size_t ids_per_ms = 2048;

wall_time accepted(message_id id) {
  return wall_time(std::chrono::milliseconds(accepted_at_ms(id)));
}

TEST(id_source, puts_time_node_and_sequence_into_an_id) {
  id_source ids(0xab, message_id{0});
  const auto since_2020 = static_cast<std::uint64_t>(noon.time_since_epoch().count() - 1'577'836'800'000);
  EXPECT_EQ(ids.next(noon).value, since_2020 << 19 | 0xabull << 11);
  EXPECT_EQ(ids.next(noon).value, since_2020 << 19 | 0xabull << 11 | 1);
  EXPECT_EQ(ids.next(noon + 1ms).value, (since_2020 + 1) << 19 | 0xabull << 11);
}

TEST(id_source, borrows_from_the_next_millisecond_when_one_is_used_up) {
  id_source ids(255, message_id{0});
  message_id last{0};
  for (std::size_t i = 0; i < ids_per_ms; ++i) {
    const auto id = ids.next(noon);
    EXPECT_LT(last, id);
    EXPECT_EQ(accepted(id), noon);
    last = id;
  }
  const auto borrowed = ids.next(noon);
  EXPECT_LT(last, borrowed);
  EXPECT_EQ(accepted(borrowed), noon + 1ms);
  EXPECT_LT(borrowed, ids.next(noon + 1ms));
  EXPECT_EQ(accepted(ids.next(noon + 2ms)), noon + 2ms);
}

TEST(id_source, ascends_while_the_clock_goes_back) {
  id_source ids(3, message_id{0});
  auto last = ids.next(noon);
  for (std::size_t i = 0; i < 3 * ids_per_ms; ++i) {
    const auto id = ids.next(noon - 1h - i * 1ms);
    ASSERT_LT(last, id);
    last = id;
  }
  EXPECT_EQ(accepted(last), noon + 3ms);
  EXPECT_EQ(accepted(ids.next(noon + 1s)), noon + 1s);
}

TEST(id_source, goes_on_after_the_highest_id_of_the_run_before) {
  id_source before(0, message_id{0});
  auto highest = before.next(noon);
  for (std::size_t i = 1; i < ids_per_ms; ++i)
    highest = before.next(noon);
  id_source after(0, highest);
  EXPECT_LT(highest, after.next(noon - 24h));
}

TEST(id_source, never_gives_two_threads_the_same_id) {
  constexpr std::size_t threads = 4, each = 5000;
  id_source ids(0, message_id{0});
  std::vector<std::vector<message_id>> taken(threads);
  std::vector<std::thread> running;
  for (auto& mine : taken) {
    running.emplace_back([&ids, &mine] {
      for (std::size_t i = 0; i < each; ++i)
        mine.push_back(ids.next(noon));
    });
  }
  for (auto& t : running)
    t.join();
  std::vector<message_id> all;
  for (const auto& mine : taken) {
    EXPECT_TRUE(std::ranges::is_sorted(mine));
    all.insert(all.end(), mine.begin(), mine.end());
  }
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

// A machine without a battery for its clock starts in 1970.
TEST(id_source, issues_small_ids_while_the_clock_is_before_2020) {
  id_source ids(0, message_id{0});
  const auto first = ids.next(wall_time{0ms});
  EXPECT_NE(first.value, 0u);
  EXPECT_LT(first, ids.next(wall_time{1h}));
  EXPECT_EQ(accepted(ids.next(noon)), noon);
}

}  // namespace
}  // namespace gonets
