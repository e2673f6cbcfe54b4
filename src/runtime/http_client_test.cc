// Requests to a peer on a loopback socket that answers with prepared bytes. Certificates are
// tls_test.cc's.
#include "runtime/http_client.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

#include "runtime/resolver_test_support.h"
#include "runtime/shards_test_support.h"
#include "runtime/wheel.h"

namespace gonets::runtime {
namespace {

using namespace std::chrono_literals;
using outcome = std::expected<http_answer, http_failure>;

int listen_on_loopback(std::uint16_t& port) {
  const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof at;
  EXPECT_EQ(::bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  EXPECT_EQ(::listen(listener, 5), 0);
  ::getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length);
  port = ntohs(at.sin_port);
  return listener;
}

// Takes one connection, reads a request up to `until`, answers, and closes; an empty answer: waits for the end.
class peer {
 public:
  explicit peer(std::string answer, std::string until = "\r\n\r\n") {
    listener_ = listen_on_loopback(port_);
    thread_ = std::thread([this, a = std::move(answer), u = std::move(until)] { serve(a, u); });
  }
  ~peer() {
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  std::string url(const std::string& path = "/") const { return "http://127.0.0.1:" + std::to_string(port_) + path; }
  // After the exchange has ended.
  const std::string& request() {
    ended_.wait();
    return request_;
  }

 private:
  void serve(const std::string& answer, const std::string& until) {
    const int client = ::accept(listener_, nullptr, nullptr);
    if (client < 0) return;
    char bytes[4096];
    for (ssize_t n = 1; n > 0 && (answer.empty() || !request_.ends_with(until));) {
      n = ::recv(client, bytes, sizeof bytes, 0);
      if (n > 0) request_.append(bytes, static_cast<std::size_t>(n));
    }
    ::send(client, answer.data(), answer.size(), MSG_NOSIGNAL);
    ::close(client);
    done_.set_value();
  }
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::string request_;
  std::promise<void> done_;
  std::shared_future<void> ended_ = done_.get_future().share();
  std::thread thread_;
};

class http_client_test : public ::testing::Test {
 protected:
  void SetUp() override { shards_.start(); }

  std::future<outcome> begin(http_request request, const http_limits& limits = {}) {
    auto made = std::make_shared<std::promise<outcome>>();
    shards_.post(0, [this, made, r = std::move(request), limits]() mutable {
      client_.send(std::move(r), limits, [made](outcome o) { made->set_value(std::move(o)); });
      dns_.run();
    });
    return made->get_future();
  }
  outcome ask(http_request request, const http_limits& limits = {}) { return begin(std::move(request), limits).get(); }
  outcome get(const std::string& url, const http_limits& limits = {}) {
    http_request r;
    r.url = url;
    return ask(std::move(r), limits);
  }

