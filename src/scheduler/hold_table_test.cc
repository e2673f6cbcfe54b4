#include "scheduler/hold_table.h"

#include <gmock/gmock.h>

#include "storage/sql_test_support.h"

namespace gonets::scheduler {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class hold_tables : public testing::Test {
 protected:
  static standing_hold some() {
    standing_hold h;
    h.account = account_id{0};
    h.stream = "bulk";
    h.domain = "c.test";
    h.provider = "google";
    h.reason = "почта' is moved";
    h.since = wall_time(1'740'830'400'123ms);
    return h;
  }
  storage::temporary_database where_{storage::engine::sqlite};
  storage::sql_database db_{{.url = where_.url(), .schema = storage::holds_schema_steps()}};
  hold_table table_{db_};
};

TEST_F(hold_tables, gives_back_holds_as_they_were_also_to_who_opens_it_anew) {
  EXPECT_THAT(*table_.all(), IsEmpty());
  auto first = some();
  standing_hold second;
  second.domain = "d.test";
  first.id = table_.add(first)->id;
  second.id = table_.add(second)->id;
  EXPECT_EQ(first.id, hold_id{1});
  storage::sql_database again({.url = where_.url(), .schema = storage::holds_schema_steps()});
  EXPECT_THAT(*hold_table(again).all(), ElementsAre(first, second));
}

TEST_F(hold_tables, never_gives_a_number_twice) {
  const auto id = table_.add(some())->id;
  EXPECT_TRUE(*table_.remove(id));
  EXPECT_FALSE(*table_.remove(id));
  EXPECT_THAT(*table_.all(), IsEmpty());
  EXPECT_GT(table_.add(some())->id, id);
}

}  // namespace
}  // namespace gonets::scheduler
