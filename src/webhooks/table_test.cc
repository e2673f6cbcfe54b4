// Over both engines.
#include "webhooks/table.h"

#include <gmock/gmock.h>

#include "storage/sql_test_support.h"
#include "webhooks/signature.h"

namespace gonets::webhooks {
namespace {
using namespace std::chrono_literals;
using accounts::refusal_kind;
using storage::engine;

class webhook_table : public testing::TestWithParam<engine> {
 protected:
  static accounts::seal key(std::uint8_t first = 7) {
    accounts::seal::key k{};
    k[0] = first;
    return accounts::seal(k);
  }
  static webhook make(const std::string& name, std::optional<account_id> owner = std::nullopt) {
    webhook w;
    w.name = name;
    w.url = "https://hooks.test/" + name;
    w.wanted = {.account = owner, .kinds = {events::kind::bounced, events::kind::complained}, .streams = {"bulk"}};
    w.created = wall_time(5s);
    return w;
  }
  row only(table& t) {
    auto found = t.all();
    EXPECT_TRUE(found);
    EXPECT_EQ(found->all.size(), 1u);
    return found->all.at(0);
  }

  storage::temporary_database database_{GetParam()};
  storage::sql_database sql_{{.url = database_.url()}};
  table hooks_{sql_, key(), 3};
};
INSTANTIATE_TEST_SUITE_P(engines, webhook_table, storage::both_engines(), storage::engine_name);

TEST_P(webhook_table, gives_back_what_was_added) {
  const auto added = hooks_.add(make("orders", account_id{4}), event_seq{70});
  ASSERT_TRUE(added);
  EXPECT_TRUE(is_secret(added->secret));
  const auto read = only(hooks_);
  EXPECT_EQ(read.hook.id, added->id);
  EXPECT_EQ(read.hook.name, "orders");
  EXPECT_EQ(read.hook.url, "https://hooks.test/orders");
  EXPECT_EQ(read.hook.wanted, make("orders", account_id{4}).wanted);
  EXPECT_EQ(read.hook.is, state::active);
  EXPECT_EQ(read.hook.secret, added->secret);
  EXPECT_EQ(read.at, (progress{event_seq{70}, 0, {}}));
  EXPECT_EQ(read.hook.created, wall_time(5s));
}

TEST_P(webhook_table, keeps_secrets_from_who_has_the_database_alone) {
  const auto added = hooks_.add(make("orders"), event_seq{0});
  ASSERT_TRUE(added);
  auto stored = sql_.read([](storage::sql_session& s) -> storage::sql_result<std::string> {
    return s.row("SELECT secret FROM webhooks")->text(0);
  });
  EXPECT_EQ(stored->find(added->secret), std::string::npos);
  table stranger(sql_, key(8), 3);
  EXPECT_EQ(only(stranger).hook.secret, "");
}

TEST_P(webhook_table, names_are_unique_to_an_owner) {
  ASSERT_TRUE(hooks_.add(make("orders"), event_seq{0}));
  ASSERT_TRUE(hooks_.add(make("orders", account_id{0}), event_seq{0}));
  EXPECT_EQ(hooks_.add(make("orders"), event_seq{0}).error().what, refusal_kind::exists);
  const auto other = hooks_.add(make("other"), event_seq{0});
  EXPECT_EQ(hooks_.change(other->id, {.name = "orders"}).error().what, refusal_kind::exists);
  EXPECT_EQ(hooks_.add(make("12"), event_seq{0}).error().what, refusal_kind::invalid);
  EXPECT_EQ(hooks_.add(make("a b"), event_seq{0}).error().what, refusal_kind::invalid);
}

TEST_P(webhook_table, limits_how_many_an_owner_has) {
  for (std::size_t i = 0; i < webhooks_per_owner_max; ++i)
    ASSERT_TRUE(hooks_.add(make("n" + std::to_string(i)), event_seq{0}));
  EXPECT_EQ(hooks_.add(make("more"), event_seq{0}).error().what, refusal_kind::limit);
  EXPECT_TRUE(hooks_.add(make("more", account_id{1}), event_seq{0}));
}

TEST_P(webhook_table, changes_and_says_so_by_the_revision) {
  const auto id = hooks_.add(make("orders"), event_seq{0})->id;
  const auto before = hooks_.revision().value();
  ASSERT_TRUE(hooks_.change(id, {.url = "https://new.test/", .kinds = std::vector<events::kind>{}}));
  EXPECT_GT(hooks_.revision().value(), before);
  const auto now = only(hooks_).hook;
  EXPECT_EQ(now.url, "https://new.test/");
  EXPECT_EQ(now.name, "orders");
  EXPECT_TRUE(now.wanted.kinds.empty());
  EXPECT_EQ(now.wanted.streams.size(), 1u);
  ASSERT_TRUE(hooks_.set_state(id, state::paused, "410 Gone"));
  EXPECT_EQ(only(hooks_).hook.is, state::paused);
  EXPECT_EQ(only(hooks_).hook.reason, "410 Gone");
}

TEST_P(webhook_table, keeps_the_previous_secret_when_it_makes_a_new_one) {
  const auto added = hooks_.add(make("orders"), event_seq{0});
  const auto fresh = hooks_.rotate(added->id, wall_time(9s));
  ASSERT_TRUE(fresh);
  const auto now = only(hooks_).hook;
  EXPECT_EQ(now.secret, *fresh);
  EXPECT_EQ(now.previous_secret, added->secret);
  EXPECT_EQ(now.rotated, wall_time(9s));
}

TEST_P(webhook_table, a_cursor_that_was_moved_is_not_overwritten_by_what_was_kept_before) {
  const auto id = hooks_.add(make("orders"), event_seq{10})->id;
  const std::vector<kept_progress> late{{id, {event_seq{20}, 0, wall_time(1s)}}};
  ASSERT_TRUE(hooks_.keep(late));
  EXPECT_EQ(only(hooks_).at, late[0].at);
  ASSERT_TRUE(hooks_.move_cursor(id, event_seq{3}));
  ASSERT_TRUE(hooks_.keep(late));
  EXPECT_EQ(only(hooks_).at, (progress{event_seq{3}, 1, {}}));
}

TEST_P(webhook_table, each_node_has_its_own_progress) {
  const auto id = hooks_.add(make("orders"), event_seq{10})->id;
  table elsewhere(sql_, key(), 4);
  EXPECT_EQ(only(elsewhere).at, std::nullopt);
  const std::vector<kept_progress> here{{id, {event_seq{2}, 0, {}}}};
  ASSERT_TRUE(elsewhere.keep(here));
  EXPECT_EQ(only(elsewhere).at, here[0].at);
  EXPECT_EQ(only(hooks_).at->cursor, event_seq{10});
}

TEST_P(webhook_table, removes_all_of_it) {
  const auto id = hooks_.add(make("orders"), event_seq{10})->id;
  ASSERT_TRUE(hooks_.remove(id));
  EXPECT_TRUE(hooks_.all()->all.empty());
  const std::vector<kept_progress> late{{id, {event_seq{20}, 0, {}}}};
  ASSERT_TRUE(hooks_.keep(late));
  EXPECT_EQ(hooks_.remove(id).error().what, refusal_kind::not_found);
  EXPECT_EQ(hooks_.rotate(id, {}).error().what, refusal_kind::not_found);
  EXPECT_EQ(hooks_.move_cursor(id, event_seq{1}).error().what, refusal_kind::not_found);
}

}  // namespace
}  // namespace gonets::webhooks
