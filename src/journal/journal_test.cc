#include <gtest/gtest.h>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <limits>

#include "base/text.h"
#include "journal/days.h"
#include "journal/recorder.h"
#include "journal/search.h"
#include "journal/statistics.h"
#include "journal/terms.h"
#include "journal/upkeep.h"
#include "message/address.h"
#include "storage/sql_test_support.h"

namespace gonets::journal {
namespace {

using namespace std::chrono_literals;
constexpr wall_time first_day{std::chrono::sys_days(std::chrono::year(2026) / 11 / 26) + 23h};

class journal : public testing::TestWithParam<storage::engine> {
 protected:
  journal()
      : place_{database_.folder() + "/journal", GetParam() == storage::engine::sqlite ? "" : database_.url(), 3},
        reader_(place_, wanted()) {
    open();
  }
  void open() {
    recorder_ = make_recorder(place_, wanted());
    const auto at = recorder_->cursor();
    EXPECT_TRUE(at) << at.error().detail;
  }
  bool files() const { return !place_.shared(); }
  privacy wanted() {
    return {.hash_after = [this] { return hash_after_; },
            .key_of = [](account_id id) { return "key of " + std::to_string(id.value); }};
  }
  // Until nothing is left to do.
  void keep_up(wall_time now, upkeep_limits limits = {}) {
    upkeep all(place_, wanted(), limits);
    for (int step = 0; step < 1000; ++step) {
      const auto done = all.step(now);
      ASSERT_TRUE(done) << done.error().detail;
      if (!*done) return;
    }
    FAIL() << "it never ends";
  }
  std::string bytes_on_disk() {
    std::string all;
    for (const auto& each : std::filesystem::directory_iterator(place_.folder)) {
      std::ifstream file(each.path(), std::ios::binary);
      all.append(std::istreambuf_iterator<char>(file), {});
    }
    return all;
  }
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
    std::map<std::string, statistics_row> by_name;
    for (auto& [names, row] : counted(std::vector{by}, of))
      by_name[names.front()] = row;
    return by_name;
  }
  std::map<std::vector<std::string>, statistics_row> counted(std::vector<statistics_by> by,
                                                             std::optional<account_id> of = {}) {
    auto got = reader_.count({.by = by, .account = of, .since = first_day - 24h, .until = first_day + 48h});
    EXPECT_TRUE(got && *got) << (got ? "" : got.error().detail);
    std::map<std::vector<std::string>, statistics_row> by_name;
    if (got && *got)
      for (auto& row : **got)
        by_name[row.names] = row;
    return by_name;
  }

