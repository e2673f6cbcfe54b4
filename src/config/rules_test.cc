#include "config/rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shaping/rule_check.h"

namespace gonets::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> found;
  const auto parsed = parse_rules(text, "r.toml");
  if (!parsed) {
    for (const config_error& e : parsed.error())
      found.push_back(to_text(e));
  }
  return found;
}

shaping::rules understood(std::string_view text) {
  auto parsed = parse_rules(text, "r.toml");
  EXPECT_TRUE(parsed) << testing::PrintToString(errors_of(text));
  return parsed ? std::move(*parsed) : shaping::rules();
}

const std::string a_provider = "[[provider]]\nname = \"big\"\ntitle = \"Big\"\nmx = [\"big.test\"]\n";
std::string a_rule(const std::string& lines) {
  return "[[rule]]\nname = \"r\"\nwhy = \"because\"\nabout = \"egress\"\n" + lines;
}

// What CI builds on: a rule that misses its samples, takes a counter-example, or never gets its turn, ends here.
TEST(shipped_rules, take_their_samples_and_leave_their_counter_examples) {
  const auto shipped = parse_rules(shipped_rules_text(), shipped_rules_name);
  ASSERT_TRUE(shipped) << to_text(shipped.error().front());
  for (const auto& fault : shaping::check_samples(*shipped))
    ADD_FAILURE() << shipped_rules_name << ":" << fault.line << ": " << to_text(fault);
}

TEST(shipped_rules, know_the_providers_that_they_promise) {
  const auto shipped = understood(shipped_rules_text());
  const auto by_domain = [&](const char* domain) {
    const auto* found = shipped.providers.find_domain(domain);
    return found == nullptr ? "none" : found->name;
  };
  for (const auto& [domain, name] : std::vector<std::pair<const char*, const char*>>{
           {"gmail.com", "google"},    {"aol.com", "yahoo"},       {"yahoo.com", "yahoo"}, {"hotmail.com", "microsoft"},
           {"icloud.com", "apple"},    {"comcast.net", "comcast"}, {"bk.ru", "mailru"},    {"ya.ru", "yandex"},
           {"rambler.ru", "rambler"},  {"ukr.net", "ukrnet"},      {"meta.ua", "metaua"},  {"web.de", "gmx"},
           {"t-online.de", "tonline"}, {"wanadoo.fr", "orange"},   {"free.fr", "free"},    {"laposte.net", "laposte"},
           {"libero.it", "libero"},    {"email.cz", "seznam"},     {"wp.pl", "wp"},        {"onet.pl", "onet"},
           {"interia.pl", "interia"},  {"qq.com", "qq"},           {"163.com", "netease"}, {"naver.com", "naver"},
           {"proton.me", "proton"},    {"zoho.com", "zoho"}}) {
    EXPECT_EQ(by_domain(domain), std::string(name)) << domain;
  }
  const auto by_host = [&](const char* host) {
    const auto* found = shipped.providers.find_host(host);
    return found == nullptr ? "none" : found->name;
  };
  for (const auto& [host, name] :
       std::vector<std::pair<const char*, const char*>>{{"aspmx.l.google.com", "google"},
                                                        {"mta5.am0.yahoodns.net", "yahoo"},
                                                        {"outlook-com.olc.protection.outlook.com", "microsoft"},
                                                        {"example-com.mail.protection.outlook.com", "microsoft365"},
                                                        {"example-com.o-v1.mx.microsoft", "microsoft365"},
                                                        {"eu-smtp-inbound-1.mimecast.com", "mimecast"},
                                                        {"mxa-00000000.gslb.pphosted.com", "proofpoint"},
                                                        {"d123456a.ess.barracudanetworks.com", "barracuda"}}) {
    EXPECT_EQ(by_host(host), std::string(name)) << host;
  }
}

TEST(shipped_rules, limit_every_provider) {
  const auto shipped = understood(shipped_rules_text());
  for (const auto& p : shipped.providers.all()) {
    EXPECT_TRUE(p.limits.connections) << p.name;
    EXPECT_TRUE(p.limits.messages_a_connection) << p.name;
  }
}

