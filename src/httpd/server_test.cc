#include "httpd/server.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "httpd/fake_control_test_support.h"

namespace gonets::httpd {
namespace {
using testing::HasSubstr;
using testing::StartsWith;

// A blocking socket that says what it is told and reads until the server closes, or until `enough` has come.
class peer {
 public:
  explicit peer(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::strncpy(to.sun_path, path.c_str(), sizeof to.sun_path - 1);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  explicit peer(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  ~peer() { ::close(fd_); }
  peer(const peer&) = delete;
  peer& operator=(const peer&) = delete;

  bool connected() const { return connected_; }
  void say(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return;  // the server has said its last word already
      bytes.remove_prefix(static_cast<std::size_t>(n));
    }
  }
  std::string hear(std::string_view enough = "") {
    std::string heard;
    char block[4096];
    while (enough.empty() || heard.find(enough) == std::string::npos) {
      const auto n = ::read(fd_, block, sizeof block);
      if (n <= 0) break;
      heard.append(block, static_cast<std::size_t>(n));
    }
    return heard;
  }

 private:
  int fd_;
  bool connected_ = false;
};

class http_server : public testing::Test {
 protected:
  http_server() {
    char name[] = "/tmp/gonets-api-XXXXXX";
    folder_ = ::mkdtemp(name);
    options_.socket_path = folder_ + "/run/api.sock";
  }
  ~http_server() override {
    if (server_) server_->stop();
    shards_.stop();
    server_.reset();
    std::filesystem::remove_all(folder_);
  }

  void bind() {
    server_ = std::make_unique<server>(shards_, handler_of(control_), options_);
    server_->bind();
  }
  void start() {
    bind();
    shards_.start();
    server_->start();
  }
  std::string exchange(const std::string& bytes) {
    peer client(options_.socket_path);
    client.say(bytes);
    return client.hear();
  }
  static std::string get(const std::string& path, const std::string& more = "") {
    return "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n" + more + "Connection: close\r\n\r\n";
  }

