#include "sinks/broker_writer.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <filesystem>

#include "sinks/detail/state_file.h"

namespace gonets::sinks {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

struct set_clock final : clock {
  wall_time wall() const override { return {}; }
  steady_time steady() const override { return at; }
  steady_time at{1h};
};

// A broker that acknowledges when it is told to, or when somebody waits for it.
class fake_writer final : public broker_writer {
 public:
  using broker_writer::broker_writer;
  std::vector<std::uint64_t> sent;
  std::vector<std::string> ids;
  std::vector<std::uint64_t> to_acknowledge;
  set_clock* time = nullptr;
  bool underway = false, reachable = true, answers = true;

 protected:
  outcome<bool> connect() override {
    if (!reachable) return std::unexpected("unreachable");
    return underway;
  }
  outcome<void> send(const outgoing& event) override {
    sent.push_back(event.about.seq.value);
    ids.push_back(event.id);
    return {};
  }
  outcome<void> collect(std::chrono::milliseconds wait) override {
    time->at += wait;
    if (wait.count() != 0 && answers) to_acknowledge = sent;
    for (const auto seq : std::exchange(to_acknowledge, {}))
      acknowledged(event_seq{seq});
    return {};
  }
  std::string trouble() override { return "it is asleep"; }
};

class broker_writer_test : public testing::Test {
 protected:
  broker_writer_test() {
    std::string folder = fs::temp_directory_path() / "gonets-broker-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    start();
  }
  ~broker_writer_test() override { fs::remove_all(folder_); }

  // As after a kill -9.
  void start() {
    to_.emplace(path(), "mx.test", limits_, time_, stop_.get_token());
    to_->time = &time_;
  }
  std::string path() const { return folder_ + "/sinks/out.cursor"; }
  std::uint64_t open() {
    const auto cursor = to_->open();
    EXPECT_TRUE(cursor) << cursor.error();
    return cursor.value_or(event_seq{~0ULL}).value;
  }
  outcome<void> append(std::vector<std::uint64_t> seqs, std::uint64_t through) {
    line_batch batch;
    for (const auto seq : seqs) {
      batch.text += "{\"seq\":" + std::to_string(seq) + "}\n";
      batch.marks.push_back({.seq = event_seq{seq}, .at = wall_time(7ms), .end = batch.text.size()});
    }
    return to_->append(batch, event_seq{through}, {});
  }
  void acknowledge(std::vector<std::uint64_t> seqs) {
    to_->to_acknowledge = std::move(seqs);
    ASSERT_TRUE(to_->tend({}));
  }
  std::uint64_t on_disk() const { return detail::read_state(path())->cursor.value; }

  std::string folder_;
  broker_limits limits_{.outstanding_max = 4, .outstanding_bytes_max = 1000, .stall_max = 10s, .finish_max = 1s};
  set_clock time_;
  std::stop_source stop_;
  std::optional<fake_writer> to_;
};

TEST_F(broker_writer_test, moves_the_cursor_behind_what_is_acknowledged) {
  EXPECT_EQ(open(), 0u);
  ASSERT_TRUE(append({2, 4, 5}, 6));
  EXPECT_THAT(to_->ids, ElementsAre("mx.test-2-7", "mx.test-4-7", "mx.test-5-7"));
  EXPECT_EQ(to_->commit()->cursor, event_seq{1});
  acknowledge({2, 5});
  const auto done = to_->commit();
  EXPECT_EQ(done->cursor, event_seq{3});
  EXPECT_EQ(done->events, 1u);
  EXPECT_EQ(on_disk(), 3u);
  acknowledge({4});
  EXPECT_EQ(to_->commit()->cursor, event_seq{6});
  EXPECT_EQ(on_disk(), 6u);
}

TEST_F(broker_writer_test, begins_behind_its_cursor_after_a_kill) {
  open();
  ASSERT_TRUE(append({1, 2}, 2));
  acknowledge({1});
  ASSERT_TRUE(to_->commit());
  acknowledge({2});
  start();
  EXPECT_EQ(open(), 1u) << "the second was not committed";
}

TEST_F(broker_writer_test, sends_again_what_was_on_its_way_by_a_connection_that_is_gone) {
  open();
  ASSERT_TRUE(append({1, 2, 3}, 3));
  acknowledge({1, 3});
  EXPECT_EQ(open(), 1u);
  ASSERT_TRUE(append({2, 3}, 3));
  acknowledge({2, 3});
  EXPECT_EQ(to_->commit()->cursor, event_seq{3});
}

TEST_F(broker_writer_test, goes_on_behind_what_is_still_on_its_way) {
  open();
  ASSERT_TRUE(append({1, 2, 3}, 3));
  to_->underway = true;
  EXPECT_EQ(open(), 3u);
  acknowledge({1, 2, 3});
  EXPECT_EQ(to_->commit()->cursor, event_seq{3});
}

TEST_F(broker_writer_test, has_no_more_on_its_way_than_it_may) {
  open();
  to_->answers = true;
  ASSERT_TRUE(append({1, 2, 3, 4}, 4));
  EXPECT_EQ(to_->commit()->cursor, event_seq{0}) << "nobody waited yet";
  ASSERT_TRUE(append({5}, 5));
  EXPECT_EQ(to_->commit()->cursor, event_seq{4});
}

TEST_F(broker_writer_test, tells_that_a_broker_stays_silent) {
  open();
  to_->answers = false;
  const auto done = append({1, 2, 3, 4, 5}, 5);
  ASSERT_FALSE(done);
  EXPECT_THAT(done.error(), HasSubstr("no acknowledgment within 10 s for 4 events: it is asleep"));
}

TEST_F(broker_writer_test, does_not_call_a_broker_silent_that_has_nothing_to_answer) {
  open();
  time_.at += 1h;
  EXPECT_TRUE(to_->tend({}));
  ASSERT_TRUE(append({1}, 1));
  EXPECT_TRUE(to_->tend({}));
  time_.at += 11s;
  EXPECT_FALSE(to_->tend({}));
}

TEST_F(broker_writer_test, waits_for_no_room_once_it_is_to_stop) {
  open();
  to_->answers = false;
  stop_.request_stop();
  EXPECT_EQ(append({1, 2, 3, 4, 5}, 5).error(), "stopping");
}

TEST_F(broker_writer_test, finishes_with_what_is_acknowledged_in_time) {
  open();
  ASSERT_TRUE(append({1, 2}, 2));
  const auto done = to_->finish();
  EXPECT_EQ(done->cursor, event_seq{2});
  EXPECT_EQ(on_disk(), 2u);
  ASSERT_TRUE(append({3}, 3));
  to_->answers = false;
  EXPECT_EQ(to_->finish()->cursor, event_seq{2});
}

TEST_F(broker_writer_test, begins_anew_with_another_log) {
  open();
  ASSERT_TRUE(append({100}, 100));
  ASSERT_TRUE(to_->finish());
  EXPECT_EQ(on_disk(), 100u);
  start();
  EXPECT_EQ(open(), 100u);
  ASSERT_TRUE(append({1, 2}, 2));
  EXPECT_EQ(to_->finish()->cursor, event_seq{2});
  EXPECT_EQ(on_disk(), 2u);
}

TEST_F(broker_writer_test, keeps_its_cursor_while_the_broker_is_unreachable) {
  open();
  ASSERT_TRUE(append({1, 2}, 2));
  ASSERT_TRUE(to_->finish());
  to_->reachable = false;
  EXPECT_EQ(to_->open().error(), "unreachable");
  to_->reachable = true;
  EXPECT_EQ(open(), 2u);
}

}  // namespace
}  // namespace gonets::sinks