TEST(parse_rules, reads_a_provider_with_all_that_it_may_have) {
  const auto got = understood(
      "[[provider]]\nname = \"big\"\ntitle = \"Big\"\nmx = [\"MX.Big.test.\"]\ndomains = [\"big.test\"]\n"
      "greylisting = \"10m\"\n[provider.limits]\nconnections = 1\nnew_connections_a_minute = 2\nmessages_a_second = 3\n"
      "messages_a_minute = 4\nmessages_an_hour = 5\nmessages_a_day = 6\nmessages_a_connection = 7\n"
      "recipients_a_transaction = 8\n");
  ASSERT_EQ(got.providers.all().size(), 1u);
  const auto& p = got.providers.all()[0];
  EXPECT_EQ(p.limits, (shaping::provider_limits{1, 2, 3, 4, 5, 6, 7, 8}));
  EXPECT_EQ(p.greylisting, 10min);
  EXPECT_EQ(got.providers.find_host("a.mx.big.test"), &p);
}

TEST(parse_rules, reads_a_rule_with_all_that_it_may_have) {
  const auto got =
      understood(a_provider + a_rule("provider = \"big\"\ncode = [421, \"5xx\"]\nstatus = \"4.7.\"\n"
                                     "text = [\"rate*limit\", \"slow\"]\nstage = [\"greeting\", \"end_of_data\"]\n"
                                     "verdict = \"slow_down\"\nto = \"20/m\"\nfor = \"1h\"\n"
                                     "samples = [\"421 4.7.0 slow\"]\nnot = [\"421 4.7.0 fast\"]\n"));
  ASSERT_EQ(got.replies.all().size(), 1u);
  const auto& rule = got.replies.all()[0];
  EXPECT_EQ(rule.providers, std::vector<std::string>{"big"});
  EXPECT_EQ(rule.codes, (std::vector<shaping::code_pattern>{{421, 421}, {500, 599}}));
  EXPECT_EQ(rule.stages, (std::vector{stage::greeting, stage::end_of_data}));
  EXPECT_EQ(rule.what, (shaping::verdict{.kind = shaping::verdict_kind::slow_down,
                                         .about = shaping::concern::egress,
                                         .duration = 1h,
                                         .to = shaping::rate{20, 1min}}));
  EXPECT_EQ(rule.line, 5u);
  EXPECT_THAT(shaping::check_samples(got), IsEmpty());
}

TEST(parse_rules, a_share_of_the_rate_is_in_per_cent) {
  const auto got = understood(a_rule("code = \"421\"\nverdict = \"slow_down\"\nto = \"25%\"\n"));
  EXPECT_DOUBLE_EQ(got.replies.all()[0].what.factor, 0.25);
  for (const char* bad : {"0%", "100%", "-5%", "5 %", "%", "fast", "20/w"})
    EXPECT_THAT(errors_of(a_rule(std::string("code = \"421\"\nverdict = \"slow_down\"\nto = \"") + bad + "\"\n")),
                ElementsAre(HasSubstr("r.toml:7:6: rule[1].to: found")))
        << bad;
}

TEST(parse_rules, names_the_place_of_an_error_and_the_nearest_word) {
  EXPECT_THAT(errors_of("[[provider]]\nname = \"big\"\ntitel = \"Big\"\nmx = [\"big.test\"]\n"),
              ElementsAre("r.toml:1:1: provider[1].title: found nothing, expected one line of text, at most 300 bytes",
                          "r.toml:3:1: provider[1].titel: found an unknown key; did you mean \"title\"?"));
  EXPECT_THAT(
      errors_of(a_provider + "[provider.limits]\nconections = 5\n"),
      ElementsAre("r.toml:6:1: provider[1].limits.conections: found an unknown key; did you mean \"connections\"?"));
  EXPECT_THAT(errors_of("[[rules]]\nname = \"r\"\n"), ElementsAre(HasSubstr("did you mean \"rule\"?")));
  EXPECT_THAT(errors_of(a_rule("code = \"421\"\nverdict = \"hold_sit\"\nfor = \"1h\"\n")),
              ElementsAre(HasSubstr("did you mean \"hold_site\"?")));
  EXPECT_THAT(errors_of(a_provider + a_rule("provider = \"bg\"\ncode = \"421\"\nverdict = \"fail\"\n")),
              ElementsAre(HasSubstr("r.toml:9:12: rule[1].provider: found \"bg\", expected the name of a provider in "
                                    "this file; did you mean \"big\"?")));
  EXPECT_THAT(errors_of("[[rule]\n"), ElementsAre(HasSubstr("r.toml:1:")));
}

