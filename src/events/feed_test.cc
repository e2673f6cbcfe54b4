#include "events/feed.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <filesystem>

#include "events/detail/keys.h"

namespace gonets::events {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

// Runs what it is given when it is told to.
class stepped_pool final : public runtime::background {
 public:
  bool run(runtime::task work) override {
    if (full) return false;
    waiting.push_back(std::move(work));
    return true;
  }
  void go() {
    for (auto& work : std::exchange(waiting, {}))
      work();
  }
  std::vector<runtime::task> waiting;
  bool full = false;
};

class feed_test : public testing::Test {
 protected:
  feed_test() {
    std::string folder = std::filesystem::temp_directory_path() / "gonets-feed-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    store_ = std::move(*storage::store::open({.path = folder_}));
    feed_.emplace(*store_, end_, pool_);
  }
  ~feed_test() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void put(std::uint64_t from, std::uint64_t to, kind k = kind::delivered) {
    storage::batch b;
    for (auto seq = from; seq <= to; ++seq) {
      event e;
      e.kind = k;
      e.message = message_id{seq};
      e.account = account_id{static_cast<std::uint32_t>(seq % 2)};
      std::string record;
      encode(e, record);
      b.put(storage::family::events, detail::key_of(seq), record);
    }
    ASSERT_TRUE(store_->write(b, storage::durability::buffered));
    end_.advance(event_seq{to});
  }
  void forget(std::uint64_t from, std::uint64_t to) {
    storage::batch b;
    b.remove_range(storage::family::events, detail::key_of(from), detail::key_of(to + 1));
    ASSERT_TRUE(store_->write(b, storage::durability::buffered));
  }
  // Pages come in the order of the answers.
  void read(page_request wanted) {
    ASSERT_TRUE(feed_->read(std::move(wanted), now_, [this](storage::result<page> p) {
      ASSERT_TRUE(p);
      pages_.push_back(std::move(*p));
    }));
    pool_.go();
  }
  void tick() {
    feed_->tick(now_);
    pool_.go();
  }
  std::vector<std::uint64_t> numbers(std::size_t page) const {
    std::vector<std::uint64_t> all;
    for (const auto& e : pages_.at(page).events)
      all.push_back(e.seq.value);
    return all;
  }

  std::string folder_;
  std::unique_ptr<storage::store> store_;
  log_end end_;
  stepped_pool pool_;
  std::optional<feed> feed_;
  steady_time now_{1h};
  std::vector<page> pages_;
};

TEST_F(feed_test, answers_at_once_with_what_there_is) {
  put(1, 5);
  read({.after = event_seq{1}, .max = 3, .until = now_ + 1min});
  ASSERT_EQ(pages_.size(), 1u);
  EXPECT_THAT(numbers(0), ElementsAre(2, 3, 4));
  EXPECT_EQ(pages_[0].next, event_seq{4});
}

TEST_F(feed_test, answers_with_nothing_at_once_when_it_may_not_wait) {
  put(1, 2);
  read({.after = event_seq{2}});
  ASSERT_EQ(pages_.size(), 1u);
  EXPECT_TRUE(pages_[0].empty());
  EXPECT_EQ(pages_[0].next, event_seq{2});
}

TEST_F(feed_test, wakes_those_that_wait_and_gives_each_what_it_wants) {
  put(1, 2);
  read({.after = event_seq{2}, .until = now_ + 1min});
  read({.after = event_seq{1}, .which = {.kinds = {kind::bounced}}, .until = now_ + 1min});
  tick();
  ASSERT_TRUE(pages_.empty());
  put(3, 4);
  tick();
  ASSERT_EQ(pages_.size(), 1u) << "the other wants none of it";
  EXPECT_THAT(numbers(0), ElementsAre(3, 4));
  put(5, 5, kind::bounced);
  tick();
  ASSERT_EQ(pages_.size(), 2u);
  EXPECT_THAT(numbers(1), ElementsAre(5));
}

TEST_F(feed_test, gives_who_waits_no_more_than_it_asked_for) {
  read({.max = 2, .until = now_ + 1min});
  put(1, 5);
  tick();
  ASSERT_EQ(pages_.size(), 1u);
  EXPECT_THAT(numbers(0), ElementsAre(1, 2));
  EXPECT_EQ(pages_[0].next, event_seq{2});
}

TEST_F(feed_test, ends_a_wait_in_its_time_with_a_cursor_behind_what_was_passed_over) {
  read({.which = {.kinds = {kind::bounced}}, .until = now_ + 1s});
  put(1, 3);
  tick();
  EXPECT_TRUE(pages_.empty());
  now_ += 1s;
  tick();
  ASSERT_EQ(pages_.size(), 1u);
  EXPECT_TRUE(pages_[0].empty());
  EXPECT_EQ(pages_[0].next, event_seq{3});
}

TEST_F(feed_test, does_not_miss_what_comes_while_it_begins_to_wait) {
  put(1, 1);
  ASSERT_TRUE(feed_->read({.after = event_seq{1}, .until = now_ + 1min}, now_,
                          [this](storage::result<page> p) { pages_.push_back(std::move(*p)); }));
  feed_->tick(now_);
  put(2, 2);
  pool_.go();
  tick();
  ASSERT_EQ(pages_.size(), 1u);
  EXPECT_THAT(numbers(0), ElementsAre(2));
}

TEST_F(feed_test, shows_an_account_its_own_events) {
  put(1, 6);
  read({.which = {.account = account_id{1}}});
  EXPECT_THAT(numbers(0), ElementsAre(1, 3, 5));
  EXPECT_EQ(pages_[0].next, event_seq{6});
}

TEST_F(feed_test, counts_what_the_retention_took_once) {
  put(1, 10);
  forget(1, 4);
  read({.after = event_seq{2}, .max = 2});
  EXPECT_THAT(numbers(0), ElementsAre(5, 6));
  EXPECT_EQ(pages_[0].lost, 2u);
  read({.after = pages_[0].next, .max = 2});
  EXPECT_EQ(pages_[1].lost, 0u);
}

TEST_F(feed_test, tells_a_reader_of_another_log_and_begins_with_the_oldest) {
  put(1, 2);
  read({.after = event_seq{100}, .until = now_ + 1min});
  ASSERT_EQ(pages_.size(), 1u);
  EXPECT_TRUE(pages_[0].log_replaced);
  EXPECT_THAT(numbers(0), ElementsAre(1, 2));
}

TEST_F(feed_test, looks_through_a_bounded_part_of_the_log_for_one_answer) {
  put(1, 30'000);
  read({.which = {.kinds = {kind::bounced}}, .until = now_ + 1min});
  ASSERT_EQ(pages_.size(), 1u);
  EXPECT_THAT(pages_[0].events, IsEmpty());
  EXPECT_EQ(pages_[0].next, event_seq{20'000});
}

TEST_F(feed_test, keeps_those_that_wait_when_the_pool_has_no_room) {
  read({.until = now_ + 1min});
  put(1, 1);
  pool_.full = true;
  tick();
  EXPECT_TRUE(pages_.empty());
  EXPECT_FALSE(feed_->read({}, now_, [](const storage::result<page>&) { FAIL(); }));
  pool_.full = false;
  tick();
  EXPECT_EQ(pages_.size(), 1u);
}

}  // namespace
}  // namespace gonets::events
