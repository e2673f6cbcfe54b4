#include "events/filter.h"

#include <gmock/gmock.h>

namespace gonets::events {
namespace {

event of(kind k, std::uint32_t account, std::uint64_t message, std::string stream = "bulk") {
  event e;
  e.kind = k;
  e.account = account_id{account};
  e.message = message_id{message};
  e.stream = std::move(stream);
  return e;
}

TEST(event_filter, takes_everything_when_nothing_is_asked_for) {
  EXPECT_TRUE(filter{}.wants(of(kind::pace, 0, 0, "")));
  EXPECT_TRUE(filter{}.wants(of(kind::bounced, 7, 1)));
}

TEST(event_filter, an_account_sees_what_is_its_own_and_nothing_of_the_server_s) {
  const filter own{.account = account_id{0}};
  EXPECT_TRUE(own.wants(of(kind::delivered, 0, 1)));
  EXPECT_FALSE(own.wants(of(kind::delivered, 7, 1)));
  EXPECT_TRUE(own.wants(of(kind::domain, 0, 0)));
  EXPECT_FALSE(own.wants(of(kind::domain, 7, 0)));
  EXPECT_TRUE(own.wants(of(kind::rejected, 0, 0)));
  EXPECT_TRUE(own.wants(of(kind::quota, 0, 0)));
  EXPECT_FALSE(own.wants(of(kind::certificate, 0, 0)));
  EXPECT_FALSE(own.wants(of(kind::pace, 0, 0)));
  EXPECT_FALSE(own.wants(of(kind::blocklist, 0, 0)));
}

TEST(event_filter, kinds_and_streams_must_both_fit) {
  const filter some{.kinds = {kind::bounced, kind::delivered}, .streams = {"bulk"}};
  EXPECT_TRUE(some.wants(of(kind::bounced, 7, 1)));
  EXPECT_FALSE(some.wants(of(kind::deferred, 7, 1)));
  EXPECT_FALSE(some.wants(of(kind::bounced, 7, 1, "transactional")));
}

TEST(event_filter, reads_every_kind_s_word_and_no_other) {
  for (const auto word : kind_words())
    EXPECT_EQ(to_text(parse_kind(word).value()), word);
  EXPECT_THAT(kind_words(), testing::Contains("inbound_bounce"));
  EXPECT_FALSE(parse_kind("unknown"));
  EXPECT_FALSE(parse_kind(""));
}

}  // namespace
}  // namespace gonets::events
