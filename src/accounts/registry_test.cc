#include "accounts/registry.h"

#include <gmock/gmock.h>

#include <fstream>

#include "sasl/password.h"
#include "storage/sql_test_support.h"

namespace gonets::accounts {
namespace {

using namespace std::chrono_literals;
using storage::engine;
using storage::sql_session;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

struct manual_clock final : clock {
  wall_time wall_now{std::chrono::milliseconds(1'767'225'600'000)};
  steady_time steady_now{std::chrono::hours(1)};
  wall_time wall() const override { return wall_now; }
  steady_time steady() const override { return steady_now; }
};

class registry_over : public testing::TestWithParam<engine> {
 protected:
  registry_over() {
    std::ofstream(key_file()) << "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
    std::filesystem::permissions(key_file(), std::filesystem::perms::owner_read);
    const auto opened = node.open();
    EXPECT_TRUE(opened.has_value()) << opened.error();
  }
  std::string key_file() const { return where.folder() + "/key"; }
  registry_options options() const { return {.database = where.url(), .key_file = key_file(), .stale_max = 10min}; }

  // What stands in the database, past the registry.
  std::string stored(const std::string& question) {
    storage::sql_database db({.url = where.url()});
    auto text = db.read([&](sql_session& s) -> storage::sql_result<std::string> {
      const auto r = s.row(question);
      return r ? r->text(0) : "";
    });
    return text ? *text : text.error().detail;
  }
  domain_id shops_domain() {
    EXPECT_TRUE(node.add_account("shop", {}).has_value());
    return node.add_domain("shop", "Shop.Example")->id;
  }

