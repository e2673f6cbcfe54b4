#include "webhooks/outbox.h"

#include <gmock/gmock.h>

namespace gonets::webhooks {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using verdict = outbox::verdict;

const retry_schedule schedule{{5s, 30s}, 1h};
constexpr steady_time noon{100h};
constexpr wall_time today{1'767'268'800'000ms};

std::vector<item> items(std::uint64_t from, std::uint64_t to, std::size_t bytes = 10) {
  std::vector<item> made;
  for (auto n = from; n <= to; ++n)
    made.push_back({event_seq{n}, std::make_shared<const std::string>(bytes, 'x')});
  return made;
}
std::vector<std::uint64_t> numbers(const std::shared_ptr<const batch>& b) {
  std::vector<std::uint64_t> all;
  for (const auto& i : b->items)
    all.push_back(i.seq.value);
  return all;
}
progress at(std::uint64_t cursor) {
  return {.cursor = event_seq{cursor}};
}
bool answer(outbox& o, verdict v, steady_time now = noon, wall_time wall = today) {
  return o.answered(v, schedule, 0.5, now, wall);
}

TEST(webhook_outbox, waits_a_little_for_more_but_not_when_a_batch_is_full) {
  outbox o(at(0));
  EXPECT_EQ(o.next_start(), steady_time::max());
  o.take(items(1, 2), event_seq{5}, 0, noon);
  EXPECT_EQ(o.start(noon), nullptr);
  EXPECT_EQ(o.next_start(), noon + batch_age_max);
  o.take(items(6, 7), event_seq{7}, 0, noon + batch_age_max / 2);
  EXPECT_THAT(numbers(o.start(noon + batch_age_max)), ElementsAre(1, 2, 6, 7));
  outbox busy(at(0));
  busy.take(items(1, batch_events_max), event_seq{batch_events_max}, 0, noon);
  EXPECT_EQ(busy.start(noon)->items.size(), batch_events_max);
}

TEST(webhook_outbox, sends_one_batch_after_the_other_and_keeps_what_was_acknowledged) {
  outbox o(at(0));
  o.take(items(1, batch_events_max + 3), event_seq{900}, 0, noon);
  const auto first = o.start(noon);
  EXPECT_EQ(first->items.size(), batch_events_max);
  EXPECT_EQ(o.start(noon + 1h), nullptr);
  EXPECT_EQ(o.kept().cursor, event_seq{0});
  answer(o, verdict::acknowledged);
  EXPECT_EQ(o.kept().cursor, event_seq{batch_events_max});
  EXPECT_THAT(numbers(o.start(noon + batch_age_max)), ElementsAre(501, 502, 503));
  answer(o, verdict::acknowledged);
  EXPECT_EQ(o.kept().cursor, event_seq{900});
}

TEST(webhook_outbox, moves_past_what_nobody_wants) {
  outbox o(at(3));
  o.take({}, event_seq{70}, 0, noon);
  EXPECT_EQ(o.kept().cursor, event_seq{70});
  EXPECT_EQ(o.next_start(), steady_time::max());
}

TEST(webhook_outbox, repeats_the_same_batch_after_growing_delays) {
  outbox o(at(0));
  o.take(items(1, 2), event_seq{2}, 0, noon);
  auto now = noon + batch_age_max;
  const auto first = o.start(now);
  EXPECT_EQ(first->attempt, 1u);
  answer(o, verdict::failed, now);
  o.take(items(3, 3), event_seq{3}, 0, now);
  EXPECT_EQ(o.next_start(), now + 5s);
  EXPECT_EQ(o.start(now + 4s), nullptr);
  now += 5s;
  const auto second = o.start(now);
  EXPECT_THAT(numbers(second), ElementsAre(1, 2));
  EXPECT_EQ(second->attempt, 2u);
  for (int i = 0; i < 3; ++i) {
    answer(o, verdict::failed, now);
    EXPECT_EQ(o.next_start(), now + 30s);
    now += 30s;
    ASSERT_TRUE(o.start(now));
  }
  EXPECT_EQ(o.kept().cursor, event_seq{0});
  EXPECT_EQ(o.kept().failing_since, today);
  answer(o, verdict::acknowledged);
  EXPECT_EQ(o.kept(), at(2));
  EXPECT_EQ(o.attempts(), 0u);
}

TEST(webhook_outbox, gives_up_after_failing_for_long_also_over_a_restart) {
  outbox o(at(0));
  o.take(items(1, 1), event_seq{1}, 0, noon);
  ASSERT_TRUE(o.start(noon + batch_age_max));
  EXPECT_FALSE(answer(o, verdict::failed));
  outbox again(o.kept());
  again.take(items(1, 1), event_seq{1}, 0, noon);
  ASSERT_TRUE(again.start(noon + batch_age_max));
  EXPECT_FALSE(answer(again, verdict::failed, noon, today + 59min));
  ASSERT_TRUE(again.start(noon + 6s));
  EXPECT_TRUE(answer(again, verdict::failed, noon, today + 60min));
  again.resume();
  EXPECT_EQ(again.kept().failing_since, wall_time{});
  EXPECT_THAT(numbers(again.start(noon)), ElementsAre(1));
}

TEST(webhook_outbox, gives_up_at_once_what_is_gone) {
  outbox o(at(0));
  o.take(items(1, 1), event_seq{1}, 0, noon);
  ASSERT_TRUE(o.start(noon + 1h));
  EXPECT_TRUE(answer(o, verdict::gone));
  EXPECT_EQ(o.kept().cursor, event_seq{0});
}

TEST(webhook_outbox, tells_of_what_is_lost_also_without_events) {
  outbox o(at(0));
  o.take({}, event_seq{10}, 7, noon);
  EXPECT_EQ(o.kept().cursor, event_seq{0});
  const auto b = o.start(noon + batch_age_max);
  ASSERT_TRUE(b);
  EXPECT_EQ(b->lost, 7u);
  EXPECT_TRUE(b->items.empty());
  answer(o, verdict::acknowledged);
  EXPECT_EQ(o.kept().cursor, event_seq{10});
  EXPECT_EQ(o.next_start(), steady_time::max());
}

TEST(webhook_outbox, bounds_a_batch_by_bytes_but_sends_one_that_is_larger_alone) {
  outbox o(at(0));
  o.take(items(1, 3, batch_bytes_max / 2), event_seq{3}, 0, noon);
  EXPECT_THAT(numbers(o.start(noon)), ElementsAre(1, 2));
  outbox large(at(0));
  large.take(items(1, 2, batch_bytes_max + 1), event_seq{2}, 0, noon);
  EXPECT_THAT(numbers(large.start(noon)), ElementsAre(1));
}

TEST(webhook_outbox, forgets_the_answer_to_what_was_sent_before_a_restart) {
  outbox o(at(0));
  o.take(items(1, 1), event_seq{1}, 0, noon);
  const auto b = o.start(noon + 1h);
  o.restart(at(0));
  EXPECT_FALSE(o.is_under_way(b));
  EXPECT_EQ(o.scanned(), event_seq{0});
}

TEST(webhook_outbox, spreads_its_delays) {
  EXPECT_EQ(delay_after(schedule, 1, 0.0), 4s);
  EXPECT_EQ(delay_after(schedule, 1, 0.5), 5s);
  EXPECT_EQ(delay_after(schedule, 9, 0.5), 30s);
  EXPECT_LE(delay_after(schedule, 2, 0.999), 36s);
}

}  // namespace
}  // namespace gonets::webhooks
