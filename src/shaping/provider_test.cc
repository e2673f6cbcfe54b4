#include "shaping/provider.h"

#include <gtest/gtest.h>

namespace gonets::shaping {
namespace {

provider_table some_providers() {
  return provider_table({
      {.name = "big", .mx = {"big.example", "Mail.Big.Example."}, .domains = {"Big.Example.", "bigmail.example"}},
      {.name = "big-business", .mx = {"business.big.example"}},
      {.name = "other", .mx = {"other.test"}},
  });
}

std::string name_of(const provider* p) {
  return p == nullptr ? "none" : p->name;
}

TEST(provider_table, finds_by_the_recipients_domain_whatever_its_case_and_final_dot) {
  const auto table = some_providers();
  for (const char* domain : {"big.example", "BIG.example.", "bigmail.example", "BigMail.Example"})
    EXPECT_EQ(name_of(table.find_domain(domain)), "big") << domain;
}

TEST(provider_table, a_domain_means_itself_alone) {
  const auto table = some_providers();
  for (const char* domain : {"sub.big.example", "notbig.example", "example", "", "."})
    EXPECT_EQ(table.find_domain(domain), nullptr) << domain;
}

TEST(provider_table, finds_hosts_by_suffix_at_the_borders_of_labels_only) {
  const auto table = some_providers();
  EXPECT_EQ(name_of(table.find_host("mx1.big.example")), "big");
  EXPECT_EQ(name_of(table.find_host("MX.a.b.c.Big.Example.")), "big");
  EXPECT_EQ(name_of(table.find_host("big.example")), "big");
  EXPECT_EQ(name_of(table.find_host("mx.notbig.example")), "none");
  EXPECT_EQ(name_of(table.find_host("mx.big.example.org")), "none");
}

TEST(provider_table, the_longest_suffix_wins) {
  EXPECT_EQ(name_of(some_providers().find_host("mx.business.big.example")), "big-business");
}

TEST(provider_table, what_is_too_long_to_be_a_name_is_nobodys) {
  EXPECT_EQ(some_providers().find_host(std::string(300, 'a') + ".big.example"), nullptr);
}

TEST(provider_table, most_of_the_hosts_decide_and_the_first_among_equals) {
  const auto table = some_providers();
  const auto found = [&](std::vector<std::string> hosts) { return name_of(table.find_hosts(hosts)); };
  EXPECT_EQ(found({"mx1.big.example", "mx2.big.example", "backup.elsewhere.test"}), "big");
  EXPECT_EQ(found({"mx.own.test", "mx2.own.test", "backup.big.example"}), "none");
  EXPECT_EQ(found({"mx.own.test", "backup.big.example"}), "none");
  EXPECT_EQ(found({"mx.big.example", "mx.other.test"}), "big");
  EXPECT_EQ(found({"mx.other.test", "mx.big.example"}), "other");
  EXPECT_EQ(found({}), "none");
}

TEST(provider_table, more_hosts_than_any_domain_has_are_not_counted_on) {
  const std::vector<std::string> hosts(1000, "mx.big.example");
  EXPECT_EQ(name_of(some_providers().find_hosts(hosts)), "big");
}

TEST(provider_table, the_domain_goes_before_the_hosts) {
  const auto table = some_providers();
  const std::vector<std::string> hosts{"mx.other.test"};
  EXPECT_EQ(name_of(table.find("big.example", hosts)), "big");
  EXPECT_EQ(name_of(table.find("customer.test", hosts)), "other");
}

TEST(provider_table, of_two_with_the_same_suffix_the_first_has_it) {
  const provider_table table({{.name = "first", .mx = {"x.test"}}, {.name = "second", .mx = {"X.TEST."}}});
  EXPECT_EQ(name_of(table.find_host("x.test")), "first");
}

TEST(provider_table, finds_by_name_also_when_it_was_copied) {
  const auto table = some_providers();
  const auto copy = table;
  EXPECT_EQ(copy.find("other"), &copy.all()[2]);
  EXPECT_EQ(copy.find("Other"), nullptr);
}

}  // namespace
}  // namespace gonets::shaping