  storage::temporary_database where{GetParam()};
  manual_clock time;
  registry node{options(), time};
};
INSTANTIATE_TEST_SUITE_P(over, registry_over, storage::both_engines(), storage::engine_name);

refusal_kind why(const auto& refused) {
  return refused ? refusal_kind::failed : refused.error().what;
}

// ---- accounts and plans

TEST_P(registry_over, begins_with_the_default_account_and_the_free_plan) {
  const auto d = node.current();
  ASSERT_NE(d->find(default_account), nullptr);
  ASSERT_NE(d->find_plan("free"), nullptr);
  EXPECT_THAT(d->find_plan("free")->quotas,
              ElementsAre(quota{quota_window::month, quota_measure::recipients, 1500, ""}));
  EXPECT_TRUE(node.reliable());
  EXPECT_TRUE(node.complete());
}

TEST_P(registry_over, shows_an_account_as_it_was_made_and_after_a_start) {
  account_changes with;
  with.plan = "free";
  with.policy = from_policy::warn;
  with.quotas = {{quota_window::minute, quota_measure::messages, 60, "bulk"}};
  with.month_is_final = true;
  with.message_bytes_max = 10'000'000'000;
  with.recipients_max = 50;
  with.journal_hash_after_days = 30;
  with.journal_subject = true;
  const auto made = node.add_account("shop", with);
  ASSERT_TRUE(made.has_value()) << made.error().detail;

  registry again(options(), time);
  ASSERT_TRUE(again.open().has_value());
  for (const auto* each : {&node, &again}) {
    const auto d = each->current();
    const auto* a = d->find_account("shop");
    ASSERT_NE(a, nullptr);
    EXPECT_EQ(a->id, made->id);
    EXPECT_EQ(a->plan, "free");
    EXPECT_EQ(a->policy, from_policy::warn);
    EXPECT_EQ(a->quotas, *with.quotas);
    EXPECT_TRUE(a->month_is_final);
    EXPECT_EQ(a->message_bytes_max, 10'000'000'000u);
    EXPECT_EQ(a->recipients_max, 50u);
    EXPECT_EQ(a->journal_hash_after_days, 30u);
    EXPECT_TRUE(a->journal_subject);
    EXPECT_EQ(a->created, time.wall_now);
    EXPECT_THAT(d->quotas_of(a->id), SizeIs(2));
  }
}

TEST_P(registry_over, keeps_what_suppresses_an_accounts_recipients) {
  ASSERT_TRUE(node.add_account("shop", {}).has_value());
  EXPECT_EQ(node.current()->find_account("shop")->suppression, bounce::suppression_policy{});
  account_changes to;
  to.may_ignore_suppression = true;
  to.suppress_at_once = bounce::category_set{}.set(static_cast<std::size_t>(bounce::category::mailbox_full));
  to.soft_bounces = 3;
  to.soft_within = std::chrono::days(14);
  ASSERT_TRUE(node.change_account("shop", to).has_value());
  account_changes more;
  more.soft_lasts = std::chrono::days(60);
  ASSERT_TRUE(node.change_account("shop", more).has_value());

  registry again(options(), time);
  ASSERT_TRUE(again.open().has_value());
  bounce::suppression_policy expected;
  expected.at_once = *to.suppress_at_once;
  expected.soft_bounces = 3;
  expected.soft_within = std::chrono::days(14);
  expected.soft_lasts = std::chrono::days(60);
  EXPECT_EQ(again.current()->find_account("shop")->suppression, expected);
  EXPECT_TRUE(again.current()->find_account("shop")->may_ignore_suppression);

  const auto refuses = [&](auto&& change) {
    account_changes wrong;
    change(wrong);
    return why(node.change_account("shop", wrong)) == refusal_kind::invalid;
  };
  EXPECT_TRUE(refuses([](auto& c) { c.suppress_at_once = bounce::category_set{}.set(); }));
  EXPECT_TRUE(refuses([](auto& c) { c.soft_bounces = bounce::soft_bounces_max + 1; }));
  EXPECT_TRUE(refuses([](auto& c) { c.soft_over = std::chrono::days(15); }));
  EXPECT_TRUE(refuses([](auto& c) { c.soft_lasts = std::chrono::days(0); }));
  EXPECT_TRUE(refuses([](auto& c) { c.soft_within = std::chrono::days(366); }));
}

TEST_P(registry_over, refuses_a_name_that_is_taken_or_not_one) {
  ASSERT_TRUE(node.add_account("shop", {}).has_value());
  EXPECT_EQ(why(node.add_account("shop", {})), refusal_kind::exists);
  EXPECT_EQ(why(node.add_account("default", {})), refusal_kind::exists);
  for (const auto* name : {"", "Shop", "-shop", "a b", "a/b"})
    EXPECT_EQ(why(node.add_account(name, {})), refusal_kind::invalid) << name;
}

TEST_P(registry_over, never_gives_an_id_out_twice) {
  const auto first = node.add_account("one", {});
  EXPECT_EQ(why(node.add_account("one", {})), refusal_kind::exists);
  const auto second = node.add_account("two", {});
  ASSERT_TRUE(first && second);
  EXPECT_NE(first->id, second->id);
}

TEST_P(registry_over, moves_an_account_only_along_its_legal_moves) {
  ASSERT_TRUE(node.add_account("shop", {}).has_value());
  const auto move = [&](account_state to) {
    account_changes c;
    c.state = to;
    return node.change_account("shop", c);
  };
  EXPECT_TRUE(move(account_state::paused).has_value());
  EXPECT_TRUE(move(account_state::closed).has_value());
  EXPECT_EQ(why(move(account_state::paused)), refusal_kind::conflict);
  EXPECT_EQ(node.current()->find_account("shop")->state, account_state::closed);
  EXPECT_TRUE(move(account_state::active).has_value());
  EXPECT_EQ(why(node.change_account("nobody", {})), refusal_kind::not_found);
}

TEST_P(registry_over, changes_every_account_of_a_plan_with_the_plan) {
  account_changes with;
  with.plan = "pro";
  EXPECT_EQ(why(node.add_account("shop", with)), refusal_kind::not_found);
  const quota day{quota_window::day, quota_measure::messages, 100, ""}, more{day.window, day.measure, 200, ""};
  ASSERT_TRUE(node.set_plan({"pro", {day}}).has_value());
  const auto shop = node.add_account("shop", with);
  ASSERT_TRUE(shop.has_value());
  EXPECT_THAT(node.current()->quotas_of(shop->id), ElementsAre(day));
  ASSERT_TRUE(node.set_plan({"pro", {more}}).has_value());
  EXPECT_THAT(node.current()->quotas_of(shop->id), ElementsAre(more));

  EXPECT_EQ(why(node.remove_plan("pro")), refusal_kind::conflict);
  with.plan = "";
  ASSERT_TRUE(node.change_account("shop", with).has_value());
  EXPECT_TRUE(node.remove_plan("pro").has_value());
  EXPECT_EQ(why(node.remove_plan("pro")), refusal_kind::not_found);
  EXPECT_EQ(why(node.set_plan({"twice", {day, more}})), refusal_kind::invalid);
}

// ---- credentials

TEST_P(registry_over, gives_the_secret_of_a_credential_out_once_and_keeps_what_checks_it) {
  ASSERT_TRUE(node.add_account("shop", {}).has_value());
  credential_request wanted;
  wanted.name = "web";
  wanted.scopes = scope_send | scope_read;
  wanted.networks = {*parse_network("192.0.2.0/24"), *parse_network("2001:db8::/32")};
  wanted.stream = "bulk";
  wanted.certificate_sha256 = std::string(64, 'a');
  const auto issued = node.add_credential("shop", wanted);
  ASSERT_TRUE(issued.has_value()) << issued.error().detail;
  EXPECT_THAT(issued->secret, SizeIs(secret_characters));
  EXPECT_THAT(issued->made.login, testing::StartsWith("shop-"));

  const auto d = node.current();
  const auto* c = d->find_login(issued->made.login);
  ASSERT_NE(c, nullptr);
  EXPECT_EQ(c, d->find_certificate(std::string(64, 'a')));
  EXPECT_TRUE(sasl::verify_password(issued->secret, c->secret_hash));
  EXPECT_EQ(c->scram, sasl::make_scram_verifier(issued->secret, c->scram.salt, c->scram.iterations));
  EXPECT_EQ(c->networks, wanted.networks);
  EXPECT_EQ(c->scopes, wanted.scopes);
  EXPECT_EQ(c->stream, "bulk");
  EXPECT_EQ(stored("SELECT secret_hash FROM credentials").find(issued->secret), std::string::npos);
}

TEST_P(registry_over, refuses_a_login_that_any_account_has) {
  ASSERT_TRUE(node.add_account("shop", {}).has_value());
  ASSERT_TRUE(node.add_account("other", {}).has_value());
  credential_request wanted;
  wanted.login = "web@shop";
  ASSERT_TRUE(node.add_credential("shop", wanted).has_value());
  EXPECT_EQ(why(node.add_credential("other", wanted)), refusal_kind::exists);
  wanted.login = "with blank";
  EXPECT_EQ(why(node.add_credential("other", wanted)), refusal_kind::invalid);
  wanted.login = "fine";
  wanted.scopes = 0;
  EXPECT_EQ(why(node.add_credential("other", wanted)), refusal_kind::invalid);
  EXPECT_EQ(why(node.add_credential("nobody", {})), refusal_kind::not_found);
}

TEST_P(registry_over, forgets_a_revoked_credential_and_tells_its_listeners_at_once) {
  ASSERT_TRUE(node.add_account("shop", {}).has_value());
  ASSERT_TRUE(node.add_account("other", {}).has_value());
  const auto issued = node.add_credential("shop", {});
  ASSERT_TRUE(issued.has_value());
  std::vector<credential_id> gone;
  node.on_change([&](const directory_ptr& old, const directory_ptr& fresh) {
    for (const auto& c : old->all().credentials)
      if (fresh->find(c.id) == nullptr) gone.push_back(c.id);
  });
  EXPECT_EQ(why(node.revoke_credential("other", issued->made.id)), refusal_kind::not_found);
  ASSERT_TRUE(node.revoke_credential("shop", issued->made.id).has_value());
  EXPECT_EQ(node.current()->find_login(issued->made.login), nullptr);
  EXPECT_THAT(gone, ElementsAre(issued->made.id));
}

TEST_P(registry_over, writes_last_uses_together_and_shows_them_before) {
  const auto shop = node.add_account("shop", {});
  const auto issued = node.add_credential("shop", {});
  ASSERT_TRUE(shop && issued);
  const auto at = time.wall_now + 5min;
  node.note_use(issued->made.id, at);
  node.note_use(issued->made.id, at - 1min);
  EXPECT_EQ(node.credentials_of(shop->id).at(0).last_used, at);
  node.write_uses();
  registry again(options(), time);
  ASSERT_TRUE(again.open().has_value());
  EXPECT_EQ(again.credentials_of(shop->id).at(0).last_used, at);
}

// ---- sender domains and keys

TEST_P(registry_over, lets_one_account_only_prove_a_domain) {
  const auto first = shops_domain();
  ASSERT_TRUE(node.add_account("other", {}).has_value());
  const auto second = node.add_domain("other", "shop.example");
  ASSERT_TRUE(second.has_value());
  domain_changes proved;
  proved.verified = true;
  ASSERT_TRUE(node.change_domain(first, proved).has_value());
  EXPECT_EQ(why(node.change_domain(second->id, proved)), refusal_kind::conflict);
  const auto d = node.current();
  EXPECT_NE(d->domain_for(d->find_account("shop")->id, "mail.shop.example"), nullptr);
  EXPECT_EQ(d->domain_for(d->find_account("other")->id, "shop.example"), nullptr);
  EXPECT_EQ(why(node.add_domain("shop", "SHOP.example")), refusal_kind::exists);
  EXPECT_EQ(why(node.add_domain("shop", "no domain")), refusal_kind::invalid);
}

TEST_P(registry_over, keeps_keys_encrypted_and_uses_them_after_a_start) {
  const auto id = shops_domain();
  const auto key = dkim::private_key::generate(dkim::algorithm::ed25519_sha256);
  ASSERT_TRUE(key.has_value());
  ASSERT_TRUE(node.add_key(id, "g1", key_state::pending, *key).has_value());
  EXPECT_EQ(why(node.add_key(id, "g1", key_state::pending, *key)), refusal_kind::exists);
  const auto sealed = stored("SELECT private_key FROM domain_keys");
  EXPECT_THAT(sealed, testing::StartsWith("1:"));
  EXPECT_EQ(sealed.find("PRIVATE"), std::string::npos);

  registry again(options(), time);
  ASSERT_TRUE(again.open().has_value());
  const auto d = again.current();
  const auto& keys = d->domains_named("shop.example").at(0)->keys;
  ASSERT_THAT(keys, SizeIs(1));
  EXPECT_EQ(keys[0].selector, "g1");
  EXPECT_EQ(keys[0].key->record(), key->record());
}

TEST_P(registry_over, moves_a_key_from_pending_to_removed_step_by_step) {
  const auto id = shops_domain();
  const auto key = dkim::private_key::generate(dkim::algorithm::ed25519_sha256);
  ASSERT_TRUE(node.add_key(id, "g1", key_state::pending, *key).has_value());
  const auto state = [&] { return node.current()->domains_named("shop.example").at(0)->keys.at(0).state; };
  EXPECT_EQ(why(node.move_key(id, "g1", key_state::retiring)), refusal_kind::conflict);
  ASSERT_TRUE(node.move_key(id, "g1", key_state::active).has_value());
  EXPECT_EQ(state(), key_state::active);
  EXPECT_TRUE(node.move_key(id, "g1", key_state::active).has_value());
  EXPECT_EQ(why(node.remove_key(id, "g1")), refusal_kind::conflict);
  ASSERT_TRUE(node.move_key(id, "g1", key_state::retiring).has_value());
  EXPECT_EQ(state(), key_state::retiring);
  ASSERT_TRUE(node.remove_key(id, "g1").has_value());
  EXPECT_THAT(node.current()->domains_named("shop.example").at(0)->keys, SizeIs(0));
  EXPECT_EQ(why(node.move_key(id, "g1", key_state::active)), refusal_kind::not_found);
}

TEST_P(registry_over, keeps_the_verdict_of_a_check_and_removes_a_domain_with_its_keys) {
  const auto id = shops_domain();
  const auto key = dkim::private_key::generate(dkim::algorithm::ed25519_sha256);
  ASSERT_TRUE(node.add_key(id, "g1", key_state::pending, *key).has_value());
  ASSERT_TRUE(node.record_check(id, time.wall_now, R"({"verdict":"good"})").has_value());
  const auto d = node.current();
  EXPECT_EQ(d->domains_named("shop.example").at(0)->checked, time.wall_now);
  EXPECT_EQ(d->domains_named("shop.example").at(0)->last_check, R"({"verdict":"good"})");
  ASSERT_TRUE(node.remove_domain(id).has_value());
  EXPECT_EQ(stored("SELECT COUNT(*) FROM domain_keys"), "0");
  EXPECT_EQ(why(node.remove_domain(id)), refusal_kind::not_found);
}

TEST_P(registry_over, refuses_a_key_file_that_is_not_the_databases_and_names_it) {
  std::filesystem::remove(key_file());
  std::ofstream(key_file()) << "ff0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
  registry again(options(), time);
  const auto opened = again.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error(), HasSubstr(key_file()));
}

TEST_P(registry_over, makes_a_key_that_was_moved_to_another_row_unusable) {
  const auto id = shops_domain();
  const auto other = node.add_domain("shop", "other.example");
  const auto key = dkim::private_key::generate(dkim::algorithm::ed25519_sha256);
  ASSERT_TRUE(node.add_key(id, "g1", key_state::active, *key).has_value());
  storage::sql_database db({.url = where.url()});
  ASSERT_TRUE(db.write([&](sql_session& s) -> storage::sql_result<void> {
                  s.change("UPDATE domain_keys SET domain = :domain", {other->id.value});
                  return {};
                }).has_value());
  registry again(options(), time);
  ASSERT_TRUE(again.open().has_value());
  EXPECT_THAT(again.current()->domains_named("other.example").at(0)->keys, SizeIs(0));
}

// ---- several nodes, and a database that is away

TEST_P(registry_over, sees_what_another_node_changed_at_the_next_poll) {
  registry other(options(), time);
  ASSERT_TRUE(other.open().has_value());
  int told = 0;
  other.on_change([&](const directory_ptr&, const directory_ptr&) { ++told; });
  ASSERT_TRUE(node.add_account("shop", {}).has_value());
  EXPECT_EQ(other.current()->find_account("shop"), nullptr);
  other.poll();
  EXPECT_NE(other.current()->find_account("shop"), nullptr);
  other.poll();
  EXPECT_EQ(told, 1);
}

TEST_P(registry_over, is_complete_only_while_the_database_answers_and_reliable_for_a_while_longer) {
  time.steady_now += 6s;  // as if the database hung: no poll came back
  EXPECT_FALSE(node.complete());
  EXPECT_TRUE(node.reliable());
  node.poll();
  EXPECT_TRUE(node.complete());
  time.steady_now += 11min;
  EXPECT_FALSE(node.reliable());
  EXPECT_FALSE(node.complete());
}

TEST(registry_postgresql, starts_without_its_database_and_goes_on_when_it_comes) {
  const storage::temporary_database where(engine::postgresql);
  const auto key = where.folder() + "/key";
  std::ofstream(key) << std::string(64, '0');
  manual_clock time;
  registry node({.database = "postgresql://nobody@/none?host=" + where.folder(), .key_file = key}, time);
  ASSERT_TRUE(node.open().has_value());
  EXPECT_FALSE(node.reliable());
  EXPECT_FALSE(node.complete());
  EXPECT_NE(node.current()->find(default_account), nullptr);
  node.poll();
  EXPECT_EQ(why(node.add_account("shop", {})), refusal_kind::unavailable);
  EXPECT_FALSE(node.complete());
}

TEST(registry_postgresql, wants_a_key_file_of_its_own) {
  manual_clock time;
  registry node({.database = "postgresql:///none", .key_file = ""}, time);
  const auto opened = node.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error(), HasSubstr("accounts.key_file"));
}

TEST(registry_sqlite, makes_its_key_file_beside_the_database) {
  const storage::temporary_database where(engine::sqlite);
  manual_clock time;
  {
    registry node({.database = where.url(), .key_file = ""}, time);
    ASSERT_TRUE(node.open().has_value());
  }
  EXPECT_EQ(std::filesystem::status(where.folder() + "/accounts.key").permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  registry again({.database = where.url(), .key_file = ""}, time);
  EXPECT_TRUE(again.open().has_value());
}

TEST(registry_sqlite, says_what_is_wrong_with_a_database_that_cannot_be_opened) {
  const storage::temporary_database where(engine::sqlite);
  manual_clock time;
  std::ofstream(where.folder() + "/accounts.db") << "this is no database, whatever its name says, and long enough";
  registry node({.database = where.url(), .key_file = ""}, time);
  const auto opened = node.open();
  ASSERT_FALSE(opened.has_value());
  EXPECT_THAT(opened.error(), HasSubstr("accounts.db"));
}

}  // namespace
}  // namespace gonets::accounts
