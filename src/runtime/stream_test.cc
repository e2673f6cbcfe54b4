// Streams on real loopback sockets. Time-outs are driven by hand: the test ticks the shard's wheel.
#include "runtime/stream.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <future>
#include <optional>
#include <system_error>
#include <vector>

#include "runtime/listener.h"
#include "runtime/shards_test_support.h"
#include "runtime/wheel.h"

namespace gonets::runtime {
namespace {

using namespace std::chrono_literals;

// More than the kernel buffers of a loopback connection.
constexpr std::size_t more_than_fits = 32 * 1024 * 1024;

std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i)
    text[i] = static_cast<char>(i * 31 ^ i >> 12);
  return text;
}

struct read_result {
  std::string bytes;
  io_error error = io_error::none;
};
struct connect_result {
  stream_ptr stream;
  std::string why;
};

class stream_test : public ::testing::Test {
 protected:
  void SetUp() override { shards_.start(); }
  void TearDown() override {
    on_shard([this] {
      for (auto* s : {&client_, &server_}) {
        if (*s) (*s)->close();
        s->reset();
      }
    });
    on_shard([] {});  // what the closing caused has run
  }

  template <class Work>
  void on_shard(Work work) {
    run_on(shards_, 0, std::move(work));
  }
  void tick(int times) {
    on_shard([&] {
      for (int i = 0; i < times; ++i)
        shards_.timers(0).tick();
    });
  }

  std::future<connect_result> connect_to(const connect_target& to, std::chrono::milliseconds timeout = 1h) {
    auto made = std::make_shared<std::promise<connect_result>>();
    on_shard([&] {
      connect(shards_, 0, to, timeout, [made](stream_ptr s, std::string why) { made->set_value({s, why}); });
    });
    return made->get_future();
  }
  void connect_pair(const std::string& address = "127.0.0.1") {
    auto accepted = std::make_shared<std::promise<stream_ptr>>();
    listener_.emplace(shards_, address, 0);
    listener_->start([accepted](std::size_t, stream_ptr s) { accepted->set_value(s); });
    auto connected = connect_to({address, listener_->port(), {}}).get();
    ASSERT_TRUE(connected.stream) << connected.why;
    client_ = connected.stream;
    server_ = accepted->get_future().get();
  }

  std::future<read_result> read(const stream_ptr& from) {
    auto result = std::make_shared<std::promise<read_result>>();
    on_shard([&] {
      from->read([result](std::string_view bytes, io_error e) { result->set_value({std::string(bytes), e}); });
    });
    return result->get_future();
  }
  std::string read_all(const stream_ptr& from, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) {
      auto part = read(from).get();
      all += part.bytes;
      if (part.error != io_error::none) break;
    }
    return all;
  }
  // Nothing: it was written at once.
  std::optional<std::future<io_error>> write(const stream_ptr& to, const std::vector<std::string_view>& parts) {
    auto result = std::make_shared<std::promise<io_error>>();
    bool at_once = false;
    on_shard([&] { at_once = to->write(parts, [result](io_error e) { result->set_value(e); }); });
    if (at_once) return std::nullopt;
    return result->get_future();
  }

  shards shards_{1};
  std::optional<listener> listener_;
  stream_ptr client_, server_;
};

TEST_F(stream_test, carries_bytes_both_ways) {
  connect_pair();
  EXPECT_FALSE(write(client_, {"EHLO ", "me", "\r\n"}));
  EXPECT_EQ(read_all(server_, 9), "EHLO me\r\n");
  EXPECT_FALSE(write(server_, {"250 you\r\n"}));
  EXPECT_EQ(read_all(client_, 9), "250 you\r\n");
  EXPECT_FALSE(client_->is_tls());
  EXPECT_EQ(client_->tls_description(), "");
}

