#include "mta_sts/policy_table.h"

#include <gtest/gtest.h>

#include "storage/sql_test_support.h"

namespace gonets::mta_sts {
namespace {

using namespace std::chrono_literals;

TEST(sts_policy_table, gives_back_the_policies_in_force) {
  constexpr wall_time now{std::chrono::milliseconds(1'800'000'000'000)};
  const storage::temporary_database file(storage::engine::sqlite);
  storage::sql_database database({.url = file.url(), .schema = storage::tls_schema_steps()});
  policy_table kept(database);
  tls_policy::sts_policy policy;
  policy.mode = tls_policy::sts_mode::enforce;
  policy.max_age = 1h;
  policy.id = "7";
  policy.mx = {"mx.a.test"};
  policy.lines = {"version: STSv1", "mode: enforce", "mx: mx.a.test", "max_age: 3600"};
  const auto shared = std::make_shared<const tls_policy::sts_policy>(policy);
  ASSERT_TRUE(kept.save({"a.test", shared, now}));
  ASSERT_TRUE(kept.save({"a.test", shared, now + 1min}));
  const auto loaded = kept.load(now + 30min);
  ASSERT_TRUE(loaded) << loaded.error().detail;
  ASSERT_EQ(loaded->size(), 1u);
  EXPECT_EQ(loaded->front().fetched, now + 1min);
  EXPECT_EQ(loaded->front().policy->id, "7");
  EXPECT_EQ(loaded->front().policy->mx, policy.mx);
  EXPECT_EQ(loaded->front().policy->lines, policy.lines);
  EXPECT_TRUE(kept.load(now + 2h)->empty()) << "expired";
}

}  // namespace
}  // namespace gonets::mta_sts
