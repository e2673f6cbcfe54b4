#include "spool/spool.h"

#include "events/log_reader.h"
#include "spool/spool_test_support.h"

namespace gonets::spool {
namespace {

TEST_F(spool_fixture, keeps_an_accepted_message_over_a_restart) {
  open();
  const auto m = make_message(next_id(), 2);
  ASSERT_EQ(accept(m), commit_status::ok);
  close();
  open();
  const auto found = load();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].first->id, m->id);
  EXPECT_EQ(found[0].first->envelope, m->envelope);
  EXPECT_EQ(found[0].second.size(), 2u);
  EXPECT_EQ(store_->fetch(m->id, true)->body, m->head + m->body);
}

TEST_F(spool_fixture, erases_a_message_with_its_last_recipient) {
  open();
  const auto m = make_message(next_id(), 2);
  ASSERT_EQ(accept(m), commit_status::ok);
  settle(make_end(*m, 1));
  ASSERT_TRUE(store_->fetch_chunk(m->id, 0));
  close();
  open();
  const auto found = load();
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(found[0].second.size(), 1u);
  EXPECT_EQ(found[0].second[0].index.value, 0);
  settle(make_end(*m, 0));
  EXPECT_EQ(store_->fetch(m->id, false), nullptr);
  EXPECT_FALSE(store_->fetch_chunk(m->id, 0));
  EXPECT_TRUE(store_->fetch_records(m->id).empty());
  EXPECT_TRUE(load().empty());
}

TEST_F(spool_fixture, keeps_when_a_deferred_recipient_is_due) {
  open();
  const auto m = make_message(next_id());
  ASSERT_EQ(accept(m), commit_status::ok);
  change c;
  c.id = m->id;
  recipient_record r;
  r.attempts = 3;
  r.due = m->accepted() + std::chrono::minutes(7);
  r.last_stage = stage::rcpt;
  r.last_answer = {450, {4, 2, 0}, "later"};
  r.last_from_peer = true;
  c.recipients.push_back({recipient_index{0}, r});
  c.events.push_back(make_event(events::kind::deferred, *m, {0}));
  settle(std::move(c));
  close();
  open();
  const auto found = load();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].second.at(0).record, r);
}

TEST_F(spool_fixture, numbers_events_without_gaps_over_a_restart) {
  open();
  for (int i = 0; i < 3; ++i)
    ASSERT_EQ(accept(make_message(next_id())), commit_status::ok);
  close();
  open();
  ASSERT_EQ(accept(make_message(next_id())), commit_status::ok);
  const auto events = events::read_after(store_->store(), event_seq{1}, 100);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->size(), 3u);
  EXPECT_EQ(events->front().seq.value, 2u);
  EXPECT_EQ(events->back().seq.value, 4u);
  EXPECT_EQ(store_->last_event().value, 4u);
}

TEST_F(spool_fixture, gives_no_id_again_that_it_gave_before) {
  open();
  const auto first = make_message(next_id());
  ASSERT_EQ(accept(first), commit_status::ok);
  settle(make_end(*first, 0));
  close();
  open();
  EXPECT_GE(store_->highest_id(), first->id);
}

TEST_F(spool_fixture, accepts_the_report_of_a_bounce_in_the_same_batch) {
  open();
  const auto m = make_message(next_id());
  ASSERT_EQ(accept(m), commit_status::ok);
  auto c = make_end(*m, 0, events::kind::bounced);
  auto report = make_message(next_id());
  report->is_report = true;
  c.report_events.push_back(make_event(events::kind::accepted, *report, {0}));
  c.reports.push_back(report);
  settle(std::move(c));
  const auto found = load();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].first->id, report->id);
  EXPECT_TRUE(found[0].first->is_report);
  const auto result = audit_now();
  EXPECT_EQ(result.accepted, 2u);
  EXPECT_EQ(result.bounced, 1u);
  EXPECT_EQ(result.queued, 1u);
  EXPECT_EQ(result.findings_in_all, 0u);
}