TEST_F(stream_test, knows_the_addresses_of_both_ends) {
  for (const auto* address : {"127.0.0.1", "::1"}) {
    connect_pair(address);
    ASSERT_FALSE(HasFatalFailure());
    EXPECT_EQ(client_->peer().text(), address);
    EXPECT_EQ(client_->peer().port, listener_->port());
    EXPECT_EQ(server_->peer().text(), address);
    EXPECT_EQ(server_->peer().port, client_->local().port);
    EXPECT_EQ(server_->local().port, listener_->port());
  }
}

TEST_F(stream_test, connects_from_the_address_that_it_is_told) {
  auto accepted = std::make_shared<std::promise<stream_ptr>>();
  listener_.emplace(shards_, "127.0.0.1", 0);
  listener_->start([accepted](std::size_t, stream_ptr s) { accepted->set_value(s); });
  client_ = connect_to({"127.0.0.1", listener_->port(), "127.0.0.7"}).get().stream;
  server_ = accepted->get_future().get();
  EXPECT_EQ(server_->peer().text(), "127.0.0.7");
}

TEST_F(stream_test, brings_a_large_write_to_a_reader_that_comes_late) {
  connect_pair();
  const auto sent = pattern(more_than_fits);
  const std::string_view text = sent;
  auto written = write(client_, {text.substr(0, 10), text.substr(10, 5'000'000), text.substr(5'000'010)});
  ASSERT_TRUE(written);
  EXPECT_TRUE(read_all(server_, sent.size()) == sent);
  EXPECT_EQ(written->get(), io_error::none);
}

TEST_F(stream_test, writes_more_parts_than_one_system_call_takes) {
  connect_pair();
  const auto sent = pattern(1000);
  std::vector<std::string_view> parts;
  for (std::size_t i = 0; i < sent.size(); ++i)
    parts.push_back(std::string_view(sent).substr(i, 1));
  auto written = write(client_, parts);
  EXPECT_EQ(read_all(server_, sent.size()), sent);
  EXPECT_EQ(written ? written->get() : io_error::none, io_error::none);
}

TEST_F(stream_test, writes_nothing_at_once) {
  connect_pair();
  EXPECT_FALSE(write(client_, {}));
  EXPECT_FALSE(write(client_, {"", ""}));
}

TEST_F(stream_test, tells_that_the_other_side_has_ended) {
  connect_pair();
  EXPECT_FALSE(write(client_, {"bye"}));
  on_shard([this] { client_->close(); });
  EXPECT_EQ(read_all(server_, 3), "bye");
  const auto last = read(server_).get();
  EXPECT_EQ(last.error, io_error::end);
  EXPECT_EQ(last.bytes, "");
}

TEST_F(stream_test, tells_that_a_write_has_failed) {
  connect_pair();
  on_shard([this] { server_->close(); });
  EXPECT_EQ(read(client_).get().error, io_error::end);
  // The first may be taken by the kernel, which is then told that nobody is there.
  const auto text = pattern(more_than_fits);
  auto written = write(client_, {text});
  ASSERT_TRUE(written);
  EXPECT_EQ(written->get(), io_error::failed);
}

TEST_F(stream_test, ends_a_read_at_its_deadline) {
  connect_pair();
  auto reading = read(server_);
  on_shard([this] { server_->expires_after(5min); });
  tick(301);
  const auto r = reading.get();
  EXPECT_EQ(r.error, io_error::timed_out);
  EXPECT_EQ(r.bytes, "");
}

TEST_F(stream_test, ends_a_write_at_its_deadline) {
  connect_pair();
  on_shard([this] { client_->expires_after(5min); });
  const auto text = pattern(more_than_fits);
  auto written = write(client_, {text});
  ASSERT_TRUE(written);
  tick(301);
  // It may have been between two of its steps, and then takes a tick more.
  while (written->wait_for(0s) != std::future_status::ready)
    tick(1);
  EXPECT_EQ(written->get(), io_error::timed_out);
}

TEST_F(stream_test, writes_a_last_word_after_a_read_has_timed_out) {
  connect_pair();
  on_shard([this] { server_->expires_after(1s); });
  auto reading = read(server_);
  tick(2);
  ASSERT_EQ(reading.get().error, io_error::timed_out);
  EXPECT_FALSE(write(server_, {"421 4.4.2 Timeout\r\n"}));
  on_shard([this] { server_->close(); });
  EXPECT_EQ(read_all(client_, 19), "421 4.4.2 Timeout\r\n");
}

