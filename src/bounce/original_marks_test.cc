#include "bounce/original_marks.h"

#include <gmock/gmock.h>

namespace gonets::bounce {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::string original =
    "Return-Path: <b-1@bounce.test>\r\nReceived: by far.test id 2\r\nReceived: from app\r\n by mx.test (Gonets) id "
    "1\r\n"
    "Feedback-ID: t:a:b:c\r\nList-Unsubscribe: <https://mail.test/u/x>,\r\n <mailto:u-x@bounce.test>\r\n"
    "Message-ID: <m@shop.test>\r\nFrom: <shop@shop.test>\r\n\r\nhello\r\n";

std::string arf(const std::string& type, const std::string& returned) {
  return "From: <fbl@provider.test>\r\nMIME-Version: 1.0\r\n"
         "Content-Type: multipart/report; report-type=feedback-report; boundary=b\r\n\r\n"
         "--b\r\nContent-Type: text/plain\r\n\r\nA report.\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n"
         "Feedback-Type: not-spam\r\nUser-Agent: X/1\r\nVersion: 1\r\nOriginal-Mail-From: <b-2@bounce.test>\r\n\r\n"
         "--b\r\nContent-Type: " +
         type + "\r\n\r\n" + returned + "\r\n--b--\r\n";
}

TEST(original_marks, are_those_of_the_report_and_of_the_original) {
  for (const auto* type : {"message/rfc822", "text/rfc822-headers"}) {
    const auto found = read_original_marks(arf(type, original));
    EXPECT_TRUE(found.is_feedback);
    EXPECT_THAT(found.return_paths, ElementsAre("<b-2@bounce.test>", "<b-1@bounce.test>")) << type;
    EXPECT_EQ(found.feedback_id, "t:a:b:c");
    EXPECT_EQ(found.list_unsubscribe, "<https://mail.test/u/x>, <mailto:u-x@bounce.test>");
    EXPECT_EQ(found.message_id, "m@shop.test");
    EXPECT_THAT(found.received, ElementsAre("by far.test id 2", "from app by mx.test (Gonets) id 1"));
  }
}

TEST(original_marks, are_few_in_what_is_no_report) {
  const auto found = read_original_marks("From: <a@b.test>\r\nSubject: hello\r\n\r\nhello\r\n");
  EXPECT_FALSE(found.is_feedback);
  EXPECT_THAT(found.return_paths, IsEmpty());
  EXPECT_THAT(found.received, IsEmpty());
}

}  // namespace
}  // namespace gonets::bounce
