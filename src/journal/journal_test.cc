#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <filesystem>

#include "journal/days.h"
#include "journal/recorder.h"
#include "journal/search.h"

namespace gonets::journal {
namespace {

using namespace std::chrono_literals;
constexpr wall_time first_day{std::chrono::sys_days(std::chrono::year(2026) / 11 / 26) + 23h};

class journal : public testing::Test {
 protected:
  journal() {
    char name[] = "/tmp/gonets-journal-test-XXXXXX";
    folder_ = std::string(::mkdtemp(name)) + "/journal";
    EXPECT_TRUE(recorder_.emplace(folder_).cursor());
  }
  ~journal() override { std::filesystem::remove_all(std::filesystem::path(folder_).parent_path()); }

  events::event next(events::kind what, message_id of) {
    events::event e;
    e.seq.value = ++seq_;
    e.kind = what;
    e.message = of;
    e.at = first_day + std::chrono::seconds(seq_);
    return e;
  }
  events::event accepted(message_id id, const std::string& recipient) {
    auto e = next(events::kind::accepted, id);
    e.sender = "From@x.test";
    e.recipients = {{recipient_index{0}, recipient}};
    return e;
  }
  events::event ended(events::kind what, message_id id, bounce::category why) {
    auto e = next(what, id);
    e.recipients = {{recipient_index{0}, ""}};
    e.category = why;
    e.answer = {550, {5, 1, 1}, "no such \xff user"};
    e.attempts = 2;
    return e;
  }
  void apply(const std::vector<events::event>& batch, std::uint64_t missed = 0) {
    const auto done = recorder_->apply(batch, batch.back().seq, missed);
    ASSERT_TRUE(done) << done.error().detail;
  }
  page found(const query& wanted) {
    auto got = search(folder_, wanted);
    EXPECT_TRUE(got) << (got ? "" : got.error().detail);
    return got ? std::move(*got) : page{};
  }

  std::string folder_;
  std::optional<recorder> recorder_;
  std::uint64_t seq_ = 0;
  const message_id old_ = message_id{first_id_at(first_day.time_since_epoch().count()).value + 1};
  const message_id new_ = message_id{first_id_at((first_day + 24h).time_since_epoch().count()).value + 1};
};

TEST_F(journal, shows_the_latest_state_of_a_recipient_and_finds_it_by_that) {
  apply({accepted(old_, "A@x.test"), ended(events::kind::bounced, old_, bounce::category::user_unknown)});
  const auto rows = found({.recipient = "a@X.test", .sender = "FROM@x.test", .category = "user_unknown"}).rows;
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].recipient, "A@x.test");
  EXPECT_EQ(rows[0].status, "bounced");
  EXPECT_EQ(rows[0].reply, "550 5.1.1 no such ? user");
  EXPECT_EQ(rows[0].attempts, 2u);
  EXPECT_TRUE(found({.status = "delivered"}).rows.empty());
  EXPECT_TRUE(found({.account = account_id{7}}).rows.empty());
}

TEST_F(journal, pages_go_from_the_newest_day_to_the_oldest) {
  apply({accepted(old_, "a@x.test"), accepted(new_, "b@x.test")});
  const auto first = found({.max = 1});
  ASSERT_EQ(first.rows.size(), 1u);
  EXPECT_EQ(first.rows[0].recipient, "b@x.test");
  ASSERT_TRUE(first.next);
  const auto second = found({.before = first.next, .max = 1});
  ASSERT_EQ(second.rows.size(), 1u);
  EXPECT_EQ(second.rows[0].recipient, "a@x.test");
  EXPECT_FALSE(second.next);
}

TEST_F(journal, a_batch_that_is_applied_again_changes_nothing) {
  const std::vector batch{accepted(old_, "a@x.test"), accepted(new_, "b@x.test"),
                          ended(events::kind::bounced, old_, bounce::category::user_unknown)};
  apply(batch);
  apply({batch.front()});  // as after a crash between the files and the cursor
  const auto rows = found({}).rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].status, "bounced");
}

TEST_F(journal, goes_on_from_its_cursor) {
  apply({accepted(old_, "a@x.test"), accepted(new_, "b@x.test")});
  recorder again(folder_);
  const auto at = again.cursor();
  ASSERT_TRUE(at);
  EXPECT_EQ(at->value, 2u);
}

TEST_F(journal, a_log_that_was_set_back_changes_nothing_that_is_known_and_goes_on) {
  const auto first = accepted(old_, "a@x.test");
  const auto deferred = ended(events::kind::deferred, old_, bounce::category::mailbox_full);
  const auto bounced = ended(events::kind::bounced, old_, bounce::category::user_unknown);
  const auto taken_back = accepted(new_, "b@x.test");
  apply({first, deferred, bounced, taken_back});
  seq_ = 3;  // a backup was restored: the log now ends behind `bounced`
  ASSERT_TRUE(recorder_->start_over(event_seq{3}));
  apply({first, deferred});
  EXPECT_EQ(found({.recipient = "a@x.test"}).rows.at(0).status, "bounced");
  apply({bounced});
  auto complained = ended(events::kind::complained, old_, bounce::category::user_unknown);
  ASSERT_EQ(complained.seq.value, 4u);  // a number that the file has seen, of another event
  complained.at = bounced.at - 1h;      // and a clock that was set back hides nothing
  apply({complained});
  EXPECT_EQ(found({.recipient = "a@x.test"}).rows.at(0).status, "complained");
  EXPECT_EQ(found({}).rows.size(), 2u);
}

TEST_F(journal, another_log_is_read_from_its_first_event) {
  apply({accepted(old_, "a@x.test"), ended(events::kind::bounced, old_, bounce::category::user_unknown)});
  seq_ = 0;
  const message_id other{old_.value + 1};
  const std::vector of_new_log{accepted(other, "b@x.test")};
  ASSERT_TRUE(recorder_->start_over(event_seq{1}));
  recorder_.emplace(folder_);  // as after a crash: that it began anew is not forgotten
  ASSERT_EQ(recorder_->cursor().value_or(event_seq{9}), event_seq{0});
  apply(of_new_log);
  EXPECT_EQ(found({}).rows.size(), 2u);
}

TEST_F(journal, the_retention_deletes_the_files_of_old_days_and_nothing_makes_them_anew) {
  apply({accepted(old_, "a@x.test"), accepted(new_, "b@x.test")});
  EXPECT_EQ(recorder_->remove_before(day_of(new_)), 1u);
  apply({ended(events::kind::bounced, old_, bounce::category::user_unknown)});
  EXPECT_EQ(files_in(folder_), std::vector{file_of(day_of(new_))});
  EXPECT_EQ(found({}).rows.size(), 1u);
}

}  // namespace
}  // namespace gonets::journal
