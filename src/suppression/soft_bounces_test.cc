#include "suppression/soft_bounces.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "base/hex_test_support.h"
#include "suppression/list.h"

namespace gonets::suppression {
namespace {
using namespace std::chrono_literals;
using std::chrono::days;

constexpr account_id shop{7};
const wall_time noon{1'767'268'860'000ms};

TEST(soft_record, has_the_bytes_that_its_grammar_says) {
  const soft_record r{noon + 1ms, {{noon, message_id{0x123456789abcdef}, true}}};
  std::string value;
  encode(r, value);
  EXPECT_EQ(to_hex(value), to_hex(from_hex("02 e180bbcbb733 01 e080bbcbb733 0123456789abcdef 01")));
  EXPECT_EQ(decode_soft(value), r);
  for (std::size_t n = 0; n < value.size(); ++n)
    EXPECT_FALSE(decode_soft(value.substr(0, n))) << n;
  EXPECT_FALSE(decode_soft(value + "x"));
  value[0] = 1;
  EXPECT_FALSE(decode_soft(value));
}

class soft_bouncing : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gonets-soft-XXXXXX";
    folder_ = ::mkdtemp(name);
    store_ = std::move(*storage::store::open({.path = folder_}));
    ASSERT_TRUE(list_.load(*store_));
    policy_.soft_bounces = 3;
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  soft_change news(soft_news what, wall_time at, std::uint64_t source = 0, bool late = false) {
    return {shop, "ann@b.test", what, {at, message_id{source != 0 ? source : ++message_}, late}, policy_};
  }
  void write(const std::vector<soft_change>& changes) {
    storage::batch b;
    list_.begin_batch();
    list_.put(changes, *store_, b);
    ASSERT_TRUE(store_->write(b, storage::durability::buffered));
  }
  void bounce(wall_time at, std::uint64_t source = 0, bool late = false) {
    write({news(soft_news::bounced, at, source, late)});
  }
  std::size_t count(wall_time at = noon) {
    const auto r = *soft_count(*store_, shop, "Ann@b.test", at);
    return r ? r->all.size() : 0;
  }
  std::optional<entry> listed() { return *get(*store_, shop, "ann@b.test", ""); }

  std::string folder_;
  std::unique_ptr<storage::store> store_;
  list list_;
  bounce::suppression_policy policy_;
  std::uint64_t message_ = 0;
};

TEST_F(soft_bouncing, suppresses_for_a_time_after_so_many_over_so_long) {
  bounce(noon);
  bounce(noon + days(3));
  EXPECT_EQ(count(), 2u);
  EXPECT_FALSE(listed());
  bounce(noon + days(7), 77);
  const entry expected{shop, "ann@b.test", "", "soft_bounces", message_id{77}, noon + days(7), noon + days(37)};
  EXPECT_EQ(listed(), expected);
  EXPECT_EQ(count(), 0u) << "it begins anew";
  EXPECT_TRUE(list_.may_have(shop, "ann@b.test"));
  EXPECT_FALSE(list_.soft().may_have(shop, "ann@b.test"));
}

TEST_F(soft_bouncing, does_not_take_one_bad_day_for_more) {
  for (int hour = 0; hour < 24; ++hour)
    bounce(noon + std::chrono::hours(hour));
  EXPECT_FALSE(listed());
  EXPECT_EQ(count(), 3u) << "the first and the last ones";
  bounce(noon + days(7));
  EXPECT_TRUE(listed());
}

TEST_F(soft_bouncing, forgets_what_is_too_old) {
  bounce(noon);
  bounce(noon + days(1));
  bounce(noon + days(32));
  EXPECT_FALSE(listed());
  EXPECT_EQ(count(noon + days(32)), 1u);
  EXPECT_EQ(count(noon + days(62)), 0u);
}

TEST_F(soft_bouncing, begins_anew_after_a_delivery) {
  bounce(noon);
  bounce(noon + days(1));
  EXPECT_TRUE(list_.soft().may_have(shop, "ANN@b.test"));
  write({news(soft_news::delivered, noon + days(2))});
  EXPECT_EQ(count(), 0u);
  EXPECT_FALSE(list_.soft().may_have(shop, "ann@b.test"));
  bounce(noon + days(8));
  EXPECT_FALSE(listed());
}

TEST_F(soft_bouncing, knows_that_a_delivery_says_nothing_of_what_bounces_later) {
  for (int day = 0; day <= 8; day += 4) {
    write({news(soft_news::delivered, noon + days(day))});
    bounce(noon + days(day), 0, true);
  }
  EXPECT_TRUE(listed());
}

TEST_F(soft_bouncing, counts_a_message_once_however_often_its_batch_is_written) {
  const auto one = news(soft_news::bounced, noon, 5);
  write({one});
  write({one});
  write({one, one});
  EXPECT_EQ(count(), 1u);
}

TEST_F(soft_bouncing, sees_what_the_same_batch_has_already) {
  write({news(soft_news::bounced, noon), news(soft_news::bounced, noon + days(4)),
         news(soft_news::bounced, noon + days(8))});
  EXPECT_TRUE(listed());
}

TEST_F(soft_bouncing, leaves_an_entry_that_holds_for_longer) {
  storage::batch b;
  list_.put({{{shop, "ann@b.test", "", "asked by phone", {}, noon, {}}, false}}, b);
  ASSERT_TRUE(store_->write(b, storage::durability::buffered));
  for (int day = 0; day <= 8; day += 4)
    bounce(noon + days(day));
  EXPECT_EQ(listed()->reason, "asked by phone");
}

TEST_F(soft_bouncing, outlives_a_restart_and_goes_when_it_has_expired) {
  bounce(noon);
  soft_bounces later;
  ASSERT_TRUE(later.load(*store_, noon + days(29)));
  EXPECT_EQ(later.size(), 1u);
  EXPECT_TRUE(expired_counts(*store_, noon + days(29), 10)->empty());
  soft_bounces too_late;
  ASSERT_TRUE(too_late.load(*store_, noon + days(30)));
  EXPECT_EQ(too_late.size(), 0u);
  const auto lapsed = *expired_counts(*store_, noon + days(30), 10);
  ASSERT_EQ(lapsed.size(), 1u);
  bounce(noon + days(10));
  write(lapsed);
  EXPECT_EQ(count(noon + days(30)), 2u) << "it came to life again meanwhile";
  write(*expired_counts(*store_, noon + days(40), 10));
  EXPECT_FALSE(*store_->last_key(storage::family::suppression));
}

}  // namespace
}  // namespace gonets::suppression
