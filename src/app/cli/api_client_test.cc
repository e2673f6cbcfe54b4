#include "app/cli/api_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <thread>

#include "httpd/fake_control_test_support.h"
#include "httpd/server.h"

namespace gonets::app::cli {
namespace {
using testing::HasSubstr;

class api_client : public testing::Test {
 protected:
  api_client() {
    char name[] = "/tmp/gonets-client-XXXXXX";
    folder_ = ::mkdtemp(name);
    path_ = folder_ + "/api.sock";
  }
  ~api_client() override {
    if (server_.joinable()) server_.join();
    if (listening_ >= 0) ::close(listening_);
    std::filesystem::remove_all(folder_);
  }

  void listen_there() {
    listening_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    std::strncpy(at.sun_path, path_.c_str(), sizeof at.sun_path - 1);
    ASSERT_EQ(::bind(listening_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    ASSERT_EQ(::listen(listening_, 1), 0);
  }
  // Answers one request, once its header has come, and closes.
  void answer_with(std::string bytes) {
    listen_there();
    server_ = std::thread([this, bytes = std::move(bytes)] {
      const int peer = ::accept(listening_, nullptr, nullptr);
      char block[4096];
      while (received_.find("\r\n\r\n") == std::string::npos) {
        const auto n = ::read(peer, block, sizeof block);
        if (n <= 0) break;
        received_.append(block, static_cast<std::size_t>(n));
      }
      EXPECT_EQ(::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
      ::close(peer);
    });
  }
  std::expected<api_answer, api_failure> ask() {
    return ask_server(path_, "gonets serve --config X", "GET", "/v1/queue", "");
  }
  api_failure failure() {
    const auto got = ask();
    EXPECT_FALSE(got);
    return got ? api_failure{} : got.error();
  }

  std::string folder_, path_, received_;
  int listening_ = -1;
  std::thread server_;
};

TEST_F(api_client, brings_status_type_and_body) {
  answer_with("HTTP/1.1 404 Not Found\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
  const auto got = ask();
  ASSERT_TRUE(got) << got.error().text;
  EXPECT_EQ(got->status, 404u);
  EXPECT_EQ(got->content_type, "application/json");
  EXPECT_EQ(got->body, "{}");
  server_.join();
  EXPECT_THAT(received_, HasSubstr("GET /v1/queue HTTP/1.1\r\nHost: localhost\r\n"));
}

TEST_F(api_client, says_how_to_start_a_server_that_is_not_there) {
  const auto got = failure();
  EXPECT_TRUE(got.not_running);
  EXPECT_THAT(got.text, HasSubstr("no server is running at " + path_));
  EXPECT_THAT(got.text, HasSubstr("`gonets serve --config X`"));
}

TEST_F(api_client, takes_a_stale_socket_for_no_server) {
  listen_there();
  ::close(listening_);
  listening_ = -1;
  EXPECT_TRUE(failure().not_running);
}

TEST_F(api_client, says_that_a_path_is_too_long_for_a_socket) {
  path_ = folder_ + "/" + std::string(200, 'x');
  const auto got = failure();
  EXPECT_FALSE(got.not_running);
  EXPECT_THAT(got.text, HasSubstr("cannot connect"));
}

TEST_F(api_client, says_that_an_answer_broke_off) {
  answer_with("HTTP/1.1 200 OK\r\nContent-Length: 200\r\n\r\n{");
  const auto got = failure();
  EXPECT_FALSE(got.not_running);
  EXPECT_THAT(got.text, HasSubstr("did not answer"));
}

TEST_F(api_client, says_that_the_other_side_speaks_no_http) {
  answer_with("220 mail.example.com ESMTP\r\n");
  EXPECT_THAT(failure().text, HasSubstr("did not answer"));
}

TEST_F(api_client, speaks_with_the_server_that_we_ship) {
  httpd::fake_control control;
  control.affected = 3;
  runtime::shards shards(1);
  httpd::server server(shards, httpd::handler_of(control), {.socket_path = path_});
  server.bind();
  shards.start();
  server.start();
  const auto got = ask_server(path_, "", "POST", "/v1/queue/actions", R"({"action":"retry"})");
  EXPECT_EQ(got.value_or(api_answer{}).body, R"({"affected":3})");
  control.metrics.assign(5'000'000, 'x');
  const auto large = ask_server(path_, "", "GET", "/metrics", "");
  EXPECT_EQ(large.value_or(api_answer{}).body.size(), 5'000'000u);
  server.stop();
  shards.stop();
}

TEST(percent_encode, escapes_all_but_unreserved_characters) {
  EXPECT_EQ(percent_encode("a+b@example.com/ ?&=%"), "a%2Bb%40example.com%2F%20%3F%26%3D%25");
  EXPECT_EQ(percent_encode("A-z_0.9~"), "A-z_0.9~");
  EXPECT_EQ(percent_encode("п"), "%D0%BF");
}

}  // namespace
}  // namespace gonets::app::cli
