#include "message/mailbox_list.h"

#include <gmock/gmock.h>

namespace gonets::message {
namespace {

using testing::ElementsAre;

std::vector<std::string> of(std::string_view value) {
  const auto found = parse_mailbox_list(value);
  return found ? *found : std::vector<std::string>{"refused"};
}
mailbox_error error_of(std::string_view value) {
  const auto found = parse_mailbox_list(value);
  return found ? mailbox_error{99} : found.error();
}

TEST(mailbox_list, finds_the_address_in_every_form) {
  EXPECT_THAT(of(" a@Example.COM"), ElementsAre("a@example.com"));
  EXPECT_THAT(of("<a@b.c>"), ElementsAre("a@b.c"));
  EXPECT_THAT(of("Joe Q. Public <john.q.public@example.com>"), ElementsAre("john.q.public@example.com"));
  EXPECT_THAT(of("\"a, b <x@y.z>\" <c@d.e>"), ElementsAre("c@d.e"));
  EXPECT_THAT(of("=?utf-8?b?0JA=?= <c@d.e>"), ElementsAre("c@d.e"));
  EXPECT_THAT(of("\xd0\x90 <c@d.e>"), ElementsAre("c@d.e"));
  EXPECT_THAT(of("\"quoted local\"@d.e"), ElementsAre("\"quoted local\"@d.e"));
  EXPECT_THAT(of("a@[192.0.2.1]"), ElementsAre("a@[192.0.2.1]"));
}

TEST(mailbox_list, passes_over_comments_and_folds) {
  EXPECT_THAT(of("Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>"), ElementsAre("pete@silly.test"));
  EXPECT_THAT(of("(<other@x.y>) a\r\n\t@ b . c"), ElementsAre("a@b.c"));
  EXPECT_THAT(of("(nested (twice) <x@y.z>) a@b.c"), ElementsAre("a@b.c"));
}

TEST(mailbox_list, finds_all_of_several) {
  EXPECT_THAT(of("a@b.c, D <e@f.g>,,h@i.j"), ElementsAre("a@b.c", "e@f.g", "h@i.j"));
}

TEST(mailbox_list, refuses_what_names_nobody_or_can_be_read_in_two_ways) {
  EXPECT_EQ(error_of(""), mailbox_error::empty);
  EXPECT_EQ(error_of(" (only a comment)"), mailbox_error::empty);
  EXPECT_EQ(error_of("undisclosed-recipients:;"), mailbox_error::group);
  EXPECT_EQ(error_of("Group: a@b.c;"), mailbox_error::group);
  EXPECT_EQ(error_of("name only"), mailbox_error::syntax);
  EXPECT_EQ(error_of("a@b.c <d@e.f>"), mailbox_error::syntax);
  EXPECT_EQ(error_of("<a@b.c> <d@e.f>"), mailbox_error::syntax);
  EXPECT_EQ(error_of("<@route.test:a@b.c>"), mailbox_error::syntax);
  EXPECT_EQ(error_of("<a@b.c"), mailbox_error::syntax);
  EXPECT_EQ(error_of("a@b@c.d"), mailbox_error::syntax);
  EXPECT_EQ(error_of("(open a@b.c"), mailbox_error::syntax);
  EXPECT_EQ(error_of("\"open a@b.c"), mailbox_error::syntax);
  EXPECT_EQ(error_of("(\\"), mailbox_error::syntax);
  EXPECT_EQ(error_of(std::string_view("a@b.c\0", 6)), mailbox_error::syntax);
}

TEST(mailbox_list, has_a_limit) {
  std::string many;
  for (int i = 0; i < 101; ++i)
    many += "a@b.c,";
  EXPECT_EQ(error_of(many), mailbox_error::too_many);
}

}  // namespace
}  // namespace gonets::message