TEST_F(stream_test, keeps_a_read_whose_deadline_has_moved) {
  connect_pair();
  on_shard([this] { server_->expires_after(1s); });
  auto reading = read(server_);
  on_shard([this] { server_->expires_after(1h); });
  tick(1000);
  EXPECT_FALSE(write(client_, {"still here"}));
  const auto r = reading.get();
  EXPECT_EQ(r.error, io_error::none);
  EXPECT_EQ(r.bytes, "still here");
}

TEST_F(stream_test, calls_nothing_back_after_close) {
  connect_pair();
  bool called = false;
  const auto text = pattern(more_than_fits);
  on_shard([&] {
    client_->expires_after(1s);
    client_->read([&](std::string_view, io_error) { called = true; });
    const std::vector<std::string_view> parts = {text};
    EXPECT_FALSE(client_->write(parts, [&](io_error) { called = true; }));
    client_->close();
    client_->close();
  });
  const std::weak_ptr<stream> gone = client_;
  on_shard([this] { client_.reset(); });
  tick(3);
  on_shard([] {});
  EXPECT_FALSE(called);
  EXPECT_TRUE(gone.expired());
}

TEST_F(stream_test, may_be_closed_and_dropped_by_its_own_callback) {
  connect_pair();
  std::promise<void> ended;
  std::weak_ptr<stream> gone = server_;
  on_shard([&] {
    server_->read([this, &ended](std::string_view, io_error) {
      server_->close();
      server_.reset();
      ended.set_value();
    });
  });
  EXPECT_FALSE(write(client_, {"x"}));
  ended.get_future().wait();
  on_shard([] {});
  EXPECT_TRUE(gone.expired());
}

TEST_F(stream_test, never_calls_back_before_read_returns) {
  connect_pair();
  EXPECT_FALSE(write(client_, {"there already"}));
  std::promise<bool> in_time;
  on_shard([&] {
    auto returned = std::make_shared<bool>(false);
    server_->read([&in_time, returned](std::string_view, io_error) { in_time.set_value(*returned); });
    *returned = true;
  });
  EXPECT_TRUE(in_time.get_future().get());
}

// ---- connecting -------------------------------------------------------------------------------------------------

// A port of loopback on which nobody listens, as long as this lives.
class closed_port {
 public:
  closed_port() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof at;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &length), 0);
    number_ = ntohs(at.sin_port);
  }
  ~closed_port() { ::close(socket_); }
  closed_port(const closed_port&) = delete;
  closed_port& operator=(const closed_port&) = delete;
  std::uint16_t number() const { return number_; }
  void listen_without_room() { EXPECT_EQ(::listen(socket_, 0), 0); }

 private:
  int socket_;
  std::uint16_t number_ = 0;
};

TEST_F(stream_test, says_that_a_connection_was_refused) {
  const closed_port nobody;
  const auto r = connect_to({"127.0.0.1", nobody.number(), {}}).get();
  EXPECT_EQ(r.stream, nullptr);
  EXPECT_EQ(r.why, "Connection refused");
}

TEST_F(stream_test, gives_up_connecting_at_its_deadline) {
  closed_port busy;
  busy.listen_without_room();
  client_ = connect_to({"127.0.0.1", busy.number(), {}}).get().stream;  // takes the only place
  ASSERT_TRUE(client_);
  auto waiting = connect_to({"127.0.0.1", busy.number(), {}}, 30s);
  tick(31);
  const auto r = waiting.get();
  EXPECT_EQ(r.stream, nullptr);
  EXPECT_EQ(r.why, "Connection timed out");
}

TEST_F(stream_test, does_not_connect_to_what_is_no_address) {
  for (const auto* address : {"", "localhost", "127.0.0.1.1", "[::1]"}) {
    const auto r = connect_to({address, 25, {}}).get();
    EXPECT_EQ(r.stream, nullptr);
    EXPECT_EQ(r.why, "Not an IP address") << address;
  }
}

