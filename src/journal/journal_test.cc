#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <filesystem>

#include "journal/days.h"
#include "journal/recorder.h"
#include "journal/search.h"
#include "journal/statistics.h"

namespace gonets::journal {
namespace {

using namespace std::chrono_literals;
constexpr wall_time first_day{std::chrono::sys_days(std::chrono::year(2026) / 11 / 26) + 23h};

class journal : public testing::Test {
 protected:
  journal() : folder_(new_folder()), reader_(folder_) { EXPECT_TRUE(recorder_.emplace(folder_).cursor()); }
  static std::string new_folder() {
    char name[] = "/tmp/gonets-journal-test-XXXXXX";
    return std::string(::mkdtemp(name)) + "/journal";
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
    auto got = reader_.search(wanted);
    EXPECT_TRUE(got) << (got ? "" : got.error().detail);
    return got ? std::move(*got) : page{};
  }

  std::map<std::string, statistics_row> counted(statistics_by by, std::optional<account_id> of = {}) {
    auto got = reader_.count({.by = by, .account = of, .since = first_day - 24h, .until = first_day + 48h});
    EXPECT_TRUE(got) << (got ? "" : got.error().detail);
    std::map<std::string, statistics_row> by_name;
    if (got)
      for (auto& row : *got)
        by_name[row.name] = row;
    return by_name;
  }

  const std::string folder_;
  std::optional<recorder> recorder_;
  reader reader_;
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
  EXPECT_EQ(rows[0].reply, "550 5.1.1 no such \xEF\xBF\xBD user");
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
  const auto all = counted(statistics_by::stream);
  EXPECT_EQ(all.at("").counts, (std::map<std::string, std::uint64_t>{
                                   {"accepted", 2}, {"deferred", 1}, {"bounced", 1}, {"complained", 1}}));
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

TEST_F(journal, finds_a_domain_and_a_span_of_time) {
  apply({accepted(old_, "a@X.test"), accepted(new_, "b@x.test"), accepted(message_id{new_.value + 1}, "c@sub.x.test")});
  EXPECT_EQ(found({.recipient = "*@x.TEST"}).rows.size(), 2u);
  EXPECT_EQ(found({.recipient = "*@sub.x.test"}).rows.size(), 1u);
  EXPECT_EQ(found({.recipient = "*@test"}).rows.size(), 0u);
  EXPECT_EQ(found({.recipient = "*@x.test", .since = first_day + 1h}).rows.at(0).recipient, "b@x.test");
  EXPECT_EQ(found({.recipient = "*@x.test", .until = first_day + 1h}).rows.at(0).recipient, "a@X.test");
  EXPECT_EQ(found({.since = first_day, .until = first_day + 1h}).rows.size(), 1u);
  EXPECT_EQ(found({.since = wall_time{}, .until = first_day}).rows.size(), 0u);
  EXPECT_EQ(found({.message = new_, .since = first_day + 25h}).rows.size(), 0u);
}

TEST_F(journal, a_page_of_a_large_campaign_goes_on_within_a_message) {
  auto e = accepted(old_, "a@x.test");
  e.labels = "Autumn\nbeta";
  e.recipients.push_back({recipient_index{1}, "b@x.test"});
  apply({e});
  for (const auto& wanted : {query{.campaign = "Autumn", .max = 1}, query{.tag = "beta", .max = 1},
                             query{.sender = "from@x.test", .max = 1}, query{.recipient = "*@x.test", .max = 1}}) {
    auto page = found(wanted);
    ASSERT_EQ(page.rows.size(), 1u);
    EXPECT_EQ(page.rows[0].recipient, "b@x.test");
    ASSERT_TRUE(page.next);
    auto rest = wanted;
    rest.before = page.next;
    page = found(rest);
    ASSERT_EQ(page.rows.size(), 1u);
    EXPECT_EQ(page.rows[0].recipient, "a@x.test");
    EXPECT_FALSE(page.next);
  }
}

TEST_F(journal, counts_what_happened_in_the_hour_in_which_it_did) {
  auto sent = accepted(old_, "a@x.test");
  sent.account = account_id{7};
  sent.stream = "bulk";
  sent.labels = "Autumn";
  sent.recipients.push_back({recipient_index{1}, "b@x.test"});
  auto late = ended(events::kind::bounced, old_, bounce::category::user_unknown);
  late.account = account_id{7};
  late.stream = "bulk";
  late.provider = "google";
  late.at = first_day + 24h;
  apply({sent, accepted(new_, "c@x.test")});
  apply({late});
  using counts = std::map<std::string, std::uint64_t>;
  const auto streams = counted(statistics_by::stream);
  EXPECT_EQ(streams.at("bulk").counts, (counts{{"accepted", 2}, {"bounced", 1}}));
  EXPECT_EQ(streams.at("").counts, (counts{{"accepted", 1}}));
  EXPECT_EQ(counted(statistics_by::stream, account_id{7}).size(), 1u);
  EXPECT_EQ(counted(statistics_by::provider).at("google").counts, (counts{{"bounced", 1}}));
  EXPECT_EQ(counted(statistics_by::category).at("user_unknown").counts, (counts{{"bounced", 1}}));
  EXPECT_EQ(counted(statistics_by::campaign).at("Autumn").counts, (counts{{"accepted", 2}}));
  const auto hours = counted(statistics_by::hour);
  ASSERT_EQ(hours.size(), 2u);
  EXPECT_EQ(hours.at(std::to_string((first_day + 24h).time_since_epoch().count())).counts, (counts{{"bounced", 1}}));
  EXPECT_EQ(counted(statistics_by::day).size(), 2u);
}

TEST_F(journal, what_would_be_too_many_rows_is_counted_under_one_campaign) {
  storage::sql_database file({.url = "sqlite:" + folder_ + "/test.db", .schema = storage::journal_day_schema_steps()});
  for (int round = 0; round < 2; ++round) {
    tally counts(2);
    for (const auto* campaign : {"a", "b", "c", "d"}) {
      auto e = accepted(old_, "a@x.test");
      e.labels = campaign;
      counts.add(e);
    }
    ASSERT_TRUE(file.write([&](storage::sql_session& s) -> storage::sql_result<void> {
      counts.write(s);
      return {};
    }));
  }
  const auto rows = file.read([](storage::sql_session& s) -> storage::sql_result<std::vector<storage::sql_row>> {
    return s.rows("SELECT campaign, recipients FROM statistics ORDER BY campaign");
  });
  ASSERT_TRUE(rows);
  std::map<std::string, std::int64_t> all;
  for (const auto& row : *rows)
    all[row.text(0)] = row.integer(1);
  EXPECT_EQ(all, (std::map<std::string, std::int64_t>{{"(other)", 4}, {"a", 2}, {"b", 2}}));
}

TEST_F(journal, the_retention_deletes_the_files_of_old_days_and_nothing_makes_them_anew) {
  apply({accepted(old_, "a@x.test"), accepted(new_, "b@x.test")});
  EXPECT_EQ(recorder_->remove_before(day_of(new_)), 1u);
  apply({ended(events::kind::bounced, old_, bounce::category::user_unknown)});
  ASSERT_EQ(files_in(folder_).size(), 1u);
  EXPECT_EQ(files_in(folder_).front().name, file_of(day_of(new_)));
  EXPECT_EQ(found({}).rows.size(), 1u);
}

}  // namespace
}  // namespace gonets::journal
