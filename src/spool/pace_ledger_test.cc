#include "spool/pace_ledger.h"

#include <gmock/gmock.h>

#include "base/hex_test_support.h"
#include "spool/spool_test_support.h"

namespace gonets::spool {
namespace {

using ::testing::ElementsAre;
using ::testing::Pair;

class pace_facts : public spool_fixture {
 protected:
  void SetUp() override { open(); }
  void keep(std::vector<pace_fact> facts) {
    std::promise<commit_status> done;
    store_->keep(std::move(facts), 0, [&](commit_status s) { done.set_value(s); });
    EXPECT_EQ(done.get_future().get(), commit_status::ok);
  }
};

TEST_F(pace_facts, are_there_at_the_next_start) {
  keep({{"limit a", "one", {}}, {"limit b", "two", {}}, {"hold c", "three", {}}});
  keep({{"limit a", "four", {}}, {"limit b", "", {}}});
  EXPECT_THAT(store_->pace().with_prefix("limit "), ElementsAre(Pair("limit a", "four")));
  close();
  open();
  EXPECT_EQ(store_->pace().find("limit a"), "four");
  EXPECT_EQ(store_->pace().find("limit b"), std::nullopt);
  EXPECT_THAT(store_->pace().with_prefix(""), ElementsAre(Pair("hold c", "three"), Pair("limit a", "four")));
  EXPECT_GT(store_->pace().latest(), wall_time{});
}

TEST_F(pace_facts, that_have_expired_are_forgotten_at_the_next_start) {
  keep({{"old", "x", clock_.wall() - std::chrono::seconds(1)}, {"new", "y", clock_.wall() + std::chrono::hours(1)}});
  EXPECT_EQ(store_->pace().find("old"), "x");
  close();
  open();
  EXPECT_THAT(store_->pace().with_prefix(""), ElementsAre(Pair("new", "y")));
  EXPECT_EQ(*store_->store().get(storage::family::meta, "pold"), std::nullopt);
}

TEST(pace_ledger, golden) {
  pace_ledger ledger;
  folder at;
  auto store = storage::store::open({.path = at.path()});
  ASSERT_TRUE(store);
  storage::batch b;
  ledger.put({{"limit a", "state", wall_time(std::chrono::milliseconds(2))}}, wall_time(std::chrono::milliseconds(1)),
             b);
  ASSERT_TRUE((*store)->write(b, storage::durability::synced));
  EXPECT_EQ(to_hex(**(*store)->get(storage::family::meta, "plimit a")),
            "0100000000000000010000000000000002" + to_hex("state"));
  storage::batch bad;
  bad.put(storage::family::meta, "plimit b", "?");
  ASSERT_TRUE((*store)->write(bad, storage::durability::synced));
  EXPECT_FALSE(ledger.load(**store, {}));
}

}  // namespace
}  // namespace gonets::spool