TEST_F(stream_test, says_that_it_cannot_connect_from_an_address_of_others) {
  const auto r = connect_to({"127.0.0.1", 9, "192.0.2.1"}).get();
  EXPECT_EQ(r.stream, nullptr);
  EXPECT_EQ(r.why, "Cannot assign requested address");
}

class unix_stream_test : public stream_test {
 protected:
  void SetUp() override {
    stream_test::SetUp();
    std::string name = std::filesystem::temp_directory_path() / "gonets-stream-XXXXXX";
    folder_ = ::mkdtemp(name.data());
  }
  void TearDown() override {
    stream_test::TearDown();
    std::filesystem::remove_all(folder_);
  }
  std::string folder_;
};

TEST_F(unix_stream_test, connects_to_a_unix_socket) {
  const auto path = folder_ + "/lmtp";
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  path.copy(at.sun_path, sizeof at.sun_path - 1);
  const int listening = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
  ASSERT_EQ(::listen(listening, 1), 0);
  auto connected = connect_to({path, 0, {}}).get();
  ASSERT_TRUE(connected.stream) << connected.why;
  client_ = connected.stream;
  const int accepted = ::accept(listening, nullptr, nullptr);
  ASSERT_GE(accepted, 0);
  EXPECT_EQ(::send(accepted, "220 ready\r\n", 11, 0), 11);
  EXPECT_EQ(read_all(client_, 11), "220 ready\r\n");
  EXPECT_FALSE(write(client_, {"LHLO me\r\n"}));
  char buffer[16];
  EXPECT_EQ(::recv(accepted, buffer, 9, MSG_WAITALL), 9);
  EXPECT_EQ(std::string_view(buffer, 9), "LHLO me\r\n");
  ::close(accepted);
  ::close(listening);
  EXPECT_EQ(read(client_).get().error, io_error::end);
}

TEST_F(unix_stream_test, says_why_a_unix_socket_cannot_be_reached) {
  EXPECT_EQ(connect_to({folder_ + "/nobody", 0, {}}).get().why, "No such file or directory");
  EXPECT_EQ(connect_to({folder_ + "/" + std::string(200, 'x'), 0, {}}).get().why, "Path of the socket is too long");
}

// ---- listening --------------------------------------------------------------------------------------------------

TEST_F(stream_test, names_the_address_that_it_cannot_listen_on) {
  try {
    const listener l(shards_, "192.0.2.1", 0);
    ADD_FAILURE() << "192.0.2.1 is not ours";
  } catch (const std::system_error& e) {
    EXPECT_NE(std::string(e.what()).find("cannot listen on 192.0.2.1 port 0"), std::string::npos) << e.what();
  }
}

TEST_F(stream_test, accepts_nobody_once_stopped) {
  connect_pair();
  const auto port = listener_->port();
  listener_->stop();
  on_shard([] {});
  EXPECT_EQ(connect_to({"127.0.0.1", port, {}}).get().why, "Connection refused");
}

TEST(peer_address, is_read_and_printed) {
  peer_address a;
  for (const auto* text : {"192.0.2.1", "2001:db8::1", "::1", "0.0.0.0"}) {
    ASSERT_TRUE(peer_address::parse(text, a.bytes)) << text;
    EXPECT_EQ(a.text(), text);
  }
  ASSERT_TRUE(peer_address::parse("::ffff:192.0.2.1", a.bytes));
  EXPECT_EQ(a.text(), "192.0.2.1");
}

TEST(peer_address, is_not_read_from_other_text) {
  std::array<std::uint8_t, 16> bytes;
  for (const std::string& text : {std::string(), std::string("192.0.2"), std::string("host.test"),
                                  std::string("::1%lo"), std::string(200, '1'), std::string("1.2.3.4 ")}) {
    EXPECT_FALSE(peer_address::parse(text, bytes)) << text;
  }
}

}  // namespace
}  // namespace gonets::runtime
