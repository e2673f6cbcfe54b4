// Messages through a whole session: smuggling, chunks, and what becomes of a body that comes to nothing.
#include <gtest/gtest.h>

#include "smtp/testing/server_fixture.h"

namespace gonets::smtp {
namespace {

using namespace std::string_literals;
using namespace testing;

constexpr newline_policy policies[] = {newline_policy::refuse, newline_policy::normalize};

server_options options_with(newline_policy p) {
  auto o = some_options();
  o.newlines = p;
  return o;
}

TEST(smuggling, only_crlf_dot_crlf_ends_a_message_under_either_policy_and_at_every_cut) {
  const auto hidden = "MAIL FROM:<admin@target.example>\r\nRCPT TO:<victim@target.example>\r\nDATA\r\nsmuggled\r\n"s;
  for (const auto& end : {"\n.\n"s, "\r.\r"s, "\n.\r\n"s, "\r\n.\n"s, "\r.\r\n"s, "\r\n.\r"s, "\r\n\0.\r\n"s,
                          "\r\n.\0\r\n"s, "\r\n.\r\0\n"s, "\0\n.\r\n"s, "\n.\n\r"s, "\r\r\n.\r\r\n"s, "\n\n.\n\n"s}) {
    for (const auto policy : policies) {
      const auto wire = std::string(to_data) + "one" + end + hidden + ".\r\nQUIT\r\n";
      const auto t = check_cut_everywhere(options_with(policy), wire);
      EXPECT_LE(t.messages.size(), 1u);
      for (const auto& m : t.messages)
        EXPECT_EQ(m.envelope.reverse_path, "a@a.example");
      const bool nul = end.find('\0') != std::string::npos;
      EXPECT_EQ(t.messages.size(), policy == newline_policy::normalize && !nul ? 1u : 0u);
      EXPECT_TRUE(t.output.ends_with("221 2.0.0 Bye\r\n"));
    }
  }
}

TEST(smuggling, a_refusal_names_what_is_wrong_and_where) {
  const auto refused = [](newline_policy p, const std::string& text) {
    return reply_to(to_data, text + "\r\n.\r\n", options_with(p));
  };
  EXPECT_EQ(refused(newline_policy::refuse, "a\r\nb\nc"),
            "550 5.6.11 Bare LF in line 2: lines of a message must end in CR LF\r\n");
  EXPECT_EQ(refused(newline_policy::refuse, "a\r\n\r\nb\rc"),
            "550 5.6.11 Bare CR in line 3: lines of a message must end in CR LF\r\n");
  for (const auto policy : policies) {
    EXPECT_EQ(refused(policy, "a\0b"s), "550 5.6.11 NUL in line 1: a message must not hold it\r\n");
  }
}

TEST(smuggling, normalized_text_is_told_to_be_stuffed_where_a_line_came_to_begin_with_a_dot) {
  const auto t =
      converse(options_with(newline_policy::normalize), std::string(to_data) + "a\n.\nb\rc\r\n.\r\n", 10'000);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.messages[0].body, "a\r\n.\r\nb\r\nc\r\n");
  EXPECT_TRUE(t.messages[0].leading_dot);
}

TEST(smuggling, no_chunk_brings_in_a_bare_line_end_either) {
  for (const auto& text : {"a\n.\n"s, "a\rb\r\n"s, "a\r\n\0"s}) {
    const auto wire = "BDAT " + std::to_string(text.size()) + " LAST\r\n" + text;
    EXPECT_TRUE(reply_to(to_rcpt, wire).starts_with("550 5.6.11 ")) << text;
  }
  EXPECT_TRUE(reply_to(to_rcpt, "BDAT 2 LAST\r\na\r").starts_with("550 5.6.11 Bare CR in line 1"));
  EXPECT_TRUE(reply_to(to_rcpt, "BDAT 2\r\na\rBDAT 1 LAST\r\nb")
                  .ends_with("550 5.6.11 Bare CR in line 1: lines of a "
                             "message must end in CR LF\r\n"));
}

TEST(bdat, takes_a_message_in_chunks_cut_anywhere) {
  const auto t =
      check_cut_everywhere(some_options(), std::string(to_rcpt) +
                                               "BDAT 4\r\na\r\n.BDAT 0\r\nBDAT 1\r\n\rBDAT 5\r\n\n.\r\n.NOOP\r\n"
                                               "BDAT 3 LAST\r\nQ\r\nQUIT\r\n");
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.messages[0].body, "a\r\n.\r\n.\r\n.Q\r\n");
  EXPECT_TRUE(t.messages[0].leading_dot);
  EXPECT_TRUE(
      t.output.ends_with("250 2.0.0 4 octets received\r\n250 2.0.0 0 octets received\r\n"
                         "250 2.0.0 1 octets received\r\n250 2.0.0 5 octets received\r\n250 2.0.0 Ok\r\n"
                         "250 2.0.0 Ok: queued as 000000000001\r\n221 2.0.0 Bye\r\n"));
}

TEST(bdat, may_end_with_an_empty_chunk_and_without_a_line_end) {
  auto t = converse(some_options(), std::string(to_rcpt) + "BDAT 2\r\nhiBDAT 0 LAST\r\nQUIT\r\n", 10'000);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.messages[0].body, "hi");
  t = converse(some_options(), std::string(to_rcpt) + "BDAT 0 last\r\n", 10'000);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_EQ(t.messages[0].body, "");
}

TEST(bdat, asks_the_owner_once_a_message) {
  scripted_owner owner(some_options());
  owner.feed(std::string(to_rcpt) + "BDAT 1\r\naBDAT 1\r\nbBDAT 1 LAST\r\nc");
  EXPECT_EQ(owner.count(need::data), 1u);
  EXPECT_EQ(owner.count(need::message), 1u);
}

TEST(bdat, swallows_the_octets_of_a_chunk_it_refuses) {
  const auto octets = "MAIL FROM:<evil@example.com>\r\n"s;
  const auto chunk = "BDAT " + std::to_string(octets.size()) + " LAST\r\n" + octets;
  const auto all =
      check_cut_everywhere(some_options(), chunk + "EHLO x\r\n" + chunk +
                                               "MAIL FROM:<a@a.example>\r\nRCPT TO:<bad>\r\n" + chunk + "NOOP\r\n");
  EXPECT_TRUE(all.messages.empty());
  EXPECT_TRUE(
      all.output.ends_with("501 5.1.3 The address is not of the form local-part@domain\r\n"
                           "503 5.5.1 No valid recipients\r\n250 2.0.0 Ok\r\n"));
}

TEST(bdat, swallows_all_chunks_of_a_message_that_the_owner_refused_at_its_first) {
  scripted_owner owner(some_options());
  owner.policy = [](const server_session&, need n) -> std::optional<reply> {
    if (n != need::data) return std::nullopt;
    return reply{451, {4, 3, 0}, "Later"};
  };
  owner.feed(to_rcpt);
  EXPECT_EQ(owner.feed("BDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"),
            "451 4.3.0 Later\r\n503 5.5.1 Send MAIL first\r\n250 2.0.0 Ok\r\n");
  EXPECT_FALSE(owner.session().in_transaction());
}

TEST(bdat, refuses_a_bad_end_marker_but_knows_where_the_chunk_ends) {
  EXPECT_EQ(reply_to(to_rcpt, "BDAT 6 FIRST\r\nQUIT\r\nNOOP\r\n"),
            "501 5.5.4 Syntax: BDAT size [LAST]\r\n250 2.0.0 Ok\r\n");
}

TEST(bdat, closes_when_the_size_cannot_be_read) {
  for (const auto* argument : {"", " ", " x", " -1", " 1x", " LAST", " 99999999999999999999999", " 0x10", "  5"}) {
    scripted_owner owner(some_options());
    owner.feed(to_rcpt);
    const auto r = owner.feed("BDAT"s + argument + "\r\nNOOP\r\n");
    EXPECT_TRUE(r.starts_with("501 5.5.4 ")) << argument;
    EXPECT_TRUE(owner.closed()) << argument;
    EXPECT_EQ(r.find("\r\n"), r.size() - 2) << r;
  }
}

TEST(bdat, does_not_mix_with_data) {
  const auto r = reply_to(to_rcpt, "BDAT 1\r\naDATA\r\nBDAT 1 LAST\r\nb");
  EXPECT_EQ(r,
            "250 2.0.0 1 octets received\r\n503 5.5.1 A BDAT message is open: send BDAT or RSET\r\n"
            "250 2.0.0 Ok: queued as 000000000001\r\n");
}

TEST(abandon, is_asked_for_when_parts_were_handed_out_and_the_body_comes_to_nothing) {
  auto o = some_options();
  o.body_chunk_bytes = 4;
  o.limits.message_bytes_max = 40;
  o.limits.text_line_bytes_max = 30;
  const auto chunk = "BDAT 12\r\n0123456789\r\n"s;
  for (const auto& tail :
       {chunk + "RSET\r\n", chunk + "EHLO again\r\n", chunk + "QUIT\r\n", chunk + "BDAT 1\r\n\n",
        chunk + "BDAT 2 LAST\r\n\ra", chunk + "BDAT 31 LAST\r\n" + std::string(31, 'x'),
        "DATA\r\n0123456789\n\r\n.\r\n"s, "DATA\r\n0123456789\r\n" + std::string(50, 'x') + "\r\n.\r\n"}) {
    scripted_owner owner(o);
    owner.feed(to_rcpt);
    const auto r = owner.feed(tail);
    EXPECT_EQ(owner.count(need::abandon), 1u) << tail;
    EXPECT_FALSE(owner.holds_parts()) << tail;
    EXPECT_TRUE(owner.messages().empty()) << tail;
    EXPECT_FALSE(r.empty());
    if (!owner.closed()) {
      EXPECT_TRUE(owner.feed(to_data).ends_with("354 End data with <CR><LF>.<CR><LF>\r\n")) << tail;
      owner.feed("next\r\n.\r\n");
      ASSERT_EQ(owner.messages().size(), 1u);
      EXPECT_EQ(owner.messages()[0].body, "next\r\n");
    }
  }
}

TEST(abandon, is_not_asked_for_when_nothing_was_handed_out_or_the_owner_refused_itself) {
  for (const auto& tail : {"BDAT 3\r\nabcRSET\r\n"s, "DATA\r\na\nb\r\n.\r\n"s, "DATA\r\n0123456789abcdef\r\n.\r\n"s}) {
    auto o = some_options();
    o.body_chunk_bytes = 8;
    scripted_owner owner(o);
    owner.policy = [](const server_session&, need n) -> std::optional<reply> {
      if (n != need::message) return std::nullopt;
      return reply{554, {5, 7, 1}, "Spam"};
    };
    owner.feed(to_rcpt);
    owner.feed(tail + "NOOP\r\n");
    EXPECT_EQ(owner.count(need::abandon), 0u) << tail;
  }
}

TEST(message_content, is_described_to_the_owner) {
  const auto t = converse(some_options(), std::string(to_data) + "na\xC3\xAFve\r\n.\r\n", 3);
  ASSERT_EQ(t.messages.size(), 1u);
  EXPECT_TRUE(t.messages[0].eight_bit);
  EXPECT_FALSE(t.messages[0].leading_dot);
}

}  // namespace
}  // namespace gonets::smtp
