// Over a registry with a SQLite of the test's own, and a resolver that answers from a table.
#include "domains/service.h"

#include <gmock/gmock.h>

#include <atomic>
#include <future>
#include <map>
#include <mutex>

#include "storage/sql_test_support.h"

namespace gonets::domains {
namespace {

using accounts::key_state;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class table_resolver final : public runtime::resolver {
 public:
  explicit table_resolver(runtime::shards& on) : on_(on) {}
  void set_txt(const std::string& name, const std::string& text) {
    const std::lock_guard lock(mutex_);
    texts_[name] = text;
  }
  void forget_all() {
    const std::lock_guard lock(mutex_);
    texts_.clear();
  }

  void query_mx(std::string_view, handler done) override { answer({}, std::move(done)); }
  void query_a(std::string_view, handler done) override { answer({}, std::move(done)); }
  void query_aaaa(std::string_view, handler done) override { answer({}, std::move(done)); }
  void query_tlsa(std::string_view, handler done) override { answer({}, std::move(done)); }
  void query_ptr(std::string_view, handler done) override { answer({}, std::move(done)); }
  void query_cname(std::string_view, handler done) override { answer({}, std::move(done)); }
  void query_txt(std::string_view name, handler done) override {
    const std::lock_guard lock(mutex_);
    const auto at = texts_.find(std::string(name));
    answer(at == texts_.end() ? std::vector<std::string>{} : std::vector{at->second}, std::move(done));
  }

 private:
  void answer(std::vector<std::string> texts, handler done) {
    runtime::dns_answer a;
    a.status = texts.empty() ? runtime::dns_status::no_such_name : runtime::dns_status::ok;
    a.texts = std::move(texts);
    on_.post(0, [a = std::move(a), done = std::move(done)]() mutable { done(std::move(a)); });
  }
  runtime::shards& on_;
  std::mutex mutex_;
  std::map<std::string, std::string> texts_;
};

struct set_clock final : clock {
  std::atomic<std::int64_t> ms{1'767'225'600'000};
  wall_time wall() const override { return wall_time(std::chrono::milliseconds(ms)); }
  steady_time steady() const override { return steady_time(std::chrono::milliseconds(ms)); }
};

class sender_domains : public testing::Test {
 protected:
  sender_domains() {
    const auto opened = registry_.open();
    EXPECT_TRUE(opened.has_value()) << opened.error();
    shards_.start();
  }
  ~sender_domains() override { shards_.stop(); }

  // What `ask` is answered.
  template <class T, class Ask>
  std::expected<T, refusal> wait(Ask ask) {
    std::promise<std::expected<T, refusal>> answered;
    auto got = answered.get_future();
    ask(on_result<T>([&](std::expected<T, refusal> said) { answered.set_value(std::move(said)); }));
    return got.get();
  }
  domain_view add(const std::string& name = "shop.test") {
    return *wait<domain_view>([&](auto done) { service_.add({{"", name}, {}, {}}, std::move(done)); });
  }
  domain_view check() {
    return *wait<domain_view>([&](auto done) { service_.check(shop_, std::move(done)); });
  }
  std::expected<domain_view, refusal> rotate(bool now) {
    return wait<domain_view>([&](auto done) { service_.rotate(shop_, now, std::move(done)); });
  }
  void publish(const domain_view& v) {
    for (const auto& r : v.records) {
      if (r.type == "TXT") dns_.set_txt(r.name, r.value);
    }
  }
  static std::vector<std::string> states(const domain_view& v) {
    std::vector<std::string> all;
    for (const auto& k : v.domain.keys)
      all.emplace_back(std::string(dkim::to_text(k.key->kind())) + (k.state == key_state::pending  ? " pending"
                                                                    : k.state == key_state::active ? " active"
                                                                                                   : " retiring"));
    return all;
  }

