#include "app/cli/arguments.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

namespace gonets::app::cli {
namespace {
using testing::HasSubstr;

std::expected<arguments, parse_exit> given(std::vector<const char*> words) {
  words.insert(words.begin(), "gonets");
  return parse(static_cast<int>(words.size()), words.data());
}

arguments understood(std::vector<const char*> words) {
  auto got = given(std::move(words));
  EXPECT_TRUE(got) << got.error().err;
  return got.value_or(arguments{});
}

std::string refused(std::vector<const char*> words) {
  const auto got = given(std::move(words));
  EXPECT_FALSE(got);
  if (got) return {};
  EXPECT_EQ(got.error().status, exit_bad_usage);
  EXPECT_EQ(got.error().out, "");
  return got.error().err;
}

std::string help(std::vector<const char*> words) {
  words.push_back("--help");
  const auto got = given(std::move(words));
  EXPECT_FALSE(got);
  if (got) return {};
  EXPECT_EQ(got.error().status, exit_fine);
  EXPECT_EQ(got.error().err, "");
  return got.error().out;
}

const std::vector<std::vector<const char*>> all_commands{{"serve"},
                                                         {"check-config"},
                                                         {"config-reference"},
                                                         {"doctor"},
                                                         {"queue"},
                                                         {"queue", "summary"},
                                                         {"queue", "list"},
                                                         {"queue", "show"},
                                                         {"queue", "retry"},
                                                         {"queue", "hold"},
                                                         {"queue", "release"},
                                                         {"queue", "remove"},
                                                         {"trace"},
                                                         {"why"},
                                                         {"audit"},
                                                         {"capture"},
                                                         {"capture", "list"},
                                                         {"capture", "show"},
                                                         {"events"},
                                                         {"messages", "search"},
                                                         {"account", "list"},
                                                         {"account", "show"},
                                                         {"account", "add"},
                                                         {"account", "set"},
                                                         {"account", "pause"},
                                                         {"account", "resume"},
                                                         {"account", "close"},
                                                         {"credential", "list"},
                                                         {"credential", "add"},
                                                         {"credential", "revoke"},
                                                         {"plan", "list"},
                                                         {"plan", "show"},
                                                         {"plan", "set"},
                                                         {"plan", "remove"},
                                                         {"tls-policy", "show"},
                                                         {"tls-report", "list"},
                                                         {"tls-report", "show"},
                                                         {"tls-report", "send"},
                                                         {"rules", "show"},
                                                         {"rules", "check"},
                                                         {"rules", "try"},
                                                         {"bounce", "classify"},
                                                         {"version"}};

TEST(arguments, serve_takes_a_configuration) {
  const auto got = understood({"serve", "--config", "/tmp/g.toml"});
  EXPECT_EQ(got.what, command::serve);
  EXPECT_EQ(got.config_file, "/tmp/g.toml");
}

TEST(arguments, queue_and_capture_alone_mean_their_overviews) {
  EXPECT_EQ(understood({"queue"}).what, command::queue_summary);
  EXPECT_EQ(understood({"queue", "--json"}).what, command::queue_summary);
  EXPECT_TRUE(understood({"queue", "--json"}).json);
  EXPECT_EQ(understood({"capture"}).what, command::capture_list);
}

TEST(arguments, json_and_socket_are_taken_before_and_after_the_inner_command) {
  for (const auto& words : std::vector<std::vector<const char*>>{{"queue", "--json", "--socket", "/s", "list"},
                                                                 {"queue", "list", "--json", "--socket", "/s"}}) {
    const auto got = understood(words);
    EXPECT_EQ(got.what, command::queue_list);
    EXPECT_TRUE(got.json);
    EXPECT_EQ(got.socket, "/s");
  }
}

TEST(arguments, list_takes_all_filters) {
  const auto got =
      understood({"queue", "list", "--id", "066K3V7P8G01", "--recipient", "@example.com", "--domain", "example.com",
                  "--account", "default", "--state", "held", "--older-than", "2h", "--max", "7"});
  EXPECT_EQ(got.filter, (filter_arguments{"066K3V7P8G01", "@example.com", "example.com", "default", "held", "2h"}));
  EXPECT_EQ(got.max, 7u);
}

TEST(arguments, actions_take_an_id_without_a_flag) {
  const auto got = understood({"queue", "hold", "066K3V7P8G01", "--reason", "moving"});
  EXPECT_EQ(got.what, command::queue_hold);
  EXPECT_EQ(got.filter.id, "066K3V7P8G01");
  EXPECT_EQ(got.reason, "moving");
}

TEST(arguments, removing_needs_a_filter_or_all) {
  EXPECT_THAT(refused({"queue", "remove"}), HasSubstr("--all"));
  EXPECT_THAT(refused({"queue", "remove", "--reason", "x"}), HasSubstr("--all"));
  EXPECT_TRUE(understood({"queue", "remove", "--all"}).all);
  EXPECT_EQ(understood({"queue", "remove", "--domain", "example.com"}).filter.domain, "example.com");
}

TEST(arguments, what_is_no_id_state_age_or_number_is_refused_by_name) {
  EXPECT_THAT(refused({"trace", "xyz"}), HasSubstr("\"xyz\" is not a message id"));
  EXPECT_THAT(refused({"queue", "list", "--state", "stuck"}), HasSubstr("deferred"));
  EXPECT_THAT(refused({"queue", "list", "--older-than", "soon"}), HasSubstr("2h"));
  EXPECT_THAT(refused({"queue", "list", "--max", "0"}), HasSubstr("1"));
  EXPECT_THAT(refused({"events", "--after", "yesterday"}), HasSubstr("yesterday"));
}

TEST(arguments, commands_that_need_an_id_say_so) {
  for (const auto& words :
       std::vector<std::vector<const char*>>{{"trace"}, {"why"}, {"queue", "show"}, {"capture", "show"}}) {
    EXPECT_THAT(refused(words), HasSubstr("ID"));
  }
}

TEST(arguments, a_misspelt_word_is_answered_with_the_nearest_one) {
  EXPECT_THAT(refused({"qeue"}), HasSubstr("did you mean \"queue\"?"));
  EXPECT_THAT(refused({"queue", "lits"}), HasSubstr("did you mean \"list\"?"));
  EXPECT_THAT(refused({"queue", "list", "--domian", "example.com"}), HasSubstr("did you mean \"--domain\"?"));
}

TEST(arguments, bad_usage_points_at_the_help_of_the_command) {
  EXPECT_THAT(refused({"queue", "list", "--max", "x"}), HasSubstr("`gonets queue list --help`"));
}

TEST(arguments, nothing_at_all_shows_the_help_as_bad_usage) {
  EXPECT_THAT(refused({}), HasSubstr("queue"));
}

TEST(arguments, an_audit_reads_either_a_spool_or_a_server) {
  EXPECT_EQ(understood({"audit", "--spool", "/spool"}).spool, "/spool");
  EXPECT_THAT(refused({"audit", "--spool", "/spool", "--socket", "/s"}), HasSubstr("--spool"));
}

TEST(arguments, events_follow_after_a_number) {
  const auto got = understood({"events", "--after", "12", "--follow", "--json"});
  EXPECT_EQ(got.events.after, "12");
  EXPECT_TRUE(got.follow);
  EXPECT_TRUE(got.json);
}

TEST(arguments, rules_are_shown_checked_and_tried) {
  const auto shown = understood({"rules", "show", "google", "--json"});
  EXPECT_EQ(shown.what, command::rules_show);
  EXPECT_EQ(shown.rules.provider, "google");
  EXPECT_TRUE(shown.json);
  EXPECT_EQ(understood({"rules", "show"}).rules.provider, "");
  EXPECT_EQ(understood({"rules", "check", "new.toml"}).rules.file, "new.toml");
  const auto tried = understood({"rules", "try", "--file", "f", "--provider", "p", "--stage", "end_of_data"});
  EXPECT_EQ(tried.what, command::rules_try);
  EXPECT_EQ(tried.rules.file, "f");
  EXPECT_EQ(tried.rules.provider, "p");
  EXPECT_EQ(tried.rules.stage, "end_of_data");
  EXPECT_THAT(refused({"rules", "try", "--stage", "banner"}), HasSubstr("greeting"));
  EXPECT_THAT(refused({"rules"}), HasSubstr("subcommand"));
}

TEST(arguments, every_command_has_help_with_an_example) {
  for (const auto& words : all_commands) {
    EXPECT_THAT(help(words), HasSubstr("Example:\n  gonets ")) << words.back();
  }
  EXPECT_THAT(help({}), HasSubstr("Exit status"));
}

TEST(arguments, version_is_an_option_too) {
  const auto got = given({"--version"});
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().status, exit_fine);
  EXPECT_EQ(got.error().out, "gonets " GONETS_VERSION "\n");
}

}  // namespace
}  // namespace gonets::app::cli
