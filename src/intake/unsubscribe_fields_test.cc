#include "intake/unsubscribe_fields.h"

#include <gtest/gtest.h>

namespace gonets::intake {
namespace {

const message::verp_signer signer({}, message::verp_purpose::unsubscribe);
const message::verp some{message_id{0x123456789abcdef}, recipient_index{0}};

std::string fields(std::string_view url) {
  std::string made;
  append_unsubscribe_fields(made, signer, some, url, "bounce.test");
  return made;
}

TEST(unsubscribe_fields, name_a_page_and_an_address_of_the_message) {
  const auto token = signer.token(some);
  for (const auto* url : {"https://mail.test/gonets", "https://mail.test/gonets/"}) {
    EXPECT_EQ(fields(url), "List-Unsubscribe: <https://mail.test/gonets/u/" + token + ">,\r\n <mailto:u-" + token +
                               "@bounce.test?subject=unsubscribe>\r\n"
                               "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n");
  }
}

TEST(unsubscribe_fields, promise_no_click_where_there_is_no_page) {
  EXPECT_EQ(fields(""), "List-Unsubscribe: <mailto:u-" + signer.token(some) + "@bounce.test?subject=unsubscribe>\r\n");
}

}  // namespace
}  // namespace gonets::intake
