#include "smtp/server_session.h"

#include <gtest/gtest.h>

namespace gonets::smtp {
namespace {

TEST(server_session, takes_a_message_by_data) {
  server_options o;
  o.hostname = "mx.example.com";
  server_session s(o);
  s.greet();
  std::string_view in = "EHLO a\r\nMAIL FROM:<x@y.org>\r\nRCPT TO:<a@b.org>\r\nDATA\r\nhi\r\n..x\r\n.\r\nQUIT\r\n";
  std::string body, out;
  for (;;) {
    const auto n = s.consume(in);
    if (n == need::input || n == need::close) break;
    if (n == need::message) {
      body = s.take_body();
      s.accept_message(message_id{12345});
    } else
      s.accept();
  }
  EXPECT_EQ(body, "hi\r\n.x\r\n");
  EXPECT_TRUE(s.take_output().ends_with("250 2.0.0 Ok: queued as 000000000C1S\r\n221 2.0.0 Bye\r\n"));
}

}  // namespace
}  // namespace gonets::smtp
