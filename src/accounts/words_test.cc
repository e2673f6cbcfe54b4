#include "accounts/words.h"

#include <gtest/gtest.h>

namespace gonets::accounts {
namespace {

TEST(quota_text, is_read_as_it_is_written) {
  for (const auto* text : {"1500 recipients/month", "60 messages/minute@bulk", "10GiB bytes/day", "0 messages/hour"}) {
    const auto q = parse_quota(text);
    ASSERT_TRUE(q.has_value()) << text;
    EXPECT_EQ(to_text(*q), text);
  }
}

TEST(quota_text, means_recipients_when_it_does_not_say) {
  EXPECT_EQ(parse_quota("1500/month"), (quota{quota_window::month, quota_measure::recipients, 1500, ""}));
  EXPECT_EQ(parse_quota(" 5 / day @ bulk "), (quota{quota_window::day, quota_measure::recipients, 5, "bulk"}));
}

TEST(quota_text, refuses_what_it_does_not_understand) {
  for (const auto* text : {"", "1500", "/month", "x/month", "-1/month", "1/week", "1 letters/day", "1/day@",
                           "1/day@A b", "1MiB messages/day", "99999999999999999999/day"})
    EXPECT_FALSE(parse_quota(text).has_value()) << text;
}

TEST(valid_name, takes_what_fits_into_a_path_and_a_log_line) {
  for (const auto* good : {"a", "shop-1", "a.b_c", "0"})
    EXPECT_TRUE(valid_name(good)) << good;
  for (const auto& bad : {std::string(""), std::string("A"), std::string(".a"), std::string("a b"), std::string("a/b"),
                          std::string(65, 'a')})
    EXPECT_FALSE(valid_name(bad)) << bad;
}

TEST(scope_words, name_each_bit) {
  EXPECT_EQ(scope_words(scope_send | scope_admin), (std::vector<std::string_view>{"send", "admin"}));
  EXPECT_EQ(parse_scope("read"), scope_read);
  EXPECT_FALSE(parse_scope("write"));
}

}  // namespace
}  // namespace gonets::accounts
