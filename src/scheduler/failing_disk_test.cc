// A scheduler whose outcomes the disk does not take.
#include "scheduler/detail/tuning.h"
#include "scheduler/scheduler_test_support.h"
#include "storage/faulty_file_system.h"

namespace gonets::scheduler {
namespace {

class scheduling_on_a_failing_disk : public scheduling {
 protected:
  void SetUp() override {
    open(disk_);
    begin({});
  }
  std::shared_ptr<storage::faulty_file_system> disk_ = std::make_shared<storage::faulty_file_system>();
};

TEST_F(scheduling_on_a_failing_disk, stops_sending_before_a_crash_would_repeat_too_much) {
  admit(message(detail::unwritten_max + 100));
  disk_->disk_full = true;
  std::size_t sent = 0;
  while (auto l = take(1)) {
    settle(std::move(*l), {smtp::disposition::delivered});
    ++sent;
  }
  EXPECT_EQ(sent, detail::unwritten_max);
  disk_->disk_full = false;
  while (store_->unwritten() > 0)
    std::this_thread::yield();
  EXPECT_TRUE(take(1));
}

}  // namespace
}  // namespace gonets::scheduler
