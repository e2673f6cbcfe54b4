#include "suppression/list.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>

#include "base/hex_test_support.h"

namespace gonets::suppression {
namespace {
using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr account_id shop{7}, other{8};
const wall_time noon{1'767'268'860'000ms};

entry of(std::string address, std::string scope = "") {
  return {shop, std::move(address), std::move(scope), "manual", message_id{0x123456789abcdef}, noon, {}};
}

TEST(suppression_record, has_the_bytes_that_its_grammar_says) {
  const auto e = of("a@b.test", "bulk");
  std::string value;
  encode(e, value);
  EXPECT_EQ(to_hex(key_of(e)), to_hex(from_hex("00000007 6140622e74657374 00 62756c6b")));
  EXPECT_EQ(to_hex(value), to_hex(from_hex("01 e080bbcbb733 00 0123456789abcdef 06 6d616e75616c")));
  EXPECT_EQ(decode(key_of(e), value), e);
  for (std::size_t n = 0; n < value.size(); ++n)
    EXPECT_FALSE(decode(key_of(e), value.substr(0, n))) << n;
  EXPECT_FALSE(decode(key_of(e), value + "x"));
  EXPECT_FALSE(decode("\0\0\0\7a@b.test", value));
  value[0] = 2;
  EXPECT_FALSE(decode(key_of(e), value));
}

class suppressed : public ::testing::Test {
 protected:
  void SetUp() override {
    char name[] = "/tmp/gonets-suppression-XXXXXX";
    folder_ = ::mkdtemp(name);
    store_ = std::move(*storage::store::open({.path = folder_}));
    EXPECT_TRUE(list_.load(*store_));
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }
  void put(std::vector<change> changes) {
    storage::batch b;
    list_.put(changes, b);
    EXPECT_TRUE(store_->write(b, storage::durability::buffered));
  }
  std::string reason(std::string_view address, std::string_view stream = "bulk", account_id who = shop,
                     wall_time now = noon) {
    if (!list_.may_have(who, address)) return "none";
    const auto found = find(*store_, who, address, mail{stream, {}}, now);
    return *found ? (*found)->reason : "none after a look";
  }
  std::string folder_;
  std::unique_ptr<storage::store> store_;
  list list_;
};

TEST_F(suppressed, is_found_whatever_its_case_and_for_its_account_alone) {
  put({{of("ann@b.test")}});
  EXPECT_EQ(reason("ann@b.test"), "manual");
  EXPECT_EQ(reason("Ann@B.test"), "manual");
  EXPECT_EQ(reason("ann@b.tes"), "none");
  EXPECT_EQ(reason("ann@b.test2"), "none");
  EXPECT_EQ(reason("ann@b.test", "bulk", other), "none");
}

TEST_F(suppressed, holds_for_its_stream_and_until_it_expires) {
  auto soon = of("bob@b.test");
  soon.expires = noon + 1h;
  put({{of("ann@b.test", "bulk")}, {soon}});
  EXPECT_EQ(reason("ann@b.test", "bulk"), "manual");
  EXPECT_EQ(reason("ann@b.test", "transactional"), "none after a look");
  EXPECT_EQ(reason("bob@b.test", "bulk", shop, noon + 1h - 1ms), "manual");
  EXPECT_EQ(reason("bob@b.test", "bulk", shop, noon + 1h), "none after a look");
}

TEST_F(suppressed, holds_for_its_mailing_list_whatever_the_stream) {
  put({{of("ann@b.test", of_list("weekly.shop.test"))}});
  const auto applies = [&](const mail& what) { return (*find(*store_, shop, "ann@b.test", what, noon)).has_value(); };
  EXPECT_TRUE(applies({"bulk", "weekly.shop.test"}));
  EXPECT_TRUE(applies({"", "weekly.shop.test"}));
  EXPECT_FALSE(applies({"bulk", "monthly.shop.test"}));
  EXPECT_FALSE(applies({"bulk", ""}));
  EXPECT_FALSE(applies({"weekly.shop.test", ""}));
  put({{of("ann@b.test")}});
  EXPECT_EQ((*find(*store_, shop, "ann@b.test", {"bulk", "weekly.shop.test"}, noon))->scope, "");
  EXPECT_EQ(list_in(of_list("weekly.shop.test")), "weekly.shop.test");
  EXPECT_EQ(list_in("bulk"), "");
}

TEST_F(suppressed, goes_when_it_is_removed_and_only_in_that_scope) {
  put({{of("ann@b.test", "bulk")}, {of("ann@b.test")}});
  put({{of("ann@b.test"), true}});
  EXPECT_EQ(reason("ann@b.test", "transactional"), "none after a look");
  EXPECT_EQ(reason("ann@b.test", "bulk"), "manual");
}

TEST_F(suppressed, is_got_by_its_very_scope) {
  auto past = of("bob@b.test", "bulk");
  past.expires = noon - 1h;
  put({{of("ann@b.test")}, {past}});
  EXPECT_EQ(**get(*store_, shop, "Ann@b.test", ""), of("ann@b.test"));
  EXPECT_EQ(*get(*store_, shop, "ann@b.test", "bulk"), std::nullopt);
  EXPECT_EQ(*get(*store_, other, "ann@b.test", ""), std::nullopt);
  EXPECT_EQ(**get(*store_, shop, "bob@b.test", "bulk"), past);
}

TEST_F(suppressed, is_read_page_by_page) {
  put({{of("c@b.test")}, {of("a@b.test", "bulk")}, {of("a@b.test")}, {of("b@b.test")}});
  const auto first = *read(*store_, shop, "", 3);
  EXPECT_THAT(first.rows, ElementsAre(of("a@b.test"), of("a@b.test", "bulk"), of("b@b.test")));
  EXPECT_EQ(first.next, key_of(first.rows.back()));
  const auto last = *read(*store_, shop, first.next, 3);
  EXPECT_THAT(last.rows, ElementsAre(of("c@b.test")));
  EXPECT_EQ(last.next, "");
  EXPECT_EQ(read(*store_, shop, "", 4)->next, "") << "nothing is behind it";
  EXPECT_THAT(read(*store_, other, "", 3)->rows, IsEmpty());
  EXPECT_THAT(read(*store_, account_id{6}, "", 3)->rows, IsEmpty());
}

TEST_F(suppressed, is_searched_by_reason_scope_text_and_time) {
  auto dead = of("ann@b.test");
  dead.reason = "user_unknown";
  auto late = of("bob@c.test", "bulk");
  late.since = noon + 1h;
  put({{dead}, {late}, {of("eve@b.test")}});
  const auto found = [&](filter which) { return read(*store_, shop, "", 9, which)->rows; };
  EXPECT_THAT(found({.reason = "user_unknown"}), ElementsAre(dead));
  EXPECT_THAT(found({.scope = "bulk"}), ElementsAre(late));
  EXPECT_THAT(found({.text = "@b.test"}), ElementsAre(dead, of("eve@b.test")));
  EXPECT_THAT(found({.since = noon + 1h}), ElementsAre(late));
  EXPECT_THAT(found({.reason = "manual", .text = "ann"}), IsEmpty());
  EXPECT_EQ(read(*store_, shop, "", 1, {.text = "@b.test"})->next, key_of(dead));
}

TEST_F(suppressed, prefers_the_entry_for_all_mail) {
  auto all = of("ann@b.test");
  all.reason = "user_unknown";
  put({{of("ann@b.test", "bulk")}, {all}});
  EXPECT_EQ(reason("ann@b.test"), "user_unknown");
  EXPECT_THAT(*read_address(*store_, shop, "Ann@b.test"), ElementsAre(all, of("ann@b.test", "bulk")));
}

TEST_F(suppressed, is_one_in_u_labels_and_a_labels) {
  put({{of(normalised("Ann@B\u00fccher.test"))}});
  for (const auto* spelling : {"ann@b\u00fccher.test", "ANN@B\u00dcCHER.test", "ann@xn--bcher-kva.test"}) {
    EXPECT_EQ(reason(spelling), "manual") << spelling;
    EXPECT_EQ((**get(*store_, shop, spelling, "")).address, "ann@xn--bcher-kva.test");
  }
  put({{of("ann@b\u00fccher.test"), true}});
  EXPECT_EQ(reason("ann@xn--bcher-kva.test"), "none after a look");
}

TEST_F(suppressed, is_found_as_an_earlier_release_wrote_it_in_u_labels) {
  const auto old = of("ann@b\u00fccher.test");
  storage::batch b;
  std::string value;
  encode(old, value);
  b.put(storage::family::suppression, key_of(old), value);
  ASSERT_TRUE(store_->write(b, storage::durability::buffered));
  list fresh;
  ASSERT_EQ(fresh.load(*store_), 1u);
  for (const auto* spelling : {"ann@b\u00fccher.test", "ann@xn--bcher-kva.test"}) {
    EXPECT_TRUE(fresh.may_have(shop, spelling));
    EXPECT_EQ(**find(*store_, shop, spelling, {"bulk", {}}, noon), old);
  }
  put({{of("ann@xn--bcher-kva.test")}});
  EXPECT_THAT(*read_address(*store_, shop, "ann@b\u00fccher.test"), ElementsAre(of("ann@xn--bcher-kva.test")));
}

TEST_F(suppressed, is_asked_for_of_everybody_until_it_is_loaded) {
  put({{of("ann@b.test")}});
  list fresh;
  EXPECT_TRUE(fresh.may_have(shop, "bob@b.test"));
  EXPECT_EQ(fresh.load(*store_), 1u);
  EXPECT_FALSE(fresh.may_have(shop, "bob@b.test"));
  EXPECT_TRUE(fresh.may_have(shop, "ann@b.test"));
}

TEST_F(suppressed, says_maybe_of_few_that_are_not) {
  std::vector<change> many;
  for (int i = 0; i < 100'000; ++i)
    many.push_back({of(fmt::format("user{}@b.test", i))});
  put(many);
  int wrong = 0;
  for (int i = 0; i < 100'000; ++i) {
    EXPECT_TRUE(list_.may_have(shop, fmt::format("user{}@b.test", i)));
    wrong += list_.may_have(shop, fmt::format("nobody{}@b.test", i));
  }
  // Of 2^38 places 100,000 are taken: some 0.04 of these would meet one.
  EXPECT_LE(wrong, 2);
}

}  // namespace
}  // namespace gonets::suppression