TEST_F(spool_fixture, reads_a_message_of_many_chunks_back_part_by_part) {
  open();
  const auto m = make_message(next_id());
  for (std::uint32_t n = 1; n < 3; ++n) {
    std::promise<commit_status> done;
    store_->append_chunk(m->id, n, std::string(10, static_cast<char>('a' + n)), 0,
                         [&done](commit_status s) { done.set_value(s); });
    ASSERT_EQ(done.get_future().get(), commit_status::ok);
  }
  m->chunks = 3;
  m->in_memory = false;
  m->head.clear();
  m->body.clear();
  ASSERT_EQ(accept_later(m, 2, "the head").get(), commit_status::ok);
  close();
  open();
  const auto found = store_->fetch(m->id, true);
  ASSERT_TRUE(found);
  EXPECT_FALSE(found->in_memory);
  EXPECT_EQ(*store_->fetch_chunk(m->id, 0), "the head");
  EXPECT_EQ(*store_->fetch_chunk(m->id, 1), "bbbbbbbbbb");
  auto c = make_end(*m, 0);
  c.chunks = 3;
  settle(std::move(c));
  for (std::uint32_t n = 0; n < 3; ++n)
    EXPECT_FALSE(store_->fetch_chunk(m->id, n));
}

TEST_F(spool_fixture, forgets_the_chunks_of_a_message_that_was_never_completed) {
  open();
  const auto id = next_id();
  std::promise<commit_status> done;
  store_->append_chunk(id, 1, "half of it", 0, [&done](commit_status s) { done.set_value(s); });
  ASSERT_EQ(done.get_future().get(), commit_status::ok);
  close();
  open();
  EXPECT_FALSE(store_->fetch_chunk(id, 1));
}

TEST_F(spool_fixture, balances_whatever_mixture_of_ends_there_is) {
  open();
  const auto m = make_message(next_id(), 5);
  ASSERT_EQ(accept(m), commit_status::ok);
  settle(make_end(*m, 0, events::kind::delivered));
  settle(make_end(*m, 1, events::kind::bounced));
  settle(make_end(*m, 2, events::kind::expired));
  settle(make_end(*m, 3, events::kind::cancelled));
  const auto result = audit_now();
  EXPECT_EQ(result.accepted, 5u);
  EXPECT_EQ(result.delivered + result.bounced + result.expired + result.cancelled, 4u);
  EXPECT_EQ(result.queued, 1u);
  EXPECT_EQ(result.findings_in_all, 0u);
}

TEST_F(spool_fixture, forgets_what_happened_before_the_retention_but_not_who_is_queued) {
  open();
  const auto held = make_message(next_id());
  ASSERT_EQ(accept(held), commit_status::ok);
  std::this_thread::sleep_until(clock_.wall() + std::chrono::milliseconds(2));
  store_->reconfigure(0, std::chrono::milliseconds(0));
  const auto fresh = make_message(next_id());
  store_->trim();
  ASSERT_EQ(accept(fresh), commit_status::ok);
  EXPECT_TRUE(events::read_history(store_->store(), held->id)->empty());
  const auto result = audit_now();
  EXPECT_EQ(result.accepted, 2u);
  EXPECT_EQ(result.queued, 2u);
  EXPECT_EQ(result.findings_in_all, 0u);
}

TEST_F(spool_fixture, finds_a_recipient_that_vanished) {
  open();
  const auto m = make_message(next_id());
  ASSERT_EQ(accept(m), commit_status::ok);
  storage::batch theft;
  theft.remove(storage::family::messages, message_key(m->id));
  ASSERT_TRUE(store_->store().write(theft, storage::durability::synced));
  const auto result = audit_now();
  ASSERT_EQ(result.findings_in_all, 1u);
  EXPECT_EQ(result.findings[0].id, m->id);
  EXPECT_EQ(result.findings[0].detail, "1 recipients accepted, but 0 ended and 0 queued");
}

TEST_F(spool_fixture, finds_a_recipient_that_ended_twice) {
  open();
  const auto m = make_message(next_id(), 2);
  ASSERT_EQ(accept(m), commit_status::ok);
  settle(make_end(*m, 0));
  settle(make_end(*m, 0));
  EXPECT_GE(audit_now().findings_in_all, 1u);
}

TEST_F(spool_fixture, says_that_events_are_safe_only_once_they_are_synced) {
  open();
  const auto m = make_message(next_id());
  EXPECT_EQ(store_->safe_events().now(), event_seq{0});
  ASSERT_EQ(accept(m), commit_status::ok);
  EXPECT_EQ(store_->safe_events().now(), event_seq{1});
  std::promise<void> synced;
  std::atomic<bool> told = false;
  const auto id = store_->safe_events().subscribe([&] {
    if (!told.exchange(true)) synced.set_value();
  });
  settle(make_end(*m, 0));
  EXPECT_EQ(store_->last_event(), event_seq{2});
  synced.get_future().wait();  // nothing else asks for a sync: it comes by itself
  EXPECT_EQ(store_->safe_events().now(), event_seq{2});
  store_->safe_events().unsubscribe(id);
}

}  // namespace
}  // namespace gonets::spool
