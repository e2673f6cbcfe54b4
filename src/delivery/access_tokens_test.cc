#include "delivery/access_tokens.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <deque>
#include <fstream>

#include "config/load.h"

namespace gonets::delivery {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class manual_clock final : public clock {
 public:
  wall_time wall() const override { return wall_time(1'700'000'000s); }
  steady_time steady() const override { return now; }
  steady_time now{1h};
};

class queue final : public runtime::executor {
 public:
  void post(std::size_t, runtime::task work) override { tasks.push_back(std::move(work)); }
  void run() {
    while (!tasks.empty()) {
      auto work = std::move(tasks.front());
      tasks.pop_front();
      work();
    }
  }
  std::deque<runtime::task> tasks;
};

class at_once final : public runtime::background {
 public:
  bool run(runtime::task work) override {
    if (busy) return false;
    work();
    return true;
  }
  bool busy = false;
};

class access_tokens_test : public ::testing::Test {
 protected:
  access_tokens_test() {
    login_.name = "user";
    login_.oauth = config::oauth_client{"https://auth.test/token", "app", "app-secret", "", refresh_, "mail"};
    write("refresh-0\n");
  }
  ~access_tokens_test() override { std::remove(refresh_.c_str()); }

  void write(const std::string& text) const { std::ofstream(refresh_) << text; }
  void ask() {
    tokens_.get(login_,
                [this](const access_tokens::result& got) { told_.push_back(got ? *got : "no: " + got.error()); });
    EXPECT_TRUE(told_.empty() || !shards_.tasks.empty());
    shards_.run();
  }
  void answer(unsigned status, std::string body) {
    ASSERT_FALSE(sent_.empty());
    auto done = std::move(sent_.front().second);
    sent_.pop_front();
    runtime::http_answer a;
    a.status = status;
    a.body = std::move(body);
    done(std::move(a));
    shards_.run();
  }
  std::vector<std::string> told() { return std::exchange(told_, {}); }

  // Of each test its own: they run at the same time.
  const std::string refresh_ = ::testing::TempDir() + "gonets_refresh_" +
                               ::testing::UnitTest::GetInstance()->current_test_info()->name() + "_" +
                               std::to_string(::getpid());
  manual_clock time_;
  queue shards_;
  at_once blocking_;
  std::deque<std::pair<runtime::http_request, runtime::http_client::handler>> sent_;
  config::smarthost_login login_;
  access_tokens tokens_{{shards_, blocking_,
                         [this](runtime::http_request r, const runtime::http_limits&, runtime::http_client::handler h) {
                           sent_.emplace_back(std::move(r), std::move(h));
                         },
                         time_}};
  std::vector<std::string> told_;
};

TEST_F(access_tokens_test, asks_once_for_all_who_wait_and_then_not_again_until_it_is_about_to_end) {
  ask();
  ask();
  ASSERT_EQ(sent_.size(), 1u);
  EXPECT_EQ(sent_[0].first.url, "https://auth.test/token");
  EXPECT_EQ(sent_[0].first.body,
            "grant_type=refresh_token&refresh_token=refresh-0&client_id=app&client_secret=app-secret&scope=mail");
  EXPECT_THAT(told(), IsEmpty());
  answer(200, R"({"access_token":"one","expires_in":3600})");
  EXPECT_THAT(told(), ElementsAre("one", "one"));
  time_.now += 54min;
  ask();
  EXPECT_THAT(told(), ElementsAre("one"));
  EXPECT_TRUE(sent_.empty());
  time_.now += 1min;
  ask();
  EXPECT_THAT(told(), IsEmpty());
  answer(200, R"({"access_token":"two","expires_in":3600})");
  EXPECT_THAT(told(), ElementsAre("two"));
}

TEST_F(access_tokens_test, goes_on_with_the_old_one_while_it_lasts_when_there_is_no_other) {
  ask();
  answer(200, R"({"access_token":"one","expires_in":3600})");
  time_.now += 56min;
  ask();
  answer(503, "busy");
  ask();
  EXPECT_THAT(told(), ElementsAre("one", "one", "one"));
  EXPECT_TRUE(sent_.empty());
  time_.now += 4min;
  ask();
  answer(503, "busy");
  EXPECT_THAT(told(), ElementsAre("no: https://auth.test/token answered 503"));
}

TEST_F(access_tokens_test, one_that_was_refused_is_not_given_again) {
  ask();
  answer(200, R"({"access_token":"one"})");
  tokens_.refused(login_, "another");
  ask();
  EXPECT_TRUE(sent_.empty());
  tokens_.refused(login_, "one");
  ask();
  answer(200, R"({"access_token":"two"})");
  EXPECT_THAT(told(), ElementsAre("one", "one", "two"));
}

TEST_F(access_tokens_test, a_refresh_token_that_comes_takes_the_place_of_the_old_one) {
  ask();
  answer(200, R"({"access_token":"one","expires_in":60,"refresh_token":"refresh-1"})");
  EXPECT_EQ(config::read_file(refresh_), "refresh-1\n");
  time_.now += 1min;
  ask();
  EXPECT_THAT(sent_.at(0).first.body, HasSubstr("refresh_token=refresh-1&"));
}

TEST_F(access_tokens_test, a_refresh_token_that_could_not_be_written_serves_until_the_file_changes) {
  ask();
  blocking_.busy = true;
  answer(200, R"({"access_token":"one","expires_in":60,"refresh_token":"refresh-1"})");
  blocking_.busy = false;
  time_.now += 1min;
  ask();
  EXPECT_THAT(sent_.at(0).first.body, HasSubstr("refresh_token=refresh-1&"));
  answer(200, R"({"access_token":"two","expires_in":60})");
  write("by-hand\n");
  time_.now += 1min;
  ask();
  EXPECT_THAT(sent_.at(0).first.body, HasSubstr("refresh_token=by-hand&"));
}

TEST_F(access_tokens_test, says_why_there_is_none) {
  write("");
  std::remove(refresh_.c_str());
  ask();
  EXPECT_THAT(told(), ElementsAre("no: " + refresh_ + ": No such file or directory"));
  blocking_.busy = true;
  ask();
  EXPECT_THAT(told(), ElementsAre("no: too busy to read " + refresh_));
  login_.oauth.reset();
  login_.token_file = refresh_;
  ask();
  EXPECT_THAT(told(), ElementsAre("no: too busy to read " + refresh_));
  blocking_.busy = false;
  write("two words\n");
  ask();
  EXPECT_THAT(told(), ElementsAre("no: " + refresh_ + " has no access token"));
  write("token\n");
  ask();
  EXPECT_THAT(told(), ElementsAre("token"));
}

TEST(token_answer, is_read_as_rfc_6749_has_it) {
  const auto all = read_token_answer(200, R"({"access_token":"a","expires_in":7,"refresh_token":"r","x":[]})");
  ASSERT_TRUE(all);
  EXPECT_EQ(std::tie(all->token, all->refresh_token), std::make_tuple("a", "r"));
  EXPECT_EQ(all->lives_for, 7s);
  EXPECT_EQ(read_token_answer(200, R"({"access_token":"a"})")->lives_for, 1h);
  EXPECT_EQ(read_token_answer(200, R"({"access_token":"a","expires_in":"soon"})")->lives_for, 1h);
  EXPECT_EQ(read_token_answer(200, R"({"access_token":"a","expires_in":-5})")->lives_for, 0s);
  EXPECT_EQ(read_token_answer(200, R"({"access_token":"a","expires_in":99999999})")->lives_for, 24h);
  for (const auto* body : {"", "[]", "{}", R"({"access_token":7})", R"({"access_token":"two words"})", "<html>"})
    EXPECT_FALSE(read_token_answer(200, body)) << body;
  EXPECT_EQ(read_token_answer(400, R"({"error":"invalid_grant","error_description":"gone\r\nfor good"})").error(),
            "400 invalid_grant: gone  for good");
  EXPECT_EQ(read_token_answer(502, "<html>").error(), "502");
}

}  // namespace
}  // namespace gonets::delivery
