// STARTTLS from the client's side: offered, refused, broken, stripped, and what is written into it from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "smtp/client_session.h"
#include "smtp/dialogue_test_support.h"

namespace gonets::smtp {
namespace {

using testing::dialogue;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::outgoing;

client_options wishing(starttls tls, protocol speak = protocol::smtp) {
  return {.helo_name = "client.test", .speak = speak, .tls = tls};
}

dialogue& deliver_one(dialogue& d) {
  return d.message({"a@x.test"}).mail("250 Ok").rcpt("250 Ok").data("354 go").expect_body().reply("250 kept").quit();
}

TEST(ClientSessionTls, asks_for_capabilities_again_and_forgets_those_said_in_the_clear) {
  for (const starttls tls : {starttls::if_offered, starttls::required}) {
    auto d = dialogue(wishing(tls)).hello("PIPELINING,STARTTLS,SIZE 5").starttls("DSN");
    const auto result = deliver_one(d).check_cut_everywhere();
    EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 kept"));
    EXPECT_THAT(result.written(), HasSubstr("STARTTLS\r\nEHLO client.test\r\nMAIL FROM:<from@source.test>\r\n"));
  }
}

TEST(ClientSessionTls, is_not_begun_where_the_owner_wants_none) {
  auto d = dialogue(wishing(starttls::never)).hello("PIPELINING,STARTTLS");
  EXPECT_THAT(deliver_one(d).check_cut_everywhere().written(), Not(HasSubstr("STARTTLS")));
}

TEST(ClientSessionTls, that_is_not_offered_is_done_without_if_it_need_not_be) {
  auto d = dialogue(wishing(starttls::if_offered)).hello("PIPELINING");
  EXPECT_THAT(deliver_one(d).check_cut_everywhere().told(), ElementsAre("delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionTls, that_is_needed_and_not_offered_ends_the_session_before_mail) {
  for (const auto& d : {dialogue(wishing(starttls::required)).hello("PIPELINING"), dialogue(wishing(starttls::required))
                                                                                       .reply("220 mx.test")
                                                                                       .expect("EHLO")
                                                                                       .reply("500 what")
                                                                                       .expect("HELO")
                                                                                       .reply("250 mx.test")}) {
    const auto result = dialogue(d).quit().message({"a@x.test"}).check_cut_everywhere();
    EXPECT_EQ(testing::to_text(result.because),
              "deferred at tls: 451 4.7.10 TLS is needed, and the receiving server does not offer it (ours)");
    EXPECT_THAT(result.outcomes, IsEmpty());
    EXPECT_THAT(result.written(), Not(HasSubstr("MAIL")));
  }
}

TEST(ClientSessionTls, that_is_refused_is_done_without_if_it_need_not_be) {
  for (const char* refusal : {"454 4.7.0 TLS not available", "554 no", "501 5.5.4 syntax"}) {
    auto d = dialogue(wishing(starttls::if_offered)).hello("PIPELINING,STARTTLS").expect("STARTTLS").reply(refusal);
    EXPECT_THAT(deliver_one(d).check_cut_everywhere().told(), ElementsAre("delivered at end_of_data: 250 kept"));
  }
}

TEST(ClientSessionTls, tells_of_a_refusal) {
  client_session session(wishing(starttls::if_offered));
  session.connected();
  session.feed("220 x\r\n250-x\r\n250 STARTTLS\r\n");
  EXPECT_EQ(session.starttls_refusal().code, 0);
  EXPECT_EQ(session.take_output(), "EHLO client.test\r\nSTARTTLS\r\n");
  session.feed("454 4.7.0 not now\r\n");
  EXPECT_EQ(session.next(), wants::work);
  EXPECT_EQ(gonets::to_text(session.starttls_refusal()), "454 4.7.0 not now");
}

TEST(ClientSessionTls, that_is_needed_and_refused_defers_with_the_peers_words) {
  for (const auto& [refusal, told] :
       {std::pair{"454 4.7.0 not now", "deferred at tls: 454 4.7.0 not now"},
        std::pair{"554 no", "deferred at tls: 451 4.7.10 TLS is needed, and was refused: 554 no (ours)"}}) {
    const auto result = dialogue(wishing(starttls::required))
                            .message({"a@x.test"})
                            .hello("STARTTLS")
                            .expect("STARTTLS")
                            .reply(refusal)
                            .quit()
                            .check_cut_everywhere();
    EXPECT_EQ(testing::to_text(result.because), told);
    EXPECT_THAT(result.written(), Not(HasSubstr("MAIL")));
  }
}

TEST(ClientSessionTls, answered_421_or_with_nonsense_ends_the_session) {
  for (const starttls tls : {starttls::if_offered, starttls::required}) {
    const auto base = dialogue(wishing(tls)).message({"a@x.test"}).hello("STARTTLS").expect("STARTTLS");
    EXPECT_EQ(testing::to_text(dialogue(base).reply("421 going down").check_cut_everywhere().because),
              "deferred at tls: 421 going down");
    EXPECT_EQ(testing::to_text(dialogue(base).reply("250 Ok").check_cut_everywhere().because),
              "deferred at tls: 451 4.5.0 the receiving server broke the protocol: unexpected reply 250 Ok (ours)");
    EXPECT_EQ(testing::to_text(dialogue(base).hang_up().check_cut_everywhere().because),
              "deferred at tls: 451 4.4.2 connection lost (ours)");
  }
}

TEST(ClientSessionTls, whose_handshake_fails_ends_the_session_in_both_moods) {
  for (const starttls tls : {starttls::if_offered, starttls::required}) {
    client_session session(wishing(tls));
    const outgoing early{"a@x.test"};
    session.connected();
    session.begin(early.to_begin());
    session.feed("220 x\r\n250-x\r\n250 STARTTLS\r\n");
    EXPECT_EQ(session.take_output(), "EHLO client.test\r\nSTARTTLS\r\n");
    session.feed("220 go\r\n");
    ASSERT_EQ(session.next(), wants::tls);
    EXPECT_EQ(session.waiting_for(), stage::tls);
    session.tls_failed("certificate has\r\nexpired");
    EXPECT_EQ(testing::to_text(session.collect()[0]), "deferred at tls: 451 4.7.5 certificate has  expired (ours)");
    EXPECT_EQ(session.next(), wants::close);
  }
}

TEST(ClientSessionTls, takes_nothing_that_was_sent_behind_the_220_for_a_reply) {
  auto d = dialogue(wishing(starttls::required))
               .hello("STARTTLS")
               .expect("STARTTLS")
               .bytes("220 go\r\n250-evil.test\r\n250 PIPELINING\r\n250 Ok\r\n250 Ok\r\n354 go\r\n250 injected\r\n")
               .handshake()
               .hello_again("");
  EXPECT_THAT(deliver_one(d).run().told(), ElementsAre("delivered at end_of_data: 250 kept"));
  auto partial = dialogue(wishing(starttls::required))
                     .hello("STARTTLS")
                     .expect("STARTTLS")
                     .bytes("220 go\r\n250-half a rep")
                     .handshake()
                     .hello_again("");
  EXPECT_THAT(deliver_one(partial).run().told(), ElementsAre("delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionTls, is_begun_once_only) {
  auto d = dialogue(wishing(starttls::required)).hello("STARTTLS").starttls("PIPELINING,STARTTLS");
  EXPECT_EQ(deliver_one(d).check_cut_everywhere().handshakes, 1u);
}

TEST(ClientSessionTls, works_in_lmtp) {
  auto d = dialogue(wishing(starttls::required, protocol::lmtp)).hello("STARTTLS").starttls("PIPELINING");
  const auto result = deliver_one(d).check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 kept"));
  EXPECT_THAT(result.written(), HasSubstr("STARTTLS\r\nLHLO client.test\r\n"));
}

TEST(ClientSessionTls, whose_second_ehlo_is_refused_ends_the_session) {
  const auto result = dialogue(wishing(starttls::required))
                          .message({"a@x.test"})
                          .hello("STARTTLS")
                          .expect("STARTTLS")
                          .reply("220 go")
                          .handshake()
                          .expect("EHLO")
                          .reply("450 later")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_EQ(testing::to_text(result.because), "deferred at ehlo: 450 later");
}

TEST(ClientSessionRequireTls, is_passed_on_where_it_is_offered) {
  outgoing m{"a@x.test"};
  m.t.require_tls = true;
  const auto result = dialogue(wishing(starttls::required))
                          .message(m)
                          .hello("STARTTLS")
                          .starttls("PIPELINING,REQUIRETLS")
                          .expect("MAIL FROM:<from@source.test> REQUIRETLS\r\n")
                          .reply("250 Ok")
                          .rcpt("250 Ok")
                          .data("354 go")
                          .expect_body()
                          .reply("250 kept")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(), ElementsAre("delivered at end_of_data: 250 kept"));
}

TEST(ClientSessionRequireTls, fails_for_good_where_it_is_not_offered) {
  outgoing m{"a@x.test"};
  m.t.require_tls = true;
  const auto result = dialogue(wishing(starttls::required))
                          .message(m)
                          .hello("STARTTLS,REQUIRETLS")
                          .starttls("PIPELINING")
                          .quit()
                          .check_cut_everywhere();
  EXPECT_THAT(result.told(),
              ElementsAre("failed at mail: 550 5.7.30 the message needs REQUIRETLS, which the receiving server does "
                          "not offer (ours)"));
}

}  // namespace
}  // namespace gonets::smtp
