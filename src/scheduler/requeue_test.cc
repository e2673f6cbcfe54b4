// A scheduler on a real spool, with a directory and a transport of the test's own.
#include <condition_variable>
#include <mutex>

#include "runtime/shards_test_support.h"
#include "scheduler/scheduler.h"
#include "spool/spool_test_support.h"

namespace gonets::scheduler {
namespace {

// Knows one place for all mail.
class one_place final : public spool::directory {
 public:
  spool::destination_ptr known(std::string_view) override { return there_; }
  void find(std::string_view, handler) override { FAIL() << "everything is known"; }

 private:
  spool::destination_ptr there_ = std::make_shared<spool::destination>("mx:mx.sink.test");
};

// While it is open, takes every lease that there is.
class greedy final : public spool::transport {
 public:
  bool resume(spool::site_id site) override {
    std::unique_lock lock(mutex_);
    while (open_) {
      lock.unlock();
      auto l = work->take(site, 100);
      lock.lock();
      if (!l) break;
      taken_.push_back(std::move(*l));
    }
    changed_.notify_all();
    return true;
  }
  void open(spool::site_id site, spool::destination_ptr) override { resume(site); }

  void open_gate() {
    const std::lock_guard lock(mutex_);
    open_ = true;
  }
  std::vector<spool::lease> wait_for(std::size_t leases) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return taken_.size() >= leases; });
    return taken_;
  }
  spool::work_source* work = nullptr;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  std::vector<spool::lease> taken_;
};

class scheduler_test : public spool::spool_fixture {
 protected:
  void SetUp() override {
    open();
    options with;
    with.hostname = "mx.gonets.test";
    with.streams.push_back({"transactional", 1, shaping::default_retry_policy()});
    scheduler_ = std::make_unique<scheduler>(with, environment{*store_, *shards_, *blocking_, clock_, *ids_, directory_,
                                                               transport_, counts_, limits_, warm_ups_});
    scheduler_->join({scheduler_.get()});
    transport_.work = scheduler_.get();
  }
  void TearDown() override {
    blocking_.reset();
    close();
  }
  template <class Work>
  void on_shard(Work work) {
    runtime::run_on(*shards_, 0, std::move(work));
  }
  spool::message_ptr admit() {
    const auto m = spool::make_message(next_id());
    EXPECT_EQ(accept(m), spool::commit_status::ok);
    on_shard([&] { scheduler_->admit(m); });
    return m;
  }
  void act(const spool::message_ptr& m, action what) {
    selector which;
    which.id = m->id;
    on_shard([&] { EXPECT_EQ(scheduler_->act(which, what, "test"), 1u); });
  }

  std::unique_ptr<runtime::blocking_pool> blocking_ = std::make_unique<runtime::blocking_pool>(1, 100);
  one_place directory_;
  shaping::limit_book limits_{[](account_id) { return std::string(); }};
  shaping::warm_up_book warm_ups_{limits_};
  greedy transport_;
  std::unique_ptr<scheduler> scheduler_;
};

// Its place was among the messages in memory, and its body was not there any more.
TEST_F(scheduler_test, leases_a_recipient_with_its_message_after_hold_and_release_in_the_queue) {
  const auto first = admit();
  const auto second = admit();
  act(second, action::hold);
  act(second, action::release);
  transport_.open_gate();
  on_shard([this] { scheduler_->tick(); });
  const auto leases = transport_.wait_for(2);
  ASSERT_EQ(leases.size(), 2u);
  ASSERT_TRUE(leases[0].message);
  EXPECT_EQ(leases[0].message->id, first->id);
  ASSERT_TRUE(leases[1].message);
  EXPECT_EQ(leases[1].message->id, second->id);
  EXPECT_EQ(leases[1].message->body, second->head + second->body);
}

TEST_F(scheduler_test, does_not_lease_what_was_held_in_the_queue) {
  const auto first = admit();
  const auto second = admit();
  const auto third = admit();
  act(second, action::hold);
  transport_.open_gate();
  on_shard([this] { scheduler_->tick(); });
  const auto leases = transport_.wait_for(2);
  ASSERT_EQ(leases.size(), 2u);
  EXPECT_EQ(leases[0].message->id, first->id);
  EXPECT_EQ(leases[1].message->id, third->id);
  on_shard([this] { EXPECT_EQ(scheduler_->count().held, 1u); });
}

}  // namespace
}  // namespace gonets::scheduler
