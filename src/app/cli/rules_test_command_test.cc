#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "app/cli/context.h"

namespace gonets::app::cli {
namespace {
using testing::HasSubstr;

class rules_test_command : public testing::Test {
 protected:
  rules_test_command() {
    char name[] = "/tmp/gonets-rules-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~rules_test_command() override { std::filesystem::remove_all(folder_); }

  int run(const std::string& text, bool as_json = false) {
    const auto path = folder_ + "/new.toml";
    std::ofstream(path) << text;
    arguments given;
    given.rules.file = path;
    given.since = "2d";
    given.json = as_json;
    const context with{.out = out_,
                       .err = err_,
                       .now = [] { return wall_time(std::chrono::milliseconds(1'740'830'400'000)); },
                       .ask = [this](const std::string& method, const std::string& target,
                                     const std::string& body) -> std::expected<api_answer, api_failure> {
                         asked_ = method + " " + target;
                         asked_body_ = body;
                         return api_answer{200, "application/json", answer_};
                       }};
    return rules_test(given, with);
  }

  static constexpr const char* answer_ =
      R"x({"replies":9,"different":3,"same_by_another_rule":1,"left_out":0,"log_from":"2025-02-27T12:00:00.000Z",)x"
      R"x("log_events":20,"log_cut":false,"groups":[{"recipients":3,"now":{"verdict":"fail"},"then":{"verdict":)x"
      R"x("defer for 1h","rule":"later","about":"address"},"example":{"at":"2025-03-01T11:57:00.000Z","message_id":)x"
      R"x("066K3V7P8G01","recipient":"a@c.test","site":"mx:c.test","stage":"rcpt","reply":{"code":550,"text":"no"}}}]})x";
  std::string folder_, asked_, asked_body_;
  std::ostringstream out_, err_;
};

TEST_F(rules_test_command, shows_each_group_with_both_verdicts_and_an_example) {
  EXPECT_EQ(run(""), exit_fine);
  EXPECT_EQ(asked_, "POST /v1/rules/test");
  const auto body = boost::json::parse(asked_body_);
  EXPECT_EQ(body.at("since").as_string(), "2d");
  EXPECT_EQ(
      out_.str(),
      "9 refused recipients since 2025-02-27 12:00:00Z: 3 would have been judged differently, 1 the same by another "
      "rule.\n\n"
      "3 recipients\n"
      "  now   fail, as its code says\n"
      "  then  defer for 1h (later, about the address)\n"
      "  such as 550 no\n"
      "          to a@c.test, rcpt, 3m ago, 066K3V7P8G01\n");
}

TEST_F(rules_test_command, prints_the_answer_as_it_came_with_json) {
  EXPECT_EQ(run("", true), exit_fine);
  EXPECT_EQ(out_.str(), std::string(answer_) + "\n");
}

TEST_F(rules_test_command, explains_a_file_that_is_wrong_and_asks_nobody) {
  EXPECT_EQ(run("[[rule]]\nname = 1\n"), exit_negative);
  EXPECT_THAT(err_.str(), HasSubstr("new.toml:2:"));
  EXPECT_EQ(asked_, "");
}

}  // namespace
}  // namespace gonets::app::cli
