#include "bounce/suppression_policy.h"

#include <gtest/gtest.h>

namespace gonets::bounce {
namespace {

verdict of(category c, bool permanent) {
  verdict v;
  v.is = c;
  v.permanent = permanent;
  v.suppress = permanent && facts_of(c).dead_address;
  return v;
}

TEST(suppression_policy, takes_dead_addresses_off_at_once_and_only_when_it_is_for_good) {
  const suppression_policy usual;
  for (std::size_t i = 0; i < categories; ++i) {
    const auto v = of(static_cast<category>(i), true);
    EXPECT_EQ(consequence_of(v, usual) == consequence::suppress, v.suppress) << to_text(v.is);
  }
  EXPECT_EQ(consequence_of(of(category::user_unknown, false), usual), consequence::soft);
}

TEST(suppression_policy, never_holds_against_a_recipient_what_is_about_the_sender) {
  suppression_policy all;
  for (const auto c : {category::reputation, category::blocklisted, category::spam_suspected, category::policy,
                       category::authentication_failed, category::rate_limited, category::greylisted, category::expired,
                       category::auto_reply, category::unknown, category::too_large}) {
    EXPECT_FALSE(may_suppress(c)) << to_text(c);
    EXPECT_EQ(consequence_of(of(c, true), all), consequence::none) << to_text(c);
    EXPECT_EQ(consequence_of(of(c, false), all), consequence::none) << to_text(c);
  }
}

TEST(suppression_policy, counts_full_mailboxes_unless_an_account_takes_them_off_at_once) {
  suppression_policy own;
  EXPECT_EQ(consequence_of(of(category::mailbox_full, true), own), consequence::soft);
  EXPECT_EQ(consequence_of(of(category::network_error, false), own), consequence::soft);
  own.at_once.set(static_cast<std::size_t>(category::mailbox_full));
  EXPECT_EQ(consequence_of(of(category::mailbox_full, true), own), consequence::suppress);
  EXPECT_EQ(consequence_of(of(category::mailbox_full, false), own), consequence::soft);
  own.soft_bounces = 0;
  EXPECT_EQ(consequence_of(of(category::mailbox_full, false), own), consequence::none);
}

}  // namespace
}  // namespace gonets::bounce
