// Quotas are debited in the batch that accepts: exact, also after a crash and after a failing disk.
#include "spool/quota_ledger.h"

#include <gtest/gtest.h>

#include "base/hex_test_support.h"
#include "spool/spool_test_support.h"
#include "storage/faulty_file_system.h"

namespace gonets::spool {
namespace {

using shaping::quota_measure;
using shaping::quota_window;

constexpr account_id shop{7};

class quotas : public spool_fixture {
 protected:
  static quotas_ptr month_of(std::uint64_t recipients) {
    return std::make_shared<const std::vector<shaping::quota>>(
        std::vector<shaping::quota>{{quota_window::month, quota_measure::recipients, recipients, ""}});
  }
  std::shared_ptr<queued_message> of_shop(std::size_t recipients = 1) {
    auto m = make_message(next_id(), recipients);
    m->account = shop;
    return m;
  }
  commit_status accept_within(std::uint64_t limit, std::size_t recipients = 1) {
    return accept_later(of_shop(recipients), 0, "", month_of(limit)).get();
  }
  std::uint64_t used(quota_measure m, std::string_view stream = "") {
    for (const auto& u : store_->quotas().of(shop)) {
      if (u.stream == stream) return u.counter.used(quota_window::month, m, clock_.wall());
    }
    return 0;
  }
};

TEST_F(quotas, are_exact_when_many_sessions_ask_at_once) {
  open();
  std::vector<std::future<commit_status>> answers;
  for (int i = 0; i < 50; ++i)
    answers.push_back(accept_later(of_shop(), 0, "", month_of(20)));
  int accepted = 0;
  for (auto& a : answers)
    accepted += a.get() == commit_status::ok;
  EXPECT_EQ(accepted, 20);
  EXPECT_EQ(used(quota_measure::recipients), 20u);
  EXPECT_EQ(audit_now().accepted, 20u);
}

TEST_F(quotas, count_messages_recipients_and_bytes_of_the_whole_account_and_of_the_stream) {
  open();
  const auto m = of_shop(3);
  const auto bytes = m->body_bytes;
  ASSERT_EQ(accept_later(m, 0, "", month_of(100)).get(), commit_status::ok);
  for (const auto* stream : {"", "transactional"}) {
    EXPECT_EQ(used(quota_measure::messages, stream), 1u);
    EXPECT_EQ(used(quota_measure::recipients, stream), 3u);
    EXPECT_EQ(used(quota_measure::bytes, stream), bytes);
  }
  EXPECT_EQ(used(quota_measure::messages, "bulk"), 0u);
  EXPECT_TRUE(store_->quotas().of(account_id{8}).empty());
}

TEST_F(quotas, refuse_all_of_a_message_that_fits_in_part) {
  open();
  EXPECT_EQ(accept_within(4, 5), commit_status::over_quota);
  EXPECT_EQ(used(quota_measure::recipients), 0u);
  EXPECT_EQ(accept_within(4, 4), commit_status::ok);
  EXPECT_EQ(accept_within(4, 1), commit_status::over_quota);
  EXPECT_TRUE(store_->quotas().find_excess(shop, "bulk", *month_of(4), {1, 1, 1}, clock_.wall()));
}

TEST_F(quotas, survive_a_restart) {
  open();
  ASSERT_EQ(accept_within(2), commit_status::ok);
  close();
  open();
  EXPECT_EQ(used(quota_measure::recipients), 1u);
  EXPECT_EQ(accept_within(2), commit_status::ok);
  EXPECT_EQ(accept_within(2), commit_status::over_quota);
}

TEST_F(quotas, give_back_what_a_failing_disk_did_not_take) {
  const auto disk = std::make_shared<storage::faulty_file_system>();
  open(disk);
  ASSERT_EQ(accept_within(2), commit_status::ok);
  disk->syncs_fail = true;
  EXPECT_EQ(accept_within(2), commit_status::failed);
  disk->syncs_fail = false;
  while (store_->admission() != commit_status::ok)
    std::this_thread::yield();
  EXPECT_EQ(used(quota_measure::recipients), 1u);
  close();
  open(disk);
  EXPECT_EQ(used(quota_measure::recipients), 1u);
  EXPECT_EQ(accept_within(2), commit_status::ok);
}

TEST_F(quotas, remove_the_parts_of_a_large_message_that_is_over) {
  open();
  auto m = of_shop();
  m->chunks = 2;
  m->in_memory = false;
  std::promise<void> written;
  store_->append_chunk(m->id, 1, "a part", 0, [&](commit_status) { written.set_value(); });
  written.get_future().get();
  const auto id = m->id;
  EXPECT_EQ(accept_later(std::move(m), 1, "the head", month_of(0)).get(), commit_status::over_quota);
  EXPECT_FALSE(store_->fetch_chunk(id, 1));
  EXPECT_EQ(audit_now().accepted, 0u);
}

TEST(quota_records, have_the_bytes_that_their_grammar_says) {
  EXPECT_EQ(to_hex(quota_key(account_id{258}, "bulk")), "0000010262756c6b");
  shaping::quota_counter c;
  c.add({1, 3, 200}, wall_time(std::chrono::milliseconds(1'000'000)));
  std::string record;
  encode_quota(c, record);
  //                        minute 960000 1 3 200, hour, day, month from 0
  EXPECT_EQ(to_hex(record),
            "01"
            "80cc3a"
            "0103c801"
            "00"
            "0103c801"
            "00"
            "0103c801"
            "00"
            "0103c801");
  shaping::quota_counter read;
  ASSERT_TRUE(decode_quota(record, read));
  EXPECT_EQ(read, c);
  for (std::size_t cut = 0; cut < record.size(); ++cut)
    EXPECT_FALSE(decode_quota(std::string_view(record).substr(0, cut), read));
  EXPECT_FALSE(decode_quota(record + "x", read));
}

}  // namespace
}  // namespace gonets::spool