  storage::temporary_database database_{GetParam()};
  const place place_;
  std::map<account_id, std::chrono::days> hash_after_;
  std::unique_ptr<recorder> recorder_;
  reader reader_;
  std::uint64_t seq_ = 0;
  const message_id old_ = message_id{first_id_at(first_day.time_since_epoch().count()).value + 1};
  const message_id new_ = message_id{first_id_at((first_day + 24h).time_since_epoch().count()).value + 1};
};

INSTANTIATE_TEST_SUITE_P(over, journal, storage::both_engines(), storage::engine_name);
class journal_in_files : public journal {};
INSTANTIATE_TEST_SUITE_P(over, journal_in_files, testing::Values(storage::engine::sqlite), storage::engine_name);
class journal_of_several_servers : public journal {};
INSTANTIATE_TEST_SUITE_P(over, journal_of_several_servers, testing::Values(storage::engine::postgresql),
                         storage::engine_name);

TEST_P(journal, shows_the_latest_state_of_a_recipient_and_finds_it_by_that) {
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

TEST_P(journal, pages_go_from_the_newest_day_to_the_oldest) {
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

TEST_P(journal, a_batch_that_is_applied_again_changes_nothing) {
  const std::vector batch{accepted(old_, "a@x.test"), accepted(new_, "b@x.test"),
                          ended(events::kind::bounced, old_, bounce::category::user_unknown)};
  apply(batch);
  apply({batch.front()});  // as after a crash between the files and the cursor
  const auto rows = found({}).rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1].status, "bounced");
}

TEST_P(journal, goes_on_from_its_cursor) {
  apply({accepted(old_, "a@x.test"), accepted(new_, "b@x.test")});
  ASSERT_TRUE(recorder_->settle().value_or(false));
  open();
  const auto at = recorder_->cursor();
  ASSERT_TRUE(at);
  EXPECT_EQ(at->value, 2u);
}

TEST_P(journal_in_files, what_it_did_not_settle_is_applied_again_without_effect) {
  const std::vector batch{accepted(old_, "a@x.test"), accepted(new_, "b@x.test")};
  apply({batch.front()}, 3);
  ASSERT_TRUE(recorder_->settle().value_or(false));
  apply({batch.back()}, 2);
  open();
  EXPECT_EQ(recorder_->cursor().value_or(event_seq{9}), event_seq{1});
  apply({batch.back()}, 2);
  ASSERT_TRUE(recorder_->settle().value_or(false));
  open();
  EXPECT_EQ(recorder_->cursor().value_or(event_seq{9}), event_seq{2});
  EXPECT_EQ(counted(statistics_by::stream).at("").counts, (std::map<std::string, std::uint64_t>{{"accepted", 2}}));
  storage::sql_database cursor({.url = "sqlite:" + place_.folder + "/cursor.db", .read_only = true});
  const auto missed = cursor.read([](storage::sql_session& s) -> storage::sql_result<std::int64_t> {
    return s.row("SELECT value FROM state WHERE name = 'missed'")->integer(0);
  });
  EXPECT_EQ(missed.value_or(0), 5);
}

// The disk is as it was when it was last synced: of that day's file, but not of the cursor's, which always is.
TEST_P(journal_in_files, what_the_loss_of_power_takes_is_behind_the_cursor) {
  namespace fs = std::filesystem;
  const std::vector batch{accepted(old_, "a@x.test"), accepted(message_id{old_.value + 1}, "b@x.test")};
  apply({batch.front()});
  ASSERT_TRUE(recorder_->settle().value_or(false));
  recorder_.reset();
  const auto file = place_.folder + "/" + file_of(day_of(old_));
  const auto synced = database_.folder() + "/synced";
  fs::copy_file(file, synced);
  open();
  apply({batch.back()});
  recorder_.reset();
  for (const auto* rest : {"-wal", "-shm"})
    fs::remove(file + rest);
  fs::copy_file(synced, file, fs::copy_options::overwrite_existing);
  open();
  ASSERT_EQ(recorder_->cursor().value_or(event_seq{9}), event_seq{1});
  apply({batch.back()});
  EXPECT_EQ(found({.recipient = "*@x.test"}).rows.size(), 2u);
  EXPECT_EQ(counted(statistics_by::stream).at("").counts, (std::map<std::string, std::uint64_t>{{"accepted", 2}}));
}

TEST_P(journal_in_files, an_hour_with_much_mail_is_divided_and_found_as_before) {
  recorder_ = std::make_unique<file_recorder>(place_.folder, wanted(), 2);
  ASSERT_TRUE(recorder_->cursor());
  const auto at = [&](std::uint64_t n) { return message_id{old_.value + 10 * n}; };
  for (std::uint64_t n = 0; n < 9; ++n)
    apply({accepted(at(n), n % 2 == 0 ? "even@x.test" : "odd@x.test")});
  apply({accepted(message_id{at(3).value + 1}, "even@x.test")});  // of another shard, late
  apply({ended(events::kind::bounced, at(8), bounce::category::user_unknown)});
  storage::sql_database file({.url = "sqlite:" + place_.folder + "/" + file_of(day_of(old_)), .read_only = true});
  const auto slots = file.read([](storage::sql_session& s) -> storage::sql_result<std::int64_t> {
    return s.row("SELECT COUNT(DISTINCT slot) FROM recipient_terms")->integer(0);
  });
  EXPECT_EQ(slots.value_or(0), 5);
  hash_after_[account_id{0}] = std::chrono::days(30);
  for (const auto now : {first_day + 1h, first_day + 25h, first_day + std::chrono::days(31)}) {
    keep_up(now);
    std::vector<message_id> order;
    query wanted{.recipient = "even@x.test", .max = 2};
    for (auto part = found(wanted); !part.rows.empty(); part = found(wanted)) {
      for (const auto& row : part.rows)
        order.push_back(row.message);
      if (!part.next) break;
      wanted.before = part.next;
    }
    EXPECT_EQ(order, (std::vector{at(8), at(6), at(4), message_id{at(3).value + 1}, at(2), at(0)}));
    EXPECT_EQ(found({.recipient = "*@x.test", .since = first_day, .until = first_day + 1h}).rows.size(), 10u);
  }
}

TEST(slots, are_those_of_hours_and_the_parts_of_divided_ones) {
  const auto at = [](std::chrono::milliseconds time) {
    return first_id_at(
        (wall_time(std::chrono::sys_days(std::chrono::year(2026) / 11 / 26)) + time).time_since_epoch().count());
  };
  const slots plain;
  EXPECT_EQ(plain.all().size(), 24u);
  EXPECT_EQ(plain.between(at(1h), at(3h)), (std::vector<unsigned>{3 * 1024, 2 * 1024, 1 * 1024}));
  const slots divided({at(2h + 10min), at(2h + 20min), at(5h + 1ms)});
  EXPECT_EQ(divided.all().size(), 27u);
  EXPECT_EQ(divided.of(at(2h)), 2 * 1024u);
  EXPECT_EQ(divided.of(message_id{at(2h + 10min).value - 1}), 2 * 1024u);
  EXPECT_EQ(divided.of(at(2h + 10min)), 2 * 1024u + 1);
  EXPECT_EQ(divided.of(at(2h + 59min)), 2 * 1024u + 2);
  EXPECT_EQ(divided.of(at(3h)), 3 * 1024u);
  EXPECT_EQ(divided.between(at(2h + 15min), at(5h)),
            (std::vector<unsigned>{5 * 1024, 4 * 1024, 3 * 1024, 2 * 1024 + 2, 2 * 1024 + 1}));
}

TEST_P(journal, a_log_that_was_set_back_changes_nothing_that_is_known_and_goes_on) {
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

TEST_P(journal, another_log_is_read_from_its_first_event) {
  apply({accepted(old_, "a@x.test"), ended(events::kind::bounced, old_, bounce::category::user_unknown)});
  seq_ = 0;
  const message_id other{old_.value + 1};
  const std::vector of_new_log{accepted(other, "b@x.test")};
  ASSERT_TRUE(recorder_->start_over(event_seq{1}));
  open();  // as after a crash: that it began anew is not forgotten
  ASSERT_EQ(recorder_->cursor().value_or(event_seq{9}), event_seq{0});
  apply(of_new_log);
  EXPECT_EQ(found({}).rows.size(), 2u);
}

TEST_P(journal, finds_a_domain_and_a_span_of_time) {
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

TEST_P(journal, a_page_of_a_large_campaign_goes_on_within_a_message) {
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

TEST_P(journal, counts_what_happened_in_the_hour_in_which_it_did) {
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
  apply({sent});
  apply({late, accepted(new_, "c@x.test")});
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

TEST_P(journal, what_would_be_too_many_rows_is_counted_under_one_campaign) {
  storage::sql_database file(
      {.url = "sqlite:" + database_.folder() + "/test.db", .schema = storage::journal_day_schema_steps()});
  for (int round = 0; round < 2; ++round) {
    tally counts({.of_hour = 2, .of_minute = 2});
    for (const auto* campaign : {"a", "b", "c", "d"}) {
      auto e = accepted(old_, "a@x.test");
      e.at = first_day;
      e.labels = campaign;
      counts.add(e);
    }
    ASSERT_TRUE(file.write([&](storage::sql_session& s) -> storage::sql_result<void> {
      counts.write(s, table_names(place{}));
      return {};
    }));
  }
  const auto rows = file.read([](storage::sql_session& s) -> storage::sql_result<std::vector<storage::sql_row>> {
    return s.rows("SELECT campaign, recipients FROM hours WHERE tag = '' ORDER BY campaign");
  });
  ASSERT_TRUE(rows);
  std::map<std::string, std::int64_t> all;
  for (const auto& row : *rows)
    all[row.text(0)] = row.integer(1);
  EXPECT_EQ(all, (std::map<std::string, std::int64_t>{{"(other)", 4}, {"a", 2}, {"b", 2}}));
}

TEST_P(journal, counts_by_several_things_at_once_and_a_message_under_each_of_its_tags) {
  auto both = accepted(old_, "a@x.test");
  both.labels = "Autumn\neu\nbeta";
  both.provider = "google";
  auto one = accepted(new_, "b@x.test");
  one.labels = "\neu";
  apply({both, one, accepted(message_id{new_.value + 1}, "c@x.test")});
  using counts = std::map<std::string, std::uint64_t>;
  const auto tags = counted(statistics_by::tag);
  ASSERT_EQ(tags.size(), 2u);
  EXPECT_EQ(tags.at("eu").counts, (counts{{"accepted", 2}}));
  EXPECT_EQ(tags.at("beta").counts, (counts{{"accepted", 1}}));
  EXPECT_EQ(counted(statistics_by::stream).at("").counts, (counts{{"accepted", 3}}));
  const auto pairs = counted(std::vector{statistics_by::tag, statistics_by::campaign});
  ASSERT_EQ(pairs.size(), 3u);
  EXPECT_EQ(pairs.at({"eu", "Autumn"}).counts, (counts{{"accepted", 1}}));
  EXPECT_EQ(pairs.at({"eu", ""}).counts, (counts{{"accepted", 1}}));
}

TEST_P(journal, counts_by_minute_and_forgets_minutes_after_two_days) {
  auto late = accepted(new_, "b@x.test");
  late.at = first_day + 90s;
  auto first = accepted(old_, "a@x.test");
  first.at = first_day;
  apply({first, late});
  EXPECT_EQ(counted(statistics_by::minute).size(), 2u);
  EXPECT_EQ(counted(statistics_by::hour).size(), 1u);
  keep_up(first_day + 48h + 1min);
  EXPECT_EQ(counted(statistics_by::minute).size(), 1u);
  keep_up(first_day + 72h);
  EXPECT_EQ(counted(statistics_by::minute).size(), 0u);
  EXPECT_EQ(counted(statistics_by::hour).size(), 1u);
}

TEST_P(journal, merges_the_terms_of_a_day_that_is_over_and_finds_the_same_after_each_step) {
  std::vector<events::event> batch;
  for (std::uint64_t i = 0; i < 50; ++i)
    batch.push_back(accepted(message_id{old_.value + i}, "u" + std::to_string(i) + "@x.test"));
  apply(batch);
  upkeep all(place_, wanted(), {.merged_at_once = 5});
  std::size_t steps = 0;
  for (bool more = true; more; ++steps) {
    more = all.step(first_day + 25h).value_or(false);
    for (std::uint64_t i = 0; i < 50; ++i)
      ASSERT_EQ(found({.recipient = "u" + std::to_string(i) + "@x.test"}).rows.size(), 1u) << i << " at " << steps;
    if (steps == (files() ? 3u : 0u)) {  // a late one falls on either side of what is merged
      apply(
          {accepted(message_id{old_.value + 100}, "late@x.test"), accepted(message_id{old_.value + 101}, "u1@y.test")});
    }
  }
  if (files()) {
    EXPECT_GT(steps, 10u);
  }
  apply({accepted(message_id{old_.value + 102}, "later@x.test")});
  for (const auto* late : {"late@x.test", "u1@y.test", "later@x.test"})
    EXPECT_EQ(found({.recipient = late}).rows.size(), 1u) << late;
  EXPECT_EQ(found({.recipient = "*@x.test"}).rows.size(), 52u);
}

TEST(journal_terms, slices_meet_without_gap_from_the_first_number_to_the_last) {
  for (const unsigned bits : {0u, 1u, 5u, 16u}) {
    const auto slices = std::uint64_t{1} << bits;
    EXPECT_EQ(merge_slice(0, bits).first, std::numeric_limits<std::int64_t>::min());
    EXPECT_EQ(merge_slice(slices - 1, bits).second, std::numeric_limits<std::int64_t>::max());
    for (std::uint64_t slice = 0; slice + 1 < slices; ++slice) {
      ASSERT_EQ(merge_slice(slice, bits).second + 1, merge_slice(slice + 1, bits).first);
      ASSERT_EQ(merge_slice_of(merge_slice(slice, bits).second, bits), slice);
    }
  }
}

TEST_P(journal, hashes_addresses_when_their_time_has_come_and_still_finds_them) {
  hash_after_[account_id{7}] = std::chrono::days(3);
  std::vector<events::event> batch;
  const auto of_7 = [&](message_id id, const std::string& recipient) {
    auto e = accepted(id, recipient);
    e.account = account_id{7};
    e.sender = "news=" + recipient.substr(0, recipient.find('@')) + "=x.test@Shop.test";
    e.subject = "Dear " + recipient;
    return e;
  };
  // Enough for a tree of pages, with rows that grow and move.
  for (std::uint64_t i = 0; i < 600; ++i) {
    const message_id id{old_.value + i * 7 % 600};
    batch.push_back(of_7(id, "Secret" + std::to_string(i) + "@Hidden.test"));
  }
  apply(batch);
  for (std::uint64_t i = 0; i < 600; ++i) {
    auto e = ended(i % 2 == 0 ? events::kind::deferred : events::kind::bounced, message_id{old_.value + i},
                   bounce::category::user_unknown);
    e.account = account_id{7};
    e.answer.text = std::string(i % 50, 'x') + " <secret@hidden.test> is unknown";
    apply({e});
  }
  apply({accepted(message_id{old_.value + 1000}, "plain@open.test"), of_7(new_, "secret1@hidden.test")});
  keep_up(first_day + 48h, {.hashed_at_once = 50});
  EXPECT_EQ(found({.recipient = "secret1@hidden.test"}).rows.at(1).recipient, "Secret1@Hidden.test");

  keep_up(first_day + 72h, {.hashed_at_once = 50});
  auto rows = found({.recipient = "SECRET1@hidden.test"}).rows;
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_FALSE(rows[0].hashed);  // of the newer day
  EXPECT_TRUE(rows[1].hashed);
  EXPECT_TRUE(rows[1].recipient.starts_with("(hashed ")) << rows[1].recipient;
  EXPECT_EQ(rows[1].reply, "550 5.1.1");
  EXPECT_EQ(rows[1].sender, "@shop.test");
  EXPECT_EQ(rows[1].subject, "");
  EXPECT_EQ(found({.account = account_id{7}, .recipient = "secret1@hidden.test"}).rows.size(), 2u);
  EXPECT_EQ(found({.account = account_id{8}, .recipient = "secret1@hidden.test"}).rows.size(), 0u);
  EXPECT_EQ(found({.recipient = "*@hidden.test", .max = 1000}).rows.size(), 601u);
  EXPECT_EQ(found({.recipient = "*@hidden.test", .max = 10}).rows.size(), 10u);
  EXPECT_EQ(found({.recipient = "*@open.test"}).rows.size(), 1u);
  EXPECT_EQ(found({.sender = "@shop.test", .max = 1000}).rows.size(), 600u);

  // What comes late tells no more than what is there.
  auto late = ended(events::kind::complained, old_, bounce::category::user_unknown);
  late.account = account_id{7};
  late.answer.text = "said <secret0@hidden.test>";
  apply({late, of_7(message_id{old_.value + 2000}, "secret1@hidden.test")});
  EXPECT_EQ(found({.recipient = "secret1@hidden.test"}).rows.size(), 3u);

  if (!files()) return;  // what PostgreSQL has is its own
  recorder_.reset();
  for (const auto* rest : {"", "-wal"})
    std::filesystem::remove(place_.folder + "/" + file_of(day_of(new_)) + rest);
  const auto bytes = bytes_on_disk();
  EXPECT_EQ(to_lower(bytes).find("secret"), std::string::npos);
  EXPECT_EQ(to_lower(bytes).find("hidden"), std::string::npos);
  EXPECT_NE(bytes.find("plain@open.test"), std::string::npos);
}

TEST_P(journal, hashing_that_was_cut_short_goes_on_where_it_was) {
  hash_after_[account_id{0}] = std::chrono::days(1);
  std::vector<events::event> batch;
  for (std::uint64_t i = 0; i < 40; ++i)
    batch.push_back(accepted(message_id{old_.value + i}, "u" + std::to_string(i) + "@x.test"));
  apply(batch);
  for (int cut = 0; cut < 6; ++cut) {
    upkeep begun(place_, wanted(), {.hashed_at_once = 7});
    ASSERT_TRUE(begun.step(first_day + 48h).value_or(false));
    for (std::uint64_t i = 0; i < 40; ++i)
      ASSERT_EQ(found({.recipient = "u" + std::to_string(i) + "@x.test"}).rows.size(), 1u) << i << " at " << cut;
  }
  hash_after_.clear();  // what is hashed stays so, and what was begun is ended
  keep_up(first_day + 48h);
  const auto rows = found({.recipient = "*@x.test"}).rows;
  ASSERT_EQ(rows.size(), 40u);
  EXPECT_TRUE(std::ranges::all_of(rows, &row::hashed));
}

TEST(journal_privacy, keeps_of_a_reply_what_names_nobody) {
  EXPECT_EQ(codes_of("550 5.1.1 <a@x.test> is unknown"), "550 5.1.1");
  EXPECT_EQ(codes_of("250 OK a@x.test"), "250");
  EXPECT_EQ(codes_of("550 5.7.1"), "550 5.7.1");
  EXPECT_EQ(codes_of("250"), "250");
  EXPECT_EQ(codes_of("2501 x"), "");
  EXPECT_EQ(codes_of("removed for a@x.test"), "");
  EXPECT_EQ(codes_of(""), "");
}

TEST(journal_privacy, an_addresss_hash_differs_by_account_and_not_by_case) {
  const address_hash one("key 1"), other("key 2");
  EXPECT_EQ(one.of("Ann@X.test"), one.of("ann@x.TEST"));
  EXPECT_NE(one.of("ann@x.test"), other.of("ann@x.test"));
  EXPECT_NE(one.of("ann@x.test"), one.of("bob@x.test"));
  EXPECT_EQ(message::domain_of(one.of("ann@x.test")), one.of_domain("X.test"));
  EXPECT_TRUE(is_hashed(one.of("ann@x.test")));
  EXPECT_EQ(one.of("ann@x.test"), "(6965989fc82ee85b87a0b992ec938148)@6bd81c686b9c22c0");
}

TEST_P(journal_of_several_servers, finds_what_all_of_them_sent) {
  apply({accepted(old_, "a@x.test")});
  auto other = place_;
  other.node = 4;
  const auto second = make_recorder(other, wanted());
  ASSERT_EQ(second->cursor().value_or(event_seq{9}), event_seq{0});
  seq_ = 0;
  const std::vector batch{accepted(message_id{old_.value + 1}, "b@x.test")};
  ASSERT_TRUE(second->apply(batch, event_seq{1}, 0));
  EXPECT_EQ(found({}).rows.size(), 2u);
  EXPECT_EQ(counted(statistics_by::stream).at("").counts, (std::map<std::string, std::uint64_t>{{"accepted", 2}}));
  EXPECT_EQ(recorder_->remove_before(day_of(new_)), 1u);
  EXPECT_FALSE(second->apply(batch, event_seq{1}, 0));  // the partition went away under it
  EXPECT_TRUE(second->apply(std::vector{accepted(message_id{old_.value + 2}, "c@x.test")}, event_seq{2}, 0));
  EXPECT_EQ(found({}).rows.size(), 1u);
}

TEST_P(journal, texts_that_would_mean_something_in_an_array_or_a_pattern_are_texts) {
  auto e = accepted(old_, "\"a{,\\}%\"@x_y.test");
  e.labels = "50% \"off\" {now}, \\ NULL";
  e.recipients.push_back({recipient_index{1}, "b@xxy.test"});
  apply({e});
  EXPECT_EQ(found({.campaign = "50% \"off\" {now}, \\ NULL"}).rows.size(), 2u);
  EXPECT_EQ(found({.recipient = "*@x_y.test"}).rows.at(0).recipient, "\"a{,\\}%\"@x_y.test");
  EXPECT_EQ(found({.recipient = "*@x_y.test"}).rows.size(), 1u);
}

TEST_P(journal_in_files, goes_on_with_one_of_before_recipients_had_terms_of_their_own) {
  {
    storage::sql_database before({.url = "sqlite:" + place_.folder + "/" + file_of(day_of(old_)),
                                  .schema = storage::journal_day_schema_steps().first(1)});
    ASSERT_TRUE(before.write([&](storage::sql_session& s) -> storage::sql_result<void> {
      s.change("INSERT INTO messages VALUES (:id, 0, '', 'from@x.test', '', '', '', :accepted, 1)",
               {old_.value, first_day.time_since_epoch().count()});
      s.change("INSERT INTO recipients VALUES (:id, 0, 'Ann@x.test', '', 'accepted', '', '', 0, 0)", {old_.value});
      for (const auto& [kind, text] : {std::pair(term_kind::recipient, "ann@x.test"), {term_kind::domain, "x.test"}})
        s.change("INSERT INTO terms (hour, term, message, idx) VALUES (:hour, :term, :message, 0)",
                 {hour_of(old_), term_of(kind, text), old_.value});
      s.change("INSERT INTO statistics VALUES (:hour, 0, '', '', '', '', '', 'accepted', 1)",
               {first_day.time_since_epoch() / 1h});
      return {};
    }));
  }
  apply({accepted(message_id{old_.value + 1}, "bob@x.test")});
  hash_after_[account_id{0}] = std::chrono::days(30);
  for (const auto now : {first_day + 1h, first_day + 25h, first_day + std::chrono::days(31)}) {
    keep_up(now);
    for (const auto* each : {"ann@x.test", "bob@x.test"})
      ASSERT_EQ(found({.recipient = each}).rows.size(), 1u) << each;
    EXPECT_EQ(found({.recipient = "*@x.test"}).rows.size(), 2u);
  }
  EXPECT_TRUE(found({.recipient = "ann@x.test"}).rows.at(0).hashed);
  EXPECT_EQ(counted(statistics_by::stream).at("").counts, (std::map<std::string, std::uint64_t>{{"accepted", 2}}));
}

TEST_P(journal, finds_a_part_of_a_subject) {
  auto e = accepted(old_, "a@x.test");
  e.subject = "Your Autumn offer";
  apply({e, accepted(new_, "b@x.test")});
  EXPECT_EQ(found({.subject = "autumn"}).rows.size(), 1u);
  EXPECT_EQ(found({.subject = "spring"}).rows.size(), 0u);
  EXPECT_EQ(found({.message = old_}).rows.at(0).subject, "Your Autumn offer");
}

TEST_P(journal, the_retention_deletes_the_files_of_old_days_and_nothing_makes_them_anew) {
  apply({accepted(old_, "a@x.test"), accepted(new_, "b@x.test")});
  EXPECT_EQ(recorder_->remove_before(day_of(new_)), 1u);
  apply({ended(events::kind::bounced, old_, bounce::category::user_unknown)});
  if (files()) {
    ASSERT_EQ(files_in(place_.folder).size(), 1u);
    EXPECT_EQ(files_in(place_.folder).front().name, file_of(day_of(new_)));
  }
  EXPECT_EQ(found({}).rows.size(), 1u);
}

}  // namespace
}  // namespace gonets::journal