  std::string folder_;
  fake_control control_;
  server_options options_;
  runtime::shards shards_{2};
  std::unique_ptr<server> server_;
};

TEST_F(http_server, answers_on_a_unix_socket_that_only_owner_and_group_can_open) {
  start();
  struct stat found {};
  ASSERT_EQ(::stat(options_.socket_path.c_str(), &found), 0);
  EXPECT_EQ(found.st_mode & 07777, 0660u);
  const auto got = exchange(get("/healthz"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(got, HasSubstr("Content-Type: application/json\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\n\r\n{\"status\":\"ok\"}"));
}

TEST_F(http_server, keeps_a_connection_for_pipelined_requests) {
  start();
  const auto got =
      exchange("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n" + get("/v1/version"));
  EXPECT_LT(got.find("\"status\""), got.find("\"ready\""));
  EXPECT_LT(got.find("\"ready\""), got.find("\"version\""));
}

TEST_F(http_server, hands_a_posted_body_on_in_pieces_or_whole) {
  start();
  control_.affected = 3;
  peer client(options_.socket_path);
  client.say(
      "POST /v1/queue/actions HTTP/1.1\r\nHost: x\r\nContent-Length: 18\r\nConnection: close\r\n\r\n{\"action\":");
  client.say("\"retry\"}");
  EXPECT_THAT(client.hear(), HasSubstr("{\"affected\":3}"));
}

TEST_F(http_server, answers_head_with_the_length_alone) {
  start();
  const auto got = exchange("HEAD /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(got, HasSubstr("Content-Length: 15\r\n"));
  EXPECT_TRUE(got.ends_with("\r\n\r\n"));
}

TEST_F(http_server, refuses_a_header_beyond_the_limit) {
  start();
  const auto got = exchange(get("/healthz", "X: " + std::string(20'000, 'x') + "\r\n"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 431 "));
  EXPECT_THAT(got, HasSubstr("header_too_large"));
}

TEST_F(http_server, refuses_a_body_beyond_the_limit_before_it_has_come) {
  start();
  const auto got = exchange("POST /v1/queue/actions HTTP/1.1\r\nHost: x\r\nContent-Length: 1048577\r\n\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 413 "));
  EXPECT_THAT(got, HasSubstr("body_too_large"));
}

TEST_F(http_server, refuses_a_chunked_body_beyond_the_limit) {
  options_.body_bytes_max = 10;
  start();
  const auto got = exchange(
      "POST /v1/queue/actions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
      "8\r\n01234567\r\n8\r\n01234567\r\n");
  EXPECT_THAT(got, StartsWith("HTTP/1.1 413 "));
}

TEST_F(http_server, answers_what_is_no_http_with_400_and_closes) {
  start();
  EXPECT_THAT(exchange("EHLO example.com\r\n\r\n"), StartsWith("HTTP/1.1 400 "));
}

TEST_F(http_server, refuses_the_connection_after_the_last_allowed_one) {
  options_.connections_max = 2;
  start();
  peer first(options_.socket_path);
  peer second(options_.socket_path);
  // An answer shows that the connection is counted: sockets are accepted in order.
  for (auto* each : {&first, &second}) {
    each->say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
    EXPECT_THAT(each->hear("}"), StartsWith("HTTP/1.1 200 "));
  }
  const auto got = peer(options_.socket_path).hear();
  EXPECT_THAT(got, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(got, HasSubstr("too_many_connections"));
}

TEST_F(http_server, checks_the_host_over_tcp) {
  options_.listen = endpoint{"127.0.0.1", 0};
  start();
  ASSERT_NE(server_->port(), 0);
  peer honest(server_->port());
  honest.say(get("/healthz"));
  EXPECT_THAT(honest.hear(), StartsWith("HTTP/1.1 200 "));
  peer rebound(server_->port());
  rebound.say("GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(rebound.hear(), StartsWith("HTTP/1.1 403 "));
  peer page(server_->port());
  page.say(get("/healthz", "Origin: http://evil.example\r\n"));
  EXPECT_THAT(page.hear(), StartsWith("HTTP/1.1 403 "));
}

TEST_F(http_server, sends_a_stream_in_chunks_and_the_end_after_the_last) {
  control_.event_answers.pages = {
      event_page{.events = {{event_seq{7}, events::kind::delivered, "{}"}}, .next = event_seq{7}},
      std::unexpected(error_response(503, "unavailable", "over"))};
  start();
  const auto got = exchange(get("/v1/events", "Accept: text/event-stream\r\nLast-Event-ID: 6\r\n"));
  EXPECT_THAT(got, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(got, HasSubstr("Content-Type: text/event-stream\r\n"));
  EXPECT_THAT(got, HasSubstr("Transfer-Encoding: chunked\r\n"));
  EXPECT_THAT(got, HasSubstr("\r\n21\r\nid: 7\nevent: delivered\ndata: {}\n\n\r\n0\r\n\r\n"));
  EXPECT_EQ(control_.event_answers.asked.at(0).after, event_seq{6});
}

TEST_F(http_server, serves_on_after_a_stream_has_ended) {
  control_.event_answers.pages = {std::unexpected(error_response(503, "unavailable", "over"))};
  start();
  const auto got =
      exchange("GET /v1/events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n" + get("/healthz"));
  EXPECT_THAT(got, HasSubstr("\r\n0\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_F(http_server, streams_without_chunks_to_a_client_that_knows_none) {
  control_.event_answers.pages = {event_page{.next = event_seq{7}},
                                  std::unexpected(error_response(503, "unavailable", "over"))};
  start();
  const auto got = exchange("GET /v1/events HTTP/1.0\r\nAccept: text/event-stream\r\n\r\n");
  EXPECT_THAT(got, testing::EndsWith("\r\n\r\nretry: 2000\n\n: nothing new\nid: 7\n\n"));
}

TEST_F(http_server, binds_to_loopback_addresses_only) {
  options_.listen = endpoint{"0.0.0.0", 0};
  EXPECT_THROW(bind(), std::runtime_error);
  options_.listen = endpoint{"localhost", 0};
  EXPECT_THROW(bind(), std::runtime_error);
}

TEST_F(http_server, closes_open_connections_and_removes_the_socket_when_it_stops) {
  start();
  peer idle(options_.socket_path);
  idle.say("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(idle.hear("}"), StartsWith("HTTP/1.1 200 "));
  server_->stop();
  EXPECT_EQ(idle.hear(), "");
  EXPECT_FALSE(std::filesystem::exists(options_.socket_path));
}

TEST_F(http_server, replaces_the_socket_that_a_crash_left) {
  std::filesystem::create_directory(folder_ + "/run");
  const int left = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  std::strncpy(at.sun_path, options_.socket_path.c_str(), sizeof at.sun_path - 1);
  ASSERT_EQ(::bind(left, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ::close(left);
  start();
  EXPECT_THAT(exchange(get("/healthz")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(http_server, leaves_the_socket_of_a_running_server_alone) {
  start();
  server second(shards_, handler_of(control_), options_);
  EXPECT_THROW(second.bind(), std::runtime_error);
  EXPECT_THAT(exchange(get("/healthz")), StartsWith("HTTP/1.1 200 "));
}

TEST_F(http_server, leaves_a_file_that_is_no_socket_alone) {
  std::filesystem::create_directory(folder_ + "/run");
  std::ofstream(options_.socket_path) << "precious";
  EXPECT_THROW(bind(), std::runtime_error);
  EXPECT_TRUE(std::filesystem::is_regular_file(options_.socket_path));
}

TEST_F(http_server, refuses_a_socket_path_that_the_system_cannot_hold) {
  options_.socket_path = folder_ + "/" + std::string(120, 'x');
  EXPECT_THROW(bind(), std::runtime_error);
}

}  // namespace
}  // namespace gonets::httpd