  const which_domain shop_{"default", "shop.test"};
  storage::temporary_database where_{storage::engine::sqlite};
  set_clock time_;
  accounts::registry registry_{{where_.url(), ""}, time_};
  runtime::shards shards_{1};
  table_resolver dns_{shards_};
  std::mutex events_mutex_;
  std::vector<events::event> events_;
  runtime::blocking_pool pool_{1, 100};
  service service_{{}, registry_, shards_, pool_, dns_, time_, [this](events::event e) {
                     const std::lock_guard lock(events_mutex_);
                     events_.push_back(std::move(e));
                   }};
};

TEST_F(sender_domains, begin_with_a_pending_key_of_each_algorithm) {
  const auto made = add("SHOP.test");
  EXPECT_EQ(made.domain.name, "shop.test");
  EXPECT_FALSE(made.domain.verified);
  EXPECT_EQ(made.domain.return_path, "bounce.shop.test");
  EXPECT_THAT(states(made), UnorderedElementsAre("rsa-sha256 pending", "ed25519-sha256 pending"));
  EXPECT_EQ(made.records.size(), 7u);
  const auto again = wait<domain_view>([&](auto done) { service_.add({shop_, {}, {}}, std::move(done)); });
  EXPECT_EQ(again.error().what, refusal_kind::exists);
}

TEST_F(sender_domains, are_verified_and_sign_once_their_records_are_seen) {
  const auto made = add();
  EXPECT_FALSE(check().domain.verified);
  publish(made);
  const auto checked = check();
  EXPECT_TRUE(checked.domain.verified);
  EXPECT_THAT(states(checked), UnorderedElementsAre("rsa-sha256 active", "ed25519-sha256 active"));
  EXPECT_THAT(checked.domain.last_check, HasSubstr("\"owned\":true"));
  EXPECT_NE(registry_.current()->domain_for(accounts::default_account, "mail.shop.test"), nullptr);
}

TEST_F(sender_domains, are_not_verified_without_a_proof_but_by_force) {
  add();
  const auto refused = wait<domain_view>([&](auto done) { service_.verify(shop_, false, std::move(done)); });
  EXPECT_EQ(refused.error().what, refusal_kind::conflict);
  EXPECT_THAT(refused.error().detail, HasSubstr("_gonets.shop.test"));
  const auto forced = wait<domain_view>([&](auto done) { service_.verify(shop_, true, std::move(done)); });
  EXPECT_TRUE(forced->domain.verified);
}

TEST_F(sender_domains, rotate_their_keys_with_an_overlap) {
  publish(add());
  check();
  const auto turning = rotate(false);
  EXPECT_THAT(states(*turning), UnorderedElementsAre("rsa-sha256 active", "ed25519-sha256 active", "rsa-sha256 pending",
                                                     "ed25519-sha256 pending"));
  EXPECT_EQ(rotate(false).error().what, refusal_kind::conflict);
  EXPECT_THAT(states(check()), testing::Contains("rsa-sha256 pending")) << "nobody has seen the new records yet";
  publish(*turning);
  const std::vector<std::string> turned{"rsa-sha256 retiring", "ed25519-sha256 retiring", "rsa-sha256 active",
                                        "ed25519-sha256 active"};
  EXPECT_THAT(states(check()), testing::UnorderedElementsAreArray(turned));
}

TEST_F(sender_domains, rotate_at_once_when_told_so) {
  publish(add());
  check();
  EXPECT_THAT(states(*rotate(true)), UnorderedElementsAre("rsa-sha256 retiring", "ed25519-sha256 retiring",
                                                          "rsa-sha256 active", "ed25519-sha256 active"));
}

TEST_F(sender_domains, take_a_key_of_ones_own) {
  publish(add());
  check();
  const auto pem = dkim::private_key::generate(dkim::algorithm::ed25519_sha256)->to_pem();
  const auto import = [&](const std::string& text) {
    return wait<domain_view>([&](auto done) { service_.import_key(shop_, {"own", text, true}, std::move(done)); });
  };
  EXPECT_THAT(states(*import(pem)),
              UnorderedElementsAre("rsa-sha256 active", "ed25519-sha256 retiring", "ed25519-sha256 active"));
  EXPECT_EQ(import("nonsense").error().what, refusal_kind::invalid);
}

TEST_F(sender_domains, raise_an_event_when_they_get_worse) {
  publish(add());
  check();
  EXPECT_THAT(events_, IsEmpty());
  dns_.forget_all();
  check();
  check();
  std::vector<std::string> reasons;
  for (const auto& e : events_) {
    EXPECT_EQ(e.kind, events::kind::domain);
    EXPECT_EQ(e.sender, "shop.test");
    reasons.push_back(e.reason.substr(0, e.reason.find(':')));
  }
  EXPECT_THAT(reasons, testing::Contains("dmarc_record").Times(1));
}

TEST_F(sender_domains, of_another_account_are_not_shown) {
  add();
  ASSERT_TRUE(registry_.add_account("other", {}));
  const auto shown = wait<domain_view>([&](auto done) { service_.show({"other", "shop.test"}, std::move(done)); });
  EXPECT_EQ(shown.error().what, refusal_kind::not_found);
  const auto listed = wait<std::vector<domain_view>>([&](auto done) { service_.list("other", std::move(done)); });
  EXPECT_THAT(*listed, IsEmpty());
}

TEST_F(sender_domains, are_forgotten_when_removed) {
  add();
  EXPECT_TRUE(wait<std::monostate>([&](auto done) { service_.remove(shop_, std::move(done)); }));
  EXPECT_EQ(wait<domain_view>([&](auto done) { service_.show(shop_, std::move(done)); }).error().what,
            refusal_kind::not_found);
}

}  // namespace
}  // namespace gonets::domains
