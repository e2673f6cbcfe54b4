#include "app/cli/rules_commands.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace gonets::app::cli {
namespace {
using testing::HasSubstr;
using testing::Not;

class rules_commands : public testing::Test {
 protected:
  rules_commands() {
    char name[] = "/tmp/gonets-rules-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~rules_commands() override { std::filesystem::remove_all(folder_); }

  std::string file(const std::string& text) {
    const std::string path = folder_ + "/rules.toml";
    std::ofstream(path) << text;
    return path;
  }
  int run(int (*command)(const arguments&, const filter_context&), const rules_arguments& given, bool as_json = false) {
    arguments all;
    all.json = as_json;
    all.rules = given;
    return command(all, {in_, out_, err_, {}, wall_time{}});
  }
  boost::json::object parsed() const { return boost::json::parse(out_.str()).as_object(); }

  static constexpr const char* small =
      "[[provider]]\nname = \"big\"\ntitle = \"Big\"\nmx = [\"big.test\"]\ndomains = [\"big.example\"]\n"
      "greylisting = \"7m\"\n[provider.limits]\nconnections = 4\nmessages_a_minute = 30\n"
      "[[rule]]\nname = \"big-slow\"\nprovider = \"big\"\ncode = \"421\"\ntext = \"slow*down\"\nverdict = "
      "\"slow_down\"\n"
      "to = \"50%\"\nfor = \"1h\"\nabout = \"egress\"\nwhy = \"too fast\"\nsamples = [\"421 slow it down\"]\n"
      "[[rule]]\nname = \"grey\"\ncode = \"4xx\"\ntext = \"greylist\"\nverdict = \"greylisted\"\nfor = \"5m\"\n"
      "about = \"address\"\nwhy = \"greylisting\"\nsamples = [\"450 greylisted\"]\n";

  std::string folder_;
  std::istringstream in_;
  std::ostringstream out_, err_;
};

TEST_F(rules_commands, show_lists_the_providers_with_their_limits) {
  EXPECT_EQ(run(rules_show, {}), exit_fine);
  EXPECT_THAT(out_.str(), HasSubstr("PROVIDER"));
  EXPECT_THAT(out_.str(), HasSubstr("google"));
  EXPECT_EQ(run(rules_show, {.file = file(small)}), exit_fine);
  EXPECT_THAT(out_.str(), HasSubstr("big       big.test        big.example            4  30/m\n"));
}

TEST_F(rules_commands, show_finds_a_provider_by_name_domain_or_host) {
  for (const char* word : {"google", "GMAIL.com", "aspmx.l.google.com"}) {
    out_.str("");
    EXPECT_EQ(run(rules_show, {.provider = word}), exit_fine) << word;
    EXPECT_THAT(out_.str(), HasSubstr("google: Google (Gmail, Workspace)\n")) << word;
    EXPECT_THAT(out_.str(), HasSubstr("google-rate-of-egress"));
  }
  EXPECT_EQ(run(rules_show, {.provider = "gogle"}), exit_negative);
  EXPECT_THAT(err_.str(), HasSubstr("did you mean \"google\"?"));
}

TEST_F(rules_commands, show_prints_json) {
  EXPECT_EQ(run(rules_show, {.provider = "big", .file = file(small)}, true), exit_fine);
  EXPECT_EQ(parsed().at("limits").at("connections").as_int64(), 4);
  EXPECT_EQ(parsed().at("rules").at(0).at("verdict").as_string(), "slow_down");
  EXPECT_EQ(parsed().at("greylisting").as_string(), "7m");
}

TEST_F(rules_commands, presets_lists_servers_and_what_they_allow) {
  EXPECT_EQ(run(rules_presets, {}), exit_fine);
  EXPECT_THAT(out_.str(), testing::ContainsRegex("mail.ru +Mail.ru +smtps://smtp.mail.ru:465 +yes +1 +1 +1/m"));
  out_.str("");
  EXPECT_EQ(run(rules_presets, {}, true), exit_fine);
  const auto first = parsed().at("presets").at(0).as_object();
  EXPECT_EQ(first.at("name").as_string(), "mail.ru");
  EXPECT_EQ(first.at("to").as_string(), "smtps://smtp.mail.ru:465");
  EXPECT_EQ(first.at("limits").at("messages_a_minute").as_int64(), 1);
}

TEST_F(rules_commands, check_is_content_with_the_shipped_rules) {
  EXPECT_EQ(run(rules_check, {}), exit_fine) << err_.str();
  EXPECT_THAT(out_.str(), HasSubstr("rules/providers.toml: "));
  EXPECT_THAT(out_.str(), HasSubstr("all in order"));
}

TEST_F(rules_commands, check_names_the_place_of_an_error) {
  EXPECT_EQ(run(rules_check, {.file = file("[[provider]]\nnam = \"x\"\n")}), exit_negative);
  EXPECT_THAT(err_.str(), HasSubstr("rules.toml:2:1: provider[1].nam: found an unknown key; did you mean \"name\"?"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(rules_commands, check_says_which_rule_misses_its_sample) {
  const auto path = file(
      "[[rule]]\nname = \"r\"\ncode = \"421\"\nverdict = \"fail\"\nabout = \"egress\"\nwhy = \"w\"\n"
      "samples = [\"450 other\"]\n");
  EXPECT_EQ(run(rules_check, {.file = path}), exit_negative);
  EXPECT_THAT(err_.str(), HasSubstr("rules.toml:1: rule \"r\" misses its sample \"450 other\"\n"));
  EXPECT_EQ(run(rules_check, {.file = path}, true), exit_negative);
  EXPECT_FALSE(parsed().at("ok").as_bool());
  EXPECT_EQ(parsed().at("findings").at(0).at("line").as_int64(), 1);
}

TEST_F(rules_commands, try_says_what_is_made_of_each_reply) {
  in_.str("421 4.7.0 please slow down\r\n\n450 4.2.0 Greylisted\n450 Greylisted, come back in 90 seconds\n550 no\n");
  EXPECT_EQ(run(rules_try, {.provider = "mx1.big.test", .file = file(small)}), exit_fine) << err_.str();
  EXPECT_EQ(out_.str(),
            "421 4.7.0 please slow down\n  slow_down to 50% for 1h (big-slow): too fast; about the egress\n"
            "450 4.2.0 Greylisted\n  greylisted for 7m (grey): greylisting; about the address\n"
            "450 Greylisted, come back in 90 seconds\n"
            "  greylisted for 1m 30s (grey): greylisting; about the address\n"
            "550 no\n  no rule: the code decides\n");
}

TEST_F(rules_commands, try_prints_json_lines_that_stay_json_whatever_the_reply) {
  in_.str("421 slow \x1b[2J\xff down\n550 no\n");
  EXPECT_EQ(run(rules_try, {.provider = "big", .file = file(small)}, true), exit_fine);
  std::istringstream lines(out_.str());
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  const auto got = boost::json::parse(first);
  EXPECT_EQ(got.at("rule").as_string(), "big-slow");
  EXPECT_EQ(got.at("factor").as_double(), 0.5);
  EXPECT_EQ(got.at("for_ms").as_int64(), 3'600'000);
  EXPECT_EQ(got.at("reply").as_string(), "421 slow ?[2J? down");
  EXPECT_TRUE(boost::json::parse(second).at("rule").is_null());
}

TEST_F(rules_commands, try_minds_the_stage_only_where_it_is_given) {
  in_.str("452 4.5.3 Error: too many recipients\n");
  EXPECT_EQ(run(rules_try, {.stage = "mail"}), exit_fine);
  EXPECT_THAT(out_.str(), Not(HasSubstr("too-many-recipients")));
  in_.clear();
  in_.str("452 4.5.3 Error: too many recipients\n");
  EXPECT_EQ(run(rules_try, {}), exit_fine);
  EXPECT_THAT(out_.str(), HasSubstr("too-many-recipients"));
}

TEST_F(rules_commands, try_goes_on_after_what_is_no_reply_and_fails_in_the_end) {
  in_.str("hello\n550 no\n");
  EXPECT_EQ(run(rules_try, {.file = file(small)}), exit_negative);
  EXPECT_THAT(err_.str(), HasSubstr("\"hello\" is no negative reply"));
  EXPECT_THAT(out_.str(), HasSubstr("550 no\n"));
}

TEST_F(rules_commands, an_unknown_provider_to_try_is_bad_usage) {
  EXPECT_EQ(run(rules_try, {.provider = "nobody", .file = file(small)}), exit_bad_usage);
  EXPECT_THAT(err_.str(), HasSubstr("no provider \"nobody\""));
}

}  // namespace
}  // namespace gonets::app::cli
