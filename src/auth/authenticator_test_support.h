// What the tests of logins share: an account with credentials, a source of it that can be changed and made to fail, an
// authenticator on a running shard, and calls that wait for its answer.
#pragma once
#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <future>
#include <map>
#include <mutex>

#include "auth/dialogue.h"

namespace gonets::auth::testing {

class still_clock final : public clock {
 public:
  wall_time wall() const override { return wall_time(now.load()); }
  steady_time steady() const override { return steady_time(now.load()); }
  void advance(std::chrono::milliseconds by) { now = now.load() + by; }
  std::atomic<std::chrono::milliseconds> now{std::chrono::hours(1000)};
};

class changing_source final : public accounts::directory_source {
 public:
  accounts::directory_ptr current() const override {
    const std::lock_guard lock(mutex_);
    return all_;
  }
  bool reliable() const override { return is_reliable; }
  bool complete() const override { return is_complete; }
  void set(accounts::contents all) {
    auto fresh = std::make_shared<const accounts::directory>(std::move(all));
    const std::lock_guard lock(mutex_);
    all_ = std::move(fresh);
  }
  std::atomic<bool> is_reliable{true}, is_complete{true};

 private:
  mutable std::mutex mutex_;
  accounts::directory_ptr all_;
};

// Knows its tokens, and answers at once.
class known_tokens final : public introspector {
 public:
  bool configured() const override { return true; }
  void ask(std::string token, std::move_only_function<void(token_verdict)> done) override {
    if (token == "down") return done({});
    const auto at = logins.find(token);
    done({true, at == logins.end() ? std::nullopt : std::optional(at->second)});
  }
  std::map<std::string, std::string> logins{{"good-token", "alice"}, {"nobodys-token", "nobody"}};
};

inline accounts::credential a_credential(std::uint32_t id, std::string login, std::string_view password) {
  constexpr sasl::argon2_cost cheap{.memory_kib = 64, .passes = 1};
  accounts::credential c;
  c.id = {id};
  c.account = account_id{1};
  c.login = std::move(login);
  c.secret_hash = sasl::hash_password(password, "saltsaltsaltsalt", cheap);
  c.scram = sasl::make_scram_verifier(password, "saltsaltsaltsalt");
  return c;
}

inline accounts::contents some_accounts() {
  accounts::contents all;
  all.accounts.push_back({.id = account_id{1}, .name = "acme"});
  all.credentials.push_back(a_credential(1, "alice", "open sesame"));
  all.credentials.back().certificate_sha256 = std::string(64, 'a');
  all.credentials.back().stream = "bulk";
  all.credentials.push_back(a_credential(2, "reader", "can only read"));
  all.credentials.back().scopes = accounts::scope_read;
  all.credentials.push_back(a_credential(3, "office", "from the office"));
  all.credentials.back().networks = {*parse_network("192.0.2.0/24")};
  all.credentials.push_back(a_credential(4, "key", "a key's secret"));
  all.credentials.back().kind = accounts::credential_kind::api_key;
  return all;
}

inline caller from(std::string_view address, bool tls = true) {
  return {.address = *parse_address(address), .tls = tls, .certificate_sha256 = {}};
}

class logins : public ::testing::Test {
 protected:
  void SetUp() override {
    source.set(some_accounts());
    with.mechanisms = {sasl::mechanism::plain, sasl::mechanism::scram_sha_256, sasl::mechanism::xoauth2,
                       sasl::mechanism::external};
    with.lockout.failures_max = 3;
    on.start();
    make();
  }
  void TearDown() override {
    all.reset();  // its threads post to the shard
    on.stop();
  }
  void make() {
    all = std::make_unique<authenticator>(with, source, tokens, on, time, counts,
                                          [this](accounts::credential_id id) { used = id.value; });
  }

  outcome password(std::string login, std::string secret, const caller& who = from("192.0.2.1")) {
    return waited<outcome>(
        [&](auto done) { all->check_password(who, sasl::mechanism::plain, login, secret, std::move(done)); });
  }
  verdict api_key(std::string login, std::string secret) {
    return waited<outcome>(
               [&](auto done) { all->check_api_key(from("127.0.0.1").address, login, secret, std::move(done)); })
        .what;
  }

  // Calls on the shard, and waits for the answer.
  template <class Answer, class Call>
  Answer waited(Call call) {
    std::promise<Answer> promise;
    auto answer = promise.get_future();
    on.post(0, [&] { call([&](Answer a) { promise.set_value(std::move(a)); }); });
    return answer.get();
  }

  std::uint64_t hashes() { return counts.make_counter("gonets_auth_hashes_total", "").value(); }

  options with;
  changing_source source;
  known_tokens tokens;
  still_clock time;
  metrics::registry counts;
  runtime::shards on{1};
  std::atomic<std::uint32_t> used{0};
  std::unique_ptr<authenticator> all;
};

}  // namespace gonets::auth::testing
