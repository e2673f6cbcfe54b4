#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "app/cli/context.h"

namespace gonets::app::cli {
namespace {
using testing::ElementsAre;
using testing::HasSubstr;

class account_commands : public testing::Test {
 protected:
  using command_function = int (*)(const arguments&, const context&);
  int run(command_function command, std::vector<const char*> words) {
    words.insert(words.begin(), "gonets");
    const auto given = parse(static_cast<int>(words.size()), words.data());
    EXPECT_TRUE(given) << given.error().err;
    if (!given) return -1;
    const context with{.out = out_,
                       .err = err_,
                       .screen = terminal{},
                       .now = [] { return wall_time(std::chrono::milliseconds(1'740'830'400'000)); },
                       .ask = [this](const std::string& method, const std::string& target,
                                     const std::string& body) -> std::expected<api_answer, api_failure> {
                         asked_.push_back(method + " " + target + (body.empty() ? "" : " " + body));
                         return answer_;
                       }};
    return command(*given, with);
  }
  std::string refused(std::vector<const char*> words) {
    words.insert(words.begin(), "gonets");
    const auto given = parse(static_cast<int>(words.size()), words.data());
    EXPECT_FALSE(given);
    return given ? "" : given.error().err;
  }

  api_answer answer_{200, "application/json", "{}"};
  std::vector<std::string> asked_;
  std::ostringstream out_, err_;
};

TEST_F(account_commands, add_sends_what_was_given_and_nothing_else) {
  answer_.status = 201;
  EXPECT_EQ(run(account_change, {"account", "add", "shop", "--plan", "free", "--quota", "60 messages/minute@bulk"}),
            exit_fine);
  EXPECT_THAT(asked_,
              ElementsAre("POST /v1/accounts {\"plan\":\"free\",\"quotas\":[{\"max\":60,\"measure\":\"messages\","
                          "\"window\":\"minute\",\"stream\":\"bulk\"}],\"name\":\"shop\"}"));
  EXPECT_THAT(out_.str(), HasSubstr("gonets credential add shop"));
}

TEST_F(account_commands, set_takes_quotas_and_plans_away) {
  EXPECT_EQ(run(account_change, {"account", "set", "shop", "--no-plan", "--no-quotas", "--month-is-final", "yes",
                                 "--message-bytes-max", "1MiB"}),
            exit_fine);
  EXPECT_THAT(asked_, ElementsAre("PATCH /v1/accounts/shop {\"plan\":\"\",\"quotas\":[],\"month_is_final\":true,"
                                  "\"message_bytes_max\":1048576}"));
}

TEST_F(account_commands, set_without_anything_to_set_is_bad_usage) {
  EXPECT_EQ(run(account_change, {"account", "set", "shop"}), exit_bad_usage);
  EXPECT_TRUE(asked_.empty());
}

TEST_F(account_commands, pause_resume_and_close_are_states) {
  run(account_change, {"account", "pause", "shop"});
  run(account_change, {"account", "resume", "shop"});
  run(account_change, {"account", "close", "shop"});
  EXPECT_THAT(asked_, ElementsAre(HasSubstr("paused"), HasSubstr("active"), HasSubstr("closed")));
}

TEST_F(account_commands, a_new_credential_is_printed_to_be_pasted) {
  answer_ = {201, "application/json",
             R"({"id":3,"kind":"smtp","login":"shop-x","secret":"S3cret","servers":[)"
             R"({"host":"mail.example.com","port":465,"tls":"implicit"},)"
             R"({"host":"mail.example.com","port":587,"tls":"starttls"}]})"};
  EXPECT_EQ(
      run(credential_add, {"credential", "add", "shop", "--certificate",
                           "AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:EF:AB:CD:"
                           "EF:AB:CD",
                           "--scope", "send", "--scope", "read", "--network", "192.0.2.0/24", "--no-scram"}),
      exit_fine);
  EXPECT_THAT(asked_.at(0), HasSubstr(R"("certificate_sha256":"abcdef)"));
  EXPECT_THAT(asked_.at(0), HasSubstr(R"("scopes":["send","read"],"networks":["192.0.2.0/24"],"scram":false)"));
  EXPECT_EQ(
      out_.str(),
      "Credential 3 of shop\n"
      "  host        mail.example.com\n"
      "  port        465 (TLS)\n"
      "  port        587 (STARTTLS)\n"
      "  login       shop-x\n"
      "  password    S3cret\n"
      "Keep the password now: it is not shown again, the server has only its hash. `gonets credential revoke shop "
      "3` ends it.\n");
}

TEST_F(account_commands, an_account_is_shown_with_its_quotas_credentials_and_domains) {
  answer_.body =
      R"({"name":"shop","state":"paused","policy":"enforce","plan":"free","month_is_final":true,)"
      R"("message_bytes_max":1048576,"recipients_max":0,)"
      R"("limits":[{"max":1500,"measure":"recipients","window":"month","used":12}],)"
      R"("credential_list":[{"id":3,"kind":"smtp","login":"shop-x","scopes":["send"],"networks":[],)"
      R"("last_used":"2025-03-01T11:57:00.000Z"}],"domain_list":[{"name":"shop.example","verified":true,"keys":[]}]})";
  EXPECT_EQ(run(account_show, {"account", "show", "shop"}), exit_fine);
  const auto text = out_.str();
  EXPECT_THAT(text, HasSubstr("state       paused"));
  EXPECT_THAT(text, HasSubstr("1500 recipients/month, 12 used"));
  EXPECT_THAT(text, HasSubstr("at most 1MiB"));
  EXPECT_THAT(text, HasSubstr("3m ago"));
  EXPECT_THAT(text, HasSubstr("shop.example"));
}

TEST_F(account_commands, what_is_not_understood_is_told_with_an_example) {
  EXPECT_THAT(refused({"plan", "set", "pro", "--quota", "10/week"}), HasSubstr("1500/month"));
  EXPECT_THAT(refused({"account", "add", "No Name"}), HasSubstr("not a name"));
  EXPECT_THAT(refused({"credential", "add", "shop", "--network", "192.0.2.1/24"}), HasSubstr("192.0.2.0/24"));
  EXPECT_THAT(refused({"credential", "add", "shop", "--certificate", "12"}), HasSubstr("openssl x509"));
  EXPECT_THAT(refused({"acount", "list"}), HasSubstr("account"));
}

}  // namespace
}  // namespace gonets::app::cli
