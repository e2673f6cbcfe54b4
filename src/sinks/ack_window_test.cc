#include "sinks/ack_window.h"

#include <gtest/gtest.h>

namespace gonets::sinks {
namespace {

TEST(ack_window, is_safe_up_to_the_first_event_that_is_not_acknowledged) {
  ack_window w(event_seq{10});
  EXPECT_EQ(w.safe(), event_seq{10});
  for (const auto seq : {12, 13, 20})
    w.sent(event_seq(seq), 100);
  w.passed(event_seq{25});
  EXPECT_EQ(w.safe(), event_seq{11});
  EXPECT_TRUE(w.acknowledged(event_seq{13}));
  EXPECT_EQ(w.safe(), event_seq{11});
  EXPECT_EQ(w.take_count(), 0u);
  EXPECT_TRUE(w.acknowledged(event_seq{12}));
  EXPECT_EQ(w.safe(), event_seq{19});
  EXPECT_EQ(w.take_count(), 2u);
  EXPECT_EQ(w.bytes(), 100u);
  EXPECT_TRUE(w.acknowledged(event_seq{20}));
  EXPECT_EQ(w.safe(), event_seq{25});
  EXPECT_EQ(w.take_count(), 1u);
  EXPECT_TRUE(w.empty());
  EXPECT_EQ(w.bytes(), 0u);
}

TEST(ack_window, knows_what_it_does_not_wait_for) {
  ack_window w;
  w.sent(event_seq{1}, 1);
  w.sent(event_seq{3}, 1);
  EXPECT_FALSE(w.acknowledged(event_seq{2}));
  EXPECT_FALSE(w.acknowledged(event_seq{4}));
  EXPECT_TRUE(w.acknowledged(event_seq{3}));
  EXPECT_FALSE(w.acknowledged(event_seq{3}));
  EXPECT_TRUE(w.acknowledged(event_seq{1}));
  EXPECT_FALSE(w.acknowledged(event_seq{1}));
  EXPECT_EQ(w.take_count(), 2u);
}

TEST(ack_window, goes_back_to_what_is_safe_when_it_forgets) {
  ack_window w;
  for (const auto seq : {1, 2, 3})
    w.sent(event_seq(seq), 10);
  EXPECT_TRUE(w.acknowledged(event_seq{1}));
  EXPECT_TRUE(w.acknowledged(event_seq{3}));
  w.forget();
  EXPECT_EQ(w.passed(), event_seq{1});
  EXPECT_EQ(w.bytes(), 0u);
  EXPECT_EQ(w.take_count(), 1u);
  w.sent(event_seq{2}, 10);
  EXPECT_FALSE(w.acknowledged(event_seq{3}));
  EXPECT_TRUE(w.acknowledged(event_seq{2}));
  EXPECT_EQ(w.safe(), event_seq{2});
}

TEST(ack_window, does_not_go_back_when_less_is_passed) {
  ack_window w(event_seq{5});
  w.passed(event_seq{3});
  EXPECT_EQ(w.safe(), event_seq{5});
}

}  // namespace
}  // namespace gonets::sinks
