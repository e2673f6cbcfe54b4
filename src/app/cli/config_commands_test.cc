#include "app/cli/config_commands.h"

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

class config_commands : public testing::Test {
 protected:
  config_commands() {
    char name[] = "/tmp/gonets-cli-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~config_commands() override { std::filesystem::remove_all(folder_); }
  std::string file(const std::string& name, const std::string& text) {
    std::ofstream(folder_ + "/" + name) << text;
    return folder_ + "/" + name;
  }
  std::string absent() const { return folder_ + "/absent.toml"; }

  std::string folder_;
  std::ostringstream out_, err_;
};

TEST_F(config_commands, finds_the_socket_by_the_most_explicit_word) {
  const auto config = file("a.toml", "[server]\nhostname = \"mail.example.com\"\n[api]\nsocket = \"/from/config\"\n");
  const auto fallback =
      file("b.toml", "[server]\nhostname = \"mail.example.com\"\n[api]\nsocket = \"/from/default\"\n");
  const auto socket = [&](const arguments& given, const char* environment, const std::string& default_file) {
    const auto found = locate(given, environment, default_file, err_);
    return found ? found->socket : "none: " + err_.str();
  };
  EXPECT_EQ(socket({.socket = "/given", .config_file = config}, "/from/env", fallback), "/given");
  EXPECT_EQ(socket({.config_file = config}, "/from/env", fallback), "/from/config");
  EXPECT_EQ(socket({}, "/from/env", fallback), "/from/env");
  EXPECT_EQ(socket({}, "", fallback), "/from/default");
  EXPECT_EQ(socket({}, nullptr, fallback), "/from/default");
  EXPECT_EQ(socket({}, nullptr, absent()), "/run/gonets/api.sock");
}

TEST_F(config_commands, says_what_is_wrong_with_a_configuration_that_was_named) {
  EXPECT_FALSE(locate({.config_file = absent()}, nullptr, absent(), err_));
  EXPECT_THAT(err_.str(), HasSubstr(absent()));
}

TEST_F(config_commands, check_config_names_the_place_of_an_error) {
  const auto config = file("a.toml", "[server]\nhostnam = \"mail.example.com\"\n");
  EXPECT_EQ(check_config({.config_file = config}, out_, err_), exit_negative);
  EXPECT_THAT(err_.str(), HasSubstr("a.toml:2:"));
  EXPECT_THAT(err_.str(), HasSubstr("hostname"));
  EXPECT_EQ(out_.str(), "");
}

TEST_F(config_commands, check_config_prints_findings_as_json) {
  const auto config = file("a.toml", "[server]\nhostnam = \"mail.example.com\"\n");
  EXPECT_EQ(check_config({.json = true, .config_file = config}, out_, err_), exit_negative);
  const auto got = boost::json::parse(out_.str());
  EXPECT_FALSE(got.at("ok").as_bool());
  EXPECT_EQ(got.at("findings").at(0).at("line").as_int64(), 2);
}

TEST_F(config_commands, check_config_fails_for_a_file_that_is_not_there) {
  EXPECT_EQ(check_config({.config_file = absent()}, out_, err_), exit_negative);
  EXPECT_THAT(err_.str(), HasSubstr(absent()));
}

TEST_F(config_commands, the_reference_is_printed) {
  EXPECT_EQ(config_reference(out_), exit_fine);
  EXPECT_THAT(out_.str(), HasSubstr("hostname"));
}

}  // namespace
}  // namespace gonets::app::cli
