// What happens to promises when the disk fails or the power goes.
#include <random>
#include <set>

#include "spool/spool_test_support.h"
#include "storage/faulty_file_system.h"

namespace gonets::spool {
namespace {

class spool_faults : public spool_fixture {
 protected:
  void wait_until_healthy() {
    while (store_->admission() != commit_status::ok)
      std::this_thread::yield();
  }
  std::set<message_id> loaded_ids() {
    std::set<message_id> ids;
    for (const auto& [m, r] : load())
      ids.insert(m->id);
    return ids;
  }
  std::shared_ptr<storage::faulty_file_system> disk_ = std::make_shared<storage::faulty_file_system>();
};

TEST_F(spool_faults, refuses_for_now_while_syncs_fail_and_recovers_by_itself) {
  open(disk_);
  const auto before = make_message(next_id());
  ASSERT_EQ(accept(before), commit_status::ok);
  disk_->syncs_fail = true;
  const auto refused = make_message(next_id());
  EXPECT_EQ(accept(refused), commit_status::failed);
  EXPECT_EQ(store_->admission(), commit_status::failed);
  disk_->syncs_fail = false;
  wait_until_healthy();
  const auto after = make_message(next_id());
  EXPECT_EQ(accept(after), commit_status::ok);
  EXPECT_EQ(loaded_ids(), (std::set{before->id, after->id}));
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(spool_faults, says_that_the_disk_is_full) {
  open(disk_);
  disk_->disk_full = true;
  EXPECT_EQ(accept(make_message(next_id())), commit_status::no_space);
  disk_->disk_full = false;
  wait_until_healthy();
  EXPECT_EQ(accept(make_message(next_id())), commit_status::ok);
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

TEST_F(spool_faults, writes_the_ends_of_recipients_that_the_disk_did_not_take_at_first) {
  open(disk_);
  const auto m = make_message(next_id(), 2);
  ASSERT_EQ(accept(m), commit_status::ok);
  disk_->disk_full = true;
  std::promise<commit_status> done;
  auto c = make_end(*m, 0);
  c.done = [&done](commit_status s) { done.set_value(s); };
  store_->settle(std::move(c));
  EXPECT_EQ(accept(make_message(next_id())), commit_status::no_space);
  EXPECT_EQ(store_->unwritten(), 1u);
  disk_->disk_full = false;
  EXPECT_EQ(done.get_future().get(), commit_status::ok);
  EXPECT_EQ(store_->unwritten(), 0u);
  wait_until_healthy();
  const auto result = audit_now();
  EXPECT_EQ(result.accepted, 2u);
  EXPECT_EQ(result.delivered, 1u);
  EXPECT_EQ(result.queued, 1u);
  EXPECT_EQ(result.findings_in_all, 0u);
}

// The batch was on the disk although its sync failed, and is written again: twice put and once removed, the report came
// back with the first compaction.
TEST_F(spool_faults, does_not_bring_a_report_back_that_was_written_twice) {
  open(disk_);
  const auto m = make_message(next_id());
  ASSERT_EQ(accept(m), commit_status::ok);
  const auto report = make_message(next_id());
  report->is_report = true;
  auto c = make_end(*m, 0, events::kind::bounced);
  c.reports.push_back(report);
  c.report_events.push_back(make_event(events::kind::accepted, *report, {0}));
  std::promise<void> done;
  c.done = [&done](commit_status) { done.set_value(); };
  disk_->syncs_fail = true;
  store_->settle(std::move(c));
  while (store_->admission() == commit_status::ok)
    std::this_thread::yield();
  disk_->syncs_fail = false;
  done.get_future().wait();
  ASSERT_TRUE(store_->fetch(report->id, true));
  settle(make_end(*report, 0));
  store_->store().compact();
  EXPECT_TRUE(loaded_ids().empty());
  EXPECT_EQ(audit_now().findings_in_all, 0u);
}

// Each look at it is ten milliseconds after the one before.
class hurried_clock final : public clock {
 public:
  wall_time wall() const override { return runtime::system_clock().wall(); }
  steady_time steady() const override { return steady_time(std::chrono::milliseconds(10) * ++looks_); }

 private:
  mutable std::atomic<int> looks_{0};
};

class spool_under_load : public spool_faults {
 protected:
  const clock& time() const override { return hurried_; }
  hurried_clock hurried_;
};

// While a deep queue drains, nothing is accepted and the committer is never idle.
TEST_F(spool_under_load, syncs_what_is_settled_though_nothing_else_asks_for_it) {
  open(disk_);
  const auto m = make_message(next_id(), 101);
  ASSERT_EQ(accept(m), commit_status::ok);
  const unsigned before = disk_->syncs;
  for (std::uint16_t i = 0; i < 100; ++i)
    settle(make_end(*m, i));
  EXPECT_GE(disk_->syncs, before + 10);
}

// The disk forgets what was not synced at a random moment under load, round after round on the same spool.
TEST_F(spool_faults, loses_nothing_acknowledged_to_a_power_cut) {
  std::mt19937 random(20261124);
  std::set<message_id> alive;  // acknowledged and not settled
  for (int round = 0; round < 20; ++round) {
    open(disk_);
    ASSERT_NO_FATAL_FAILURE();
    std::vector<std::pair<std::shared_ptr<queued_message>, std::future<commit_status>>> waiting;
    const auto messages = 20 + random() % 200;
    const auto cut_at = random() % messages;
    std::set<message_id> settled;
    for (std::size_t i = 0; i < messages; ++i) {
      if (i == cut_at) disk_->cut_power();
      auto m = make_message(next_id(), 1, std::string(random() % 20'000, 'x'));
      waiting.emplace_back(m, accept_later(m));
      const auto& [oldest, answer] = waiting[i / 2];
      if (i % 7 != 0 || answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) continue;
      if (settled.insert(oldest->id).second) store_->settle(make_end(*oldest, 0));
    }
    for (auto& [m, answer] : waiting) {
      if (answer.get() == commit_status::ok) alive.insert(m->id);
    }
    close();
    disk_->restore_power();
    open();
    const auto found = loaded_ids();
    for (const auto id : alive) {
      EXPECT_TRUE(found.contains(id) || settled.contains(id)) << to_text(id) << " was acknowledged, round " << round;
    }
    for (const auto id : settled) {
      if (!found.contains(id)) alive.erase(id);
    }
    const auto result = audit_now();
    for (const auto& f : result.findings)
      ADD_FAILURE() << "round " << round << ": " << to_text(f.id) << ' ' << f.detail;
    EXPECT_EQ(result.accepted, result.delivered + result.queued);
    close();
  }
}

}  // namespace
}  // namespace gonets::spool
