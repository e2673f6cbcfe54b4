#include "auth/authenticator.h"

#include "auth/authenticator_test_support.h"

namespace gonets::auth {
namespace {

using namespace std::chrono_literals;
using testing::from;
using testing::logins;

TEST_F(logins, grants_who_knows_the_password_and_says_as_whom) {
  const auto o = password("alice", "open sesame");
  EXPECT_EQ(o.what, verdict::granted);
  EXPECT_EQ(o.who.account, account_id{1});
  EXPECT_EQ(o.who.credential.value, 1u);
  EXPECT_EQ(o.who.stream, "bulk");
  EXPECT_EQ(used, 1u);
}

TEST_F(logins, refuses_alike_whatever_was_wrong) {
  for (const auto& [login, secret] : {std::pair{"alice", "wrong"},
                                      {"nobody", "open sesame"},
                                      {"Alice", "open sesame"},
                                      {"reader", "can only read"},
                                      {"key", "a key's secret"}}) {
    const auto o = password(login, secret, from("198.51.100." + std::to_string(1 + std::strlen(login))));
    EXPECT_EQ(o.what, verdict::refused) << login;
    EXPECT_GT(o.delay, 0s);
  }
  EXPECT_EQ(used, 0u);
  EXPECT_EQ(hashes(), 5u);  // the unknown login costs one, too
}

TEST_F(logins, remembers_a_verified_password_but_no_wrong_one) {
  password("alice", "open sesame");
  EXPECT_EQ(hashes(), 1u);
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(password("alice", "open sesame").what, verdict::granted);
  EXPECT_EQ(hashes(), 1u);
  password("alice", "wrong");
  password("alice", "wrong");
  EXPECT_EQ(hashes(), 3u);
}

TEST_F(logins, forgets_a_verified_password_with_its_credential) {
  password("alice", "open sesame");
  auto changed = testing::some_accounts();
  changed.credentials[0] = testing::a_credential(1, "alice", "another one");
  source.set(changed);
  EXPECT_EQ(password("alice", "open sesame").what, verdict::refused);
  EXPECT_EQ(password("alice", "another one").what, verdict::granted);
  source.set({});
  EXPECT_EQ(password("alice", "another one").what, verdict::refused);
}

TEST_F(logins, holds_a_credential_to_its_networks_and_an_account_to_its_state) {
  EXPECT_EQ(password("office", "from the office", from("192.0.2.77")).what, verdict::granted);
  EXPECT_EQ(password("office", "from the office", from("198.51.100.1")).what, verdict::refused);
  auto changed = testing::some_accounts();
  changed.accounts[0].state = accounts::account_state::paused;
  source.set(changed);
  EXPECT_EQ(password("alice", "open sesame").what, verdict::granted);
  changed.accounts[0].state = accounts::account_state::closed;
  source.set(changed);
  EXPECT_EQ(password("alice", "open sesame").what, verdict::refused);
}

TEST_F(logins, tells_when_an_open_connection_may_not_go_on) {
  const auto who = password("alice", "open sesame").who;
  const auto here = from("192.0.2.1").address;
  EXPECT_TRUE(all->still_valid(who, here));
  auto changed = testing::some_accounts();
  changed.accounts[0].state = accounts::account_state::closed;
  source.set(changed);
  EXPECT_FALSE(all->still_valid(who, here));
  changed = testing::some_accounts();
  changed.credentials[0] = testing::a_credential(1, "alice", "another one");
  source.set(changed);
  EXPECT_FALSE(all->still_valid(who, here));
  source.set({});
  EXPECT_FALSE(all->still_valid(who, here));
  source.set(testing::some_accounts());
  EXPECT_TRUE(all->still_valid(who, here));
}

TEST_F(logins, locks_a_source_that_keeps_failing_and_spends_no_hash_on_it) {
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(password("nobody" + std::to_string(i), "x").what, verdict::refused);
  EXPECT_TRUE(all->source_locked(from("192.0.2.1").address));
  const auto before = hashes();
  EXPECT_EQ(password("alice", "open sesame").what, verdict::locked);
  EXPECT_EQ(hashes(), before);
  EXPECT_EQ(password("alice", "open sesame", from("192.0.2.2")).what, verdict::granted);
  time.advance(16min);
  EXPECT_EQ(password("alice", "open sesame").what, verdict::granted);
}

TEST_F(logins, locks_a_login_for_strangers_and_not_for_where_it_succeeded) {
  password("alice", "open sesame", from("192.0.2.7"));
  for (const auto* attacker : {"198.51.100.1", "198.51.100.2", "198.51.100.3"})
    password("alice", "wrong", from(attacker));
  const auto before = hashes();
  EXPECT_EQ(password("alice", "open sesame", from("198.51.100.9")).what, verdict::refused);
  EXPECT_EQ(hashes(), before);
  EXPECT_EQ(password("alice", "open sesame", from("192.0.2.7")).what, verdict::granted);
  EXPECT_TRUE(all->failures().unlock("alice"));
  EXPECT_EQ(password("alice", "open sesame", from("198.51.100.9")).what, verdict::granted);
}

TEST_F(logins, says_later_rather_than_no_while_the_database_may_know_better) {
  source.is_complete = false;
  EXPECT_EQ(password("alice", "open sesame").what, verdict::granted);
  EXPECT_EQ(password("newcomer", "x").what, verdict::unavailable);
  source.is_reliable = false;
  EXPECT_EQ(password("alice", "open sesame").what, verdict::unavailable);
  EXPECT_FALSE(all->failures().unlock("newcomer"));
}

TEST_F(logins, offers_nothing_without_tls_but_to_the_networks_named) {
  EXPECT_EQ(all->offered_to(from("192.0.2.1", true)), "PLAIN SCRAM-SHA-256 XOAUTH2");
  EXPECT_EQ(all->offered_to(from("192.0.2.1", false)), "");
  auto with_certificate = from("192.0.2.1");
  with_certificate.certificate_sha256 = std::string(64, 'b');
  EXPECT_EQ(all->offered_to(with_certificate), "PLAIN SCRAM-SHA-256 XOAUTH2 EXTERNAL");
  with.plaintext_networks = {*parse_network("192.0.2.0/24")};
  all->reconfigure(with);
  EXPECT_EQ(all->offered_to(from("192.0.2.1", false)), "PLAIN SCRAM-SHA-256 XOAUTH2");
  EXPECT_EQ(all->offered_to(from("198.51.100.1", false)), "");
}

TEST_F(logins, takes_an_api_key_for_the_api_only_and_locks_nobody_for_a_wrong_one) {
  EXPECT_EQ(api_key("key", "a key's secret"), verdict::granted);
  EXPECT_EQ(used, 4u);
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(api_key("key", "wrong"), verdict::refused);
  EXPECT_EQ(api_key("key", "a key's secret"), verdict::granted);
  EXPECT_EQ(api_key("alice", "open sesame"), verdict::refused);
  EXPECT_EQ(api_key("nobody", "x"), verdict::refused);
}

TEST_F(logins, counts_attempts_by_mechanism_and_result) {
  password("alice", "open sesame");
  password("alice", "wrong");
  const auto page = counts.render();
  EXPECT_NE(page.find(R"(gonets_auth_attempts_total{mechanism="PLAIN",result="granted"} 1)"), std::string::npos);
  EXPECT_NE(page.find(R"(gonets_auth_attempts_total{mechanism="PLAIN",result="refused"} 1)"), std::string::npos);
}

}  // namespace
}  // namespace gonets::auth