  scripted_resolver dns_;
  shards shards_{1};
  http_client client_{shards_, 0, dns_, {}};
};

TEST_F(http_client_test, gets_an_answer_with_its_status_header_and_body) {
  peer p("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello");
  const auto answer = get(p.url("/a?b=c"));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 200u);
  EXPECT_EQ(answer->header("content-type"), "text/plain");
  EXPECT_EQ(answer->header("none"), "");
  EXPECT_EQ(answer->body, "hello");
  EXPECT_TRUE(p.request().starts_with("GET /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")) << p.request();
}

TEST_F(http_client_test, posts_a_body_with_the_fields_that_are_given) {
  peer p("HTTP/1.1 204 No Content\r\n\r\n", "token=1");
  http_request r{http_method::post, p.url("/introspect"), {{"Authorization", "Bearer x"}}, "token=1"};
  const auto answer = ask(std::move(r));
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(answer->status, 204u);
  EXPECT_NE(p.request().find("Authorization: Bearer x\r\n"), std::string::npos);
  EXPECT_TRUE(p.request().ends_with("Content-Length: 7\r\n\r\ntoken=1")) << p.request();
}

TEST_F(http_client_test, reads_chunked_bodies_and_those_that_end_with_the_connection) {
  peer chunked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_EQ(get(chunked.url())->body, "abcde");
  peer ended("HTTP/1.0 200 OK\r\n\r\nall of it");
  EXPECT_EQ(get(ended.url())->body, "all of it");
}

TEST_F(http_client_test, passes_over_interim_answers) {
  peer p("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  EXPECT_EQ(get(p.url())->body, "ok");
}

TEST_F(http_client_test, does_not_follow_a_redirect) {
  peer p("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(get(p.url())->status, 302u);
}

TEST_F(http_client_test, refuses_a_header_or_body_beyond_its_limit) {
  peer header("HTTP/1.1 200 OK\r\nX: " + std::string(2000, 'x') + "\r\nContent-Length: 0\r\n\r\n");
  EXPECT_EQ(get(header.url(), {.header_bytes_max = 1000}).error().what, http_error::too_large);
  peer announced("HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n" + std::string(1001, 'x'));
  EXPECT_EQ(get(announced.url(), {.body_bytes_max = 1000}).error().what, http_error::too_large);
  peer unannounced("HTTP/1.0 200 OK\r\n\r\n" + std::string(100'000, 'x'));
  EXPECT_EQ(get(unannounced.url(), {.body_bytes_max = 1000}).error().what, http_error::too_large);
}

TEST_F(http_client_test, tells_an_answer_that_is_cut_off_or_no_http) {
  peer cut("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
  EXPECT_EQ(get(cut.url()).error().what, http_error::bad_answer);
  peer other("220 mail.example.com ESMTP\r\n");
  EXPECT_EQ(get(other.url()).error().what, http_error::bad_answer);
}

TEST_F(http_client_test, gives_up_when_the_time_is_over) {
  peer silent("");
  auto waiting = begin({http_method::get, silent.url(), {}, {}}, {.timeout = 10s});
  while (waiting.wait_for(0s) != std::future_status::ready)
    shards_.post(0, [this] { shards_.timers(0).tick(); });
  EXPECT_EQ(waiting.get().error().what, http_error::timed_out);
}

TEST_F(http_client_test, speaks_plain_http_with_this_machine_only) {
  EXPECT_EQ(get("http://192.0.2.1/").error().what, http_error::bad_request);
  EXPECT_EQ(get("http://example.org/").error().what, http_error::bad_request);
  EXPECT_EQ(get("https://example.org/").error().what, http_error::bad_request) << "no trusted authorities were given";
  EXPECT_EQ(get("ftp://127.0.0.1/").error().what, http_error::bad_request);
}

TEST_F(http_client_test, refuses_a_field_that_would_be_several_lines) {
  http_request r{http_method::get, "http://127.0.0.1:1/", {{"Authorization", "Bearer x\r\nHost: other"}}, {}};
  EXPECT_EQ(ask(std::move(r)).error().what, http_error::bad_request);
}

TEST_F(http_client_test, tells_that_nobody_listens) {
  EXPECT_EQ(get("http://127.0.0.1:1/").error().what, http_error::connect);
}

// Answers one request after the other on each connection, and closes it after `a_connection` of them; behind `good`
// connections, takes a request and closes without an answer.
class keeping_peer {
 public:
  explicit keeping_peer(int a_connection, int good = 1000) : a_connection_(a_connection), good_(good) {
    std::uint16_t port = 0;
    listener_ = listen_on_loopback(port);
    url_ = "http://127.0.0.1:" + std::to_string(port) + "/";
    thread_ = std::thread([this] { serve(); });
  }
  ~keeping_peer() {
    ::shutdown(listener_, SHUT_RDWR);
    ::shutdown(client_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  const std::string& url() const { return url_; }
  int connections() const { return connections_; }

 private:
  void serve() {
    for (;;) {
      const int client = ::accept(listener_, nullptr, nullptr);
      if (client < 0) return;
      client_ = client;
      const bool answers = ++connections_ <= good_;
      for (int served = 0; served < a_connection_ && answer(client, answers); ++served) {
      }
      client_ = -1;
      ::close(client);
    }
  }
  static bool answer(int client, bool answers) {
    std::string request;
    char bytes[4096];
    while (!request.ends_with("\r\n\r\n")) {
      const auto n = ::recv(client, bytes, sizeof bytes, 0);
      if (n <= 0) return false;
      request.append(bytes, static_cast<std::size_t>(n));
    }
    if (!answers) return false;
    constexpr std::string_view text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    return ::send(client, text.data(), text.size(), MSG_NOSIGNAL) > 0;
  }
  const int a_connection_, good_;
  int listener_ = -1;
  std::atomic<int> client_ = -1;
  std::atomic<int> connections_ = 0;
  std::string url_;
  std::thread thread_;
};

TEST_F(http_client_test, keeps_a_connection_for_the_next_request_when_asked_to) {
  keeping_peer p(100);
  client_.reconfigure({.keep_alive = 1min});
  for (int i = 0; i < 5; ++i) {
    const auto answer = get(p.url());
    ASSERT_TRUE(answer) << answer.error().text;
    EXPECT_EQ(answer->body, "ok");
  }
  EXPECT_EQ(p.connections(), 1);
}

TEST_F(http_client_test, asks_again_on_a_new_connection_when_the_server_has_closed_the_kept_one) {
  keeping_peer p(2);
  client_.reconfigure({.keep_alive = 1min});
  for (int i = 0; i < 6; ++i) {
    const auto answer = get(p.url());
    ASSERT_TRUE(answer) << answer.error().text;
  }
  EXPECT_EQ(p.connections(), 3);
}

TEST_F(http_client_test, asks_again_once_and_no_more) {
  keeping_peer p(1, 1);
  client_.reconfigure({.keep_alive = 1min});
  ASSERT_TRUE(get(p.url()));
  EXPECT_EQ(get(p.url()).error().what, http_error::bad_answer);
  EXPECT_EQ(p.connections(), 2);
}

TEST_F(http_client_test, keeps_no_connection_that_was_made_by_other_rules) {
  keeping_peer p(100);
  client_.reconfigure({.keep_alive = 1min});
  ASSERT_TRUE(get(p.url()));
  runtime::run_on(shards_, 0, [this] {
    client_.reconfigure(
        {.refuse_address = [](const address_bytes&, bool) { return std::string("no"); }, .keep_alive = 1min});
  });
  EXPECT_EQ(get(p.url()).error().what, http_error::forbidden);
}

TEST_F(http_client_test, lets_a_kept_connection_go_after_a_while) {
  keeping_peer p(100);
  client_.reconfigure({.keep_alive = 2s});
  ASSERT_TRUE(get(p.url()));
  std::promise<void> ticked;
  shards_.post(0, [&] {
    for (int i = 0; i < 5; ++i)
      shards_.timers(0).tick();
    ticked.set_value();
  });
  ticked.get_future().wait();
  ASSERT_TRUE(get(p.url()));
  EXPECT_EQ(p.connections(), 2);
}

TEST_F(http_client_test, asks_of_each_address_whether_it_may_be_connected_to) {
  keeping_peer p(1);
  std::vector<std::pair<std::string, bool>> asked;
  client_.reconfigure({.refuse_address = [&](const address_bytes& a, bool tls) {
    asked.emplace_back(gonets::to_text(a), tls);
    return std::string(is_loopback(a) && asked.size() > 3 ? "" : "not there");
  }});
  dns_.set_a("hooks.test", {"10.0.0.1", "127.0.0.1"});
  dns_.set_aaaa("hooks.test", {"::1"});
  auto port = p.url().substr(p.url().rfind(':'));
  const auto refused = get("http://hooks.test" + port);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, http_error::forbidden);
  EXPECT_EQ(asked.size(), 3u);
  const auto answer = get("http://127.0.0.1" + port);
  ASSERT_TRUE(answer) << answer.error().text;
  EXPECT_EQ(asked.back(), (std::pair<std::string, bool>("127.0.0.1", false)));
}

std::string parsed(std::string_view text) {
  const auto url = http_url::parse(text);
  if (!url) return "none";
  return (url->tls ? "s " : "p ") + url->host + ' ' + std::to_string(url->port) + ' ' + url->target;
}

TEST(http_url, has_host_port_and_target) {
  EXPECT_EQ(parsed("https://Example.ORG"), "s example.org 443 /");
  EXPECT_EQ(parsed("HTTP://example.org?a"), "p example.org 80 /?a");
  EXPECT_EQ(parsed("https://example.org:8443/a/b?c=d#fragment"), "s example.org 8443 /a/b?c=d");
  EXPECT_EQ(parsed("https://[2001:DB8::1]:1/"), "s 2001:db8::1 1 /");
  EXPECT_EQ(http_url::parse("https://[2001:db8::1]:1/")->authority(), "[2001:db8::1]:1");
  EXPECT_EQ(http_url::parse("https://example.org:443/")->authority(), "example.org");
}

TEST(http_url, is_refused_when_it_could_mean_something_else) {
  for (const auto* text :
       {"", "example.org", "https://", "https:///x", "https://user@example.org/", "https://a b/",
        "https://example.org:/", "https://example.org:0/", "https://example.org:99999/", "https://ex%61mple.org/",
        "https://[::1", "https://[1.2.3.4]/", "https://a\r\nb/", "https://example.org\\@evil.test/"}) {
    EXPECT_EQ(parsed(text), "none") << text;
  }
}

}  // namespace
}  // namespace gonets::runtime