TEST(parse_rules, refuses_values_that_say_nothing) {
  const auto refuses = [](const std::string& lines, const std::string& key) {
    EXPECT_THAT(errors_of(a_rule("verdict = \"fail\"\n" + lines)), ElementsAre(HasSubstr(": " + key + ": found")))
        << lines;
  };
  refuses("code = \"2xx\"\n", "rule[1].code");
  refuses("code = []\n", "rule[1].code");
  refuses("code = \"421\"\nstatus = \"4.7\"\n", "rule[1].status");
  refuses("code = \"421\"\ntext = \"*\"\n", "rule[1].text");
  refuses("code = \"421\"\ntext = [\"a\", 5]\n", "rule[1].text");
  refuses("code = \"421\"\nstage = \"banner\"\n", "rule[1].stage");
  refuses("code = \"421\"\nsamples = \"421 a\"\n", "rule[1].samples");
  refuses("", "rule[1]");
}

TEST(parse_rules, holds_a_verdict_to_what_it_needs) {
  const auto wrong = [](const std::string& lines) { return errors_of(a_rule("code = \"421\"\n" + lines)); };
  EXPECT_THAT(wrong("verdict = \"hold_site\"\n"), ElementsAre(HasSubstr("rule[1].for: found nothing")));
  EXPECT_THAT(wrong("verdict = \"greylisted\"\n"), ElementsAre(HasSubstr("rule[1].for: found nothing")));
  EXPECT_THAT(wrong("verdict = \"slow_down\"\n"), ElementsAre(HasSubstr("rule[1].to: found nothing")));
  EXPECT_THAT(wrong("verdict = \"fail\"\nfor = \"1h\"\n"), ElementsAre(HasSubstr("rule[1].for: found a duration")));
  EXPECT_THAT(wrong("verdict = \"defer\"\nto = \"50%\"\n"), ElementsAre(HasSubstr("rule[1].to: found \"50%\"")));
  EXPECT_THAT(wrong("verdict = \"defer\"\nfor = \"8d\"\n"), ElementsAre(HasSubstr("rule[1].for: found \"8d\"")));
  EXPECT_THAT(wrong("verdict = \"next_mx\"\n"), IsEmpty());
  EXPECT_THAT(wrong("verdict = \"other_egress\"\nfor = \"1h\"\n"), IsEmpty());
}

TEST(parse_rules, a_name_host_or_domain_is_taken_once) {
  EXPECT_THAT(errors_of(a_provider + "[[provider]]\nname = \"big\"\ntitle = \"Other\"\nmx = [\"BIG.test.\"]\n"),
              ElementsAre(HasSubstr("provider[2].name: found \"big\" again, after provider[1].name"),
                          HasSubstr("provider[2].mx: found \"big.test\" again, after provider[1].mx")));
  const auto once = a_rule("code = \"421\"\nverdict = \"fail\"\n");
  EXPECT_THAT(errors_of(once + once), ElementsAre(HasSubstr("rule[2].name: found \"r\" again")));
}

TEST(parse_rules, a_provider_must_be_recognisable) {
  EXPECT_THAT(errors_of("[[provider]]\nname = \"big\"\ntitle = \"Big\"\n"),
              ElementsAre(HasSubstr("neither `mx` nor `domains`")));
  EXPECT_THAT(errors_of("[[provider]]\nname = \"big\"\ntitle = \"Big\"\nmx = [\"*.big.test\"]\n"),
              ElementsAre(HasSubstr("provider[1].mx: found \"*.big.test\", expected a domain name")));
}

TEST(load_rules, says_that_a_file_cannot_be_read) {
  const auto got = load_rules("/nonexistent/rules.toml");
  ASSERT_FALSE(got);
  EXPECT_THAT(to_text(got.error().front()), HasSubstr("/nonexistent/rules.toml: found No such file"));
}

}  // namespace
}  // namespace gonets::config
