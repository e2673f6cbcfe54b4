// What the tests of the server session share: options, dialogues, and the comparison of all ways to cut them.
#pragma once
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "smtp/testing/scripted_owner.h"

namespace gonets::smtp::testing {

inline server_options some_options() {
  server_options o;
  o.hostname = "mx.example.com";
  return o;
}

inline constexpr std::string_view greeting = "220 mx.example.com ESMTP Gonets\r\n";
inline constexpr std::string_view to_rcpt =
    "EHLO client.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\n";
inline constexpr std::string_view to_data =
    "EHLO client.example\r\nMAIL FROM:<a@a.example>\r\nRCPT TO:<b@b.example>\r\nDATA\r\n";

struct transcript {
  std::string output;
  std::vector<taken_message> messages;
  bool closed = false;
};

// Without `parts`: into how many a body is cut depends on the reads.
inline bool same_text(const taken_message& a, const taken_message& b) {
  return a.envelope == b.envelope && a.body == b.body && a.leading_dot == b.leading_dot && a.eight_bit == b.eight_bit;
}

inline transcript converse(const server_options& o, std::string_view wire, std::size_t step,
                           const auth_offer& offer = {}) {
  scripted_owner owner(o);
  owner.session().offer_auth(offer);
  transcript t;
  for (; !wire.empty() && !owner.closed(); wire.remove_prefix(std::min(step, wire.size()))) {
    t.output += owner.feed(wire.substr(0, step));
  }
  t.messages = owner.messages();
  t.closed = owner.closed();
  return t;
}

inline void expect_same(const transcript& a, const transcript& b, std::string_view what) {
  EXPECT_EQ(a.output, b.output) << what;
  EXPECT_EQ(a.closed, b.closed) << what;
  ASSERT_EQ(a.messages.size(), b.messages.size()) << what;
  for (std::size_t i = 0; i < a.messages.size(); ++i)
    EXPECT_TRUE(same_text(a.messages[i], b.messages[i])) << what;
}

// The dialogue pipelined in one feed, byte by byte and in odd steps says the same; and a connection cut after any byte
// has given the owner exactly the first messages, whole, and none that had not ended.
inline transcript check_cut_everywhere(const server_options& o, std::string_view wire, const auth_offer& offer = {}) {
  const auto whole = converse(o, wire, wire.size(), offer);
  for (const std::size_t step : {1, 2, 3, 7, 16, 33}) {
    expect_same(converse(o, wire, step, offer), whole, "step " + std::to_string(step));
  }
  std::size_t had = 0;
  for (std::size_t cut = 0; cut <= wire.size(); ++cut) {
    const auto t = converse(o, wire.substr(0, cut), std::max<std::size_t>(cut, 1), offer);
    EXPECT_TRUE(cut == 0 || whole.output.starts_with(t.output)) << "cut " << cut;
    EXPECT_GE(t.messages.size(), had) << "cut " << cut;
    had = t.messages.size();
    if (had > whole.messages.size()) {
      ADD_FAILURE() << "a message out of nothing at cut " << cut;
      break;
    }
    for (std::size_t i = 0; i < had; ++i)
      EXPECT_TRUE(same_text(t.messages[i], whole.messages[i])) << "cut " << cut;
  }
  return whole;
}

// The reply to the last command of a session that began with `before`.
inline std::string reply_to(std::string_view before, std::string_view command,
                            const server_options& o = some_options()) {
  scripted_owner owner(o);
  owner.feed(before);
  return owner.feed(command);
}

}  // namespace gonets::smtp::testing
