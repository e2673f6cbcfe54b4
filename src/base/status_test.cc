#include "base/status.h"

#include <gtest/gtest.h>

namespace gonets {
namespace {

TEST(enhanced_status, prints_what_is_present) {
  EXPECT_EQ(to_text(enhanced_status{5, 1, 1}), "5.1.1");
  EXPECT_EQ(to_text(enhanced_status{2, 0, 999}), "2.0.999");
  EXPECT_EQ(to_text(enhanced_status{}), "");
}

TEST(enhanced_status, is_read_from_the_start_of_a_text) {
  EXPECT_EQ(parse_enhanced_status("5.1.1 No such user"), (enhanced_status{5, 1, 1}));
  EXPECT_EQ(parse_enhanced_status("4.999.0"), (enhanced_status{4, 999, 0}));
  EXPECT_EQ(parse_enhanced_status("2.0.0 "), (enhanced_status{2, 0, 0}));
}

TEST(enhanced_status, is_refused_when_it_is_none) {
  for (const auto* text : {"", "5", "5.1", "5.1.", "5..1", "3.1.1", "1.1.1", "6.1.1", "5.1000.1", "5.1.1000", "5.1.1x",
                           "5.1.1.1", "5-1-1", " 5.1.1", "5.-1.1", "5.1.+1", "55.1.1", "5.99999.1"}) {
    EXPECT_FALSE(parse_enhanced_status(text)) << text;
  }
}

TEST(reply, prints_its_codes_before_its_text) {
  EXPECT_EQ(to_text(reply{550, {5, 1, 1}, "No such user here"}), "550 5.1.1 No such user here");
  EXPECT_EQ(to_text(reply{421, {}, "one\ntwo"}), "421 one\ntwo");
}

TEST(reply, is_judged_by_its_first_digit) {
  EXPECT_TRUE((reply{250, {}, ""}.positive()));
  EXPECT_TRUE((reply{451, {}, ""}.transient()));
  EXPECT_TRUE((reply{554, {}, ""}.permanent()));
  for (const std::uint16_t code : {0, 199, 354, 600}) {
    const reply r{code, {}, ""};
    EXPECT_FALSE(r.positive() || r.transient() || r.permanent()) << code;
  }
}

TEST(stage, has_a_word_for_each) {
  EXPECT_EQ(to_text(stage::none), "none");
  EXPECT_EQ(to_text(stage::resolve), "resolve");
  EXPECT_EQ(to_text(stage::connect), "connect");
  EXPECT_EQ(to_text(stage::greeting), "greeting");
  EXPECT_EQ(to_text(stage::tls), "tls");
  EXPECT_EQ(to_text(stage::ehlo), "ehlo");
  EXPECT_EQ(to_text(stage::auth), "auth");
  EXPECT_EQ(to_text(stage::mail), "mail");
  EXPECT_EQ(to_text(stage::rcpt), "rcpt");
  EXPECT_EQ(to_text(stage::data), "data");
  EXPECT_EQ(to_text(stage::end_of_data), "end_of_data");
}

// Its numbers are stored: a spool of a newer release may have one that this one has no word for.
TEST(stage, of_a_number_that_is_not_known_is_unknown) {
  EXPECT_EQ(to_text(static_cast<stage>(11)), "unknown");
  EXPECT_EQ(to_text(static_cast<stage>(255)), "unknown");
}

}  // namespace
}  // namespace gonets
