#include "runtime/stream.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <fmt/format.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "runtime/detail/socket_stream.h"
#include "runtime/detail/tls_channel.h"
#include "runtime/wheel.h"

namespace gonets::runtime {
namespace asio = boost::asio;
using boost::system::error_code;

std::string peer_address::text() const {
  char buffer[INET6_ADDRSTRLEN];
  static constexpr unsigned char mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::memcmp(bytes.data(), mapped, sizeof mapped) == 0) {
    return ::inet_ntop(AF_INET, bytes.data() + 12, buffer, sizeof buffer);
  }
  return ::inet_ntop(AF_INET6, bytes.data(), buffer, sizeof buffer);
}

bool peer_address::parse(std::string_view text, std::array<std::uint8_t, 16>& bytes) {
  char copy[INET6_ADDRSTRLEN + 1];
  if (text.size() >= sizeof copy) return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = 0;
  bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return ::inet_pton(AF_INET, copy, bytes.data() + 12) == 1 || ::inet_pton(AF_INET6, copy, bytes.data()) == 1;
}

namespace {

constexpr std::size_t read_buffer_bytes_min = 8 * 1024;
constexpr std::size_t read_buffer_bytes_max = 64 * 1024;
constexpr std::size_t parts_max = 64;
constexpr std::size_t discarded_bytes_max = 256 * 1024;  // what is left then makes the handshake fail

peer_address from_sockaddr(const sockaddr_storage& from) {
  peer_address address;
  if (from.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(from);
    address.bytes = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    std::memcpy(address.bytes.data() + 12, &v4.sin_addr, 4);
    address.port = ntohs(v4.sin_port);
  } else if (from.ss_family == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(from);
    std::memcpy(address.bytes.data(), &v6.sin6_addr, 16);
    address.port = ntohs(v6.sin6_port);
  }
  return address;
}

class socket_stream final : public stream {
 public:
  socket_stream(generic_socket socket, wheel& timers)
      : socket_(std::move(socket)), deadline_(timers, [this] { time_out(); }) {
    error_code ignored;
    socket_.non_blocking(true, ignored);
  }

  void read(on_read done) override {
    reading_ = std::move(done);
    if (!buffer_ || grow_) {
      if (grow_ && capacity_ < read_buffer_bytes_max) capacity_ *= 2;
      buffer_.reset(new char[capacity_]);
      grow_ = false;
    }
    if (!tls_) {
      socket_.async_read_some(
          asio::buffer(buffer_.get(), capacity_),
          [self = share()](const error_code& error, std::size_t n) { self->finish_read(self->kind_of(error), n); });
    } else if (tls_->has_received()) {
      soon<&socket_stream::read_tls>();
    } else {
      wait<&socket_stream::read_tls>(tls_step::want_read);
    }
  }

  bool write(std::span<const std::string_view> parts, on_written done) override {
    std::size_t sent = 0;
    std::size_t total = 0;
    for (const auto& part : parts)
      total += part.size();
    auto reached = tls_step::want_write;
    if (tls_) {
      reached = tls_->write(parts, sent);
    } else {
      sent = send_now(parts);
    }
    if (sent == total && (!tls_ || reached == tls_step::done)) return true;
    pending_.clear();
    pending_.reserve(total - sent);
    for (const auto& part : parts) {
      const auto skip = std::min(sent, part.size());
      pending_.append(part.substr(skip));
      sent -= skip;
    }
    writing_ = std::move(done);
    if (!tls_) {
      asio::async_write(socket_, asio::buffer(pending_), [self = share()](const error_code& error, std::size_t) {
        self->finish_write(self->kind_of(error));
      });
    } else if (reached == tls_step::failed || reached == tls_step::ended) {
      soon<&socket_stream::fail_write>();
    } else {
      pending_sent_ = 0;
      wait<&socket_stream::write_tls>(reached);
    }
    return false;
  }

  void expires_after(std::chrono::milliseconds from_now) override { deadline_.expires_after(from_now); }

  void discard_received() override {
    std::array<char, 4096> waste;
    for (std::size_t bytes = 0; bytes < discarded_bytes_max;) {
      const auto n = ::recv(socket_.native_handle(), waste.data(), waste.size(), MSG_DONTWAIT);
      if (n <= 0) return;
      bytes += static_cast<std::size_t>(n);
    }
  }

  void start_tls_server(tls_context_ptr context, on_handshake done) override {
    start_tls(std::move(context), nullptr, std::move(done));
  }
  void start_tls_client(tls_context_ptr context, const client_handshake& wanted, on_handshake done) override {
    start_tls(std::move(context), &wanted, std::move(done));
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    deadline_.clear();
    if (tls_) tls_->close_notify();
    error_code ignored;
    socket_.close(ignored);
    // The callbacks may own the session that is calling: they go when the last operation does.
  }

  bool is_tls() const override { return tls_ != nullptr; }
  std::string tls_description() const override {
    const auto facts = facts_of_tls();
    return facts.protocol.empty()
               ? std::string()
               : fmt::format("{} with cipher {} ({} bits)", facts.protocol, facts.cipher, facts.cipher_bits);
  }
  tls_facts facts_of_tls() const override { return tls_ ? tls_->facts() : tls_facts{}; }

  peer_address peer() const override { return address_by(::getpeername); }
  peer_address local() const override { return address_by(::getsockname); }

 private:
  std::shared_ptr<socket_stream> share() { return std::static_pointer_cast<socket_stream>(shared_from_this()); }

  peer_address address_by(int (*get)(int, sockaddr*, socklen_t*)) const {
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto& socket = const_cast<generic_socket&>(socket_);
    if (get(socket.native_handle(), reinterpret_cast<sockaddr*>(&storage), &length) != 0) return {};
    return from_sockaddr(storage);
  }

  std::size_t send_now(std::span<const std::string_view> parts) {
    if (parts.size() > parts_max) return 0;
    std::array<iovec, parts_max> vectors;
    for (std::size_t i = 0; i < parts.size(); ++i)
      vectors[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = parts.size();
    const auto sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return sent > 0 ? static_cast<std::size_t>(sent) : 0;  // an error is met again by the asynchronous write
  }

  io_error kind_of(const error_code& error) const {
    if (!error) return io_error::none;
    if (timed_out_) return io_error::timed_out;
    return error == asio::error::eof ? io_error::end : io_error::failed;
  }

  void finish_read(io_error error, std::size_t n) {
    auto done = std::move(reading_);
    if (closed_ || !done) return;
    grow_ = n == capacity_ && capacity_ < read_buffer_bytes_max;
    done(std::string_view(buffer_.get(), error == io_error::none ? n : 0), error);
  }

  void finish_write(io_error error) {
    auto done = std::move(writing_);
    pending_.clear();
    if (closed_ || !done) return;
    done(error);
  }

  // ---- TLS: a step is repeated when what it waits for has come

  using tls_step = tls_channel::step;

  template <void (socket_stream::*Step)(io_error)>
  void wait(tls_step wanted) {
    const auto what = wanted == tls_step::want_write ? generic_socket::wait_write : generic_socket::wait_read;
    socket_.async_wait(
        what, [self = share()](const error_code& error) { self->template resume<Step>(self->kind_of(error)); });
  }
  template <void (socket_stream::*Step)(io_error)>
  void soon() {
    asio::post(socket_.get_executor(), [self = share()] { self->template resume<Step>(io_error::none); });
  }
  template <void (socket_stream::*Step)(io_error)>
  void resume(io_error error) {
    if (!closed_) return (this->*Step)(error);
    // Nobody calls them any more, and they may own who owns this.
    const auto reading = std::move(reading_);
    const auto writing = std::move(writing_);
    const auto shaking_hands = std::move(shaking_hands_);
  }

  void start_tls(tls_context_ptr context, const client_handshake* wanted, on_handshake done) {
    tls_ = std::make_unique<tls_channel>(std::move(context), wanted, socket_.native_handle());
    shaking_hands_ = std::move(done);
    soon<&socket_stream::handshake_tls>();
  }

  void handshake_tls(io_error error) {
    std::optional<tls_failure> failure;
    if (error == io_error::none) {
      const auto reached = tls_->handshake();
      if (reached == tls_step::want_read || reached == tls_step::want_write) {
        return wait<&socket_stream::handshake_tls>(reached);
      }
      if (reached != tls_step::done) failure = tls_->failure();
    } else {
      failure.emplace();
      failure->timed_out = error == io_error::timed_out;
      failure->why = failure->timed_out ? "the handshake took too long" : "the connection failed";
    }
    auto done = std::move(shaking_hands_);
    done(failure);
  }

  void read_tls(io_error error) {
    std::size_t n = 0;
    if (error == io_error::none) {
      const auto reached = tls_->read({buffer_.get(), capacity_}, n);
      if (reached == tls_step::want_read || reached == tls_step::want_write) {
        return wait<&socket_stream::read_tls>(reached);
      }
      if (reached == tls_step::ended) error = io_error::end;
      if (reached == tls_step::failed) error = io_error::failed;
    }
    finish_read(error, n);
  }

  void write_tls(io_error error) {
    if (error == io_error::none) {
      std::size_t sent = 0;
      const std::array<std::string_view, 1> rest = {std::string_view(pending_).substr(pending_sent_)};
      const auto reached = tls_->write(rest, sent);
      pending_sent_ += sent;
      if (reached == tls_step::want_read || reached == tls_step::want_write) {
        return wait<&socket_stream::write_tls>(reached);
      }
      if (reached != tls_step::done) error = io_error::failed;
    }
    finish_write(error);
  }
  void fail_write(io_error) { finish_write(io_error::failed); }

  void time_out() {
    timed_out_ = true;
    error_code ignored;
    socket_.cancel(ignored);
    // A write of many steps may be between two of them, where there is nothing to cancel: again with the next tick.
    if (reading_ || writing_ || shaking_hands_) deadline_.expires_after(std::chrono::milliseconds{0});
  }

  generic_socket socket_;
  deadline deadline_;
  std::unique_ptr<tls_channel> tls_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = read_buffer_bytes_min;
  bool grow_ = false;
  bool closed_ = false;
  bool timed_out_ = false;
  on_read reading_;
  on_written writing_;
  on_handshake shaking_hands_;
  std::string pending_;
  std::size_t pending_sent_ = 0;  // with TLS
};

struct connecting : std::enable_shared_from_this<connecting> {
  connecting(asio::io_context& context, wheel& on, on_connected handler)
      : socket(context), timers(on), limit(on, [this] { give_up(); }), done(std::move(handler)) {}

  void give_up() {
    timed_out = true;
    error_code ignored;
    socket.cancel(ignored);
  }

  void fail(const std::string& why) {
    limit.clear();
    done(nullptr, why);
  }

  void start(const generic_endpoint& to, const std::string& source, std::chrono::milliseconds timeout) {
    error_code error;
    socket.open(to.protocol(), error);
    if (!error && !source.empty()) {
      socket.bind(asio::ip::tcp::endpoint(asio::ip::make_address(source, error), 0), error);
    }
    if (error) {
      asio::post(socket.get_executor(), [self = shared_from_this(), error] { self->fail(error.message()); });
      return;
    }
    limit.expires_after(timeout);
    socket.async_connect(to, [self = shared_from_this()](const error_code& failed) { self->finish(failed); });
  }

  void finish(const error_code& error) {
    limit.clear();
    if (timed_out) return fail("Connection timed out");
    if (error) return fail(error.message());
    set_no_delay(socket);
    done(std::make_shared<socket_stream>(std::move(socket), timers), {});
  }

  generic_socket socket;
  wheel& timers;
  deadline limit;
  on_connected done;
  bool timed_out = false;
};

}  // namespace

void set_no_delay(generic_socket& socket) {
  error_code ignored;
  socket.set_option(asio::ip::tcp::no_delay(true), ignored);  // not supported by Unix sockets, nor needed
}

bool is_own_address(const std::string& address) {
  error_code error;
  const auto parsed = asio::ip::make_address(address, error);
  if (error) return false;
  asio::io_context unused;
  asio::ip::tcp::acceptor probe(unused);
  const asio::ip::tcp::endpoint at(parsed, 0);
  probe.open(at.protocol(), error);
  if (!error) probe.bind(at, error);
  return error != asio::error::make_error_code(static_cast<asio::error::basic_errors>(EADDRNOTAVAIL));
}

stream_ptr make_stream(generic_socket socket, wheel& timers) {
  return std::make_shared<socket_stream>(std::move(socket), timers);
}

void connect(shards& on, std::size_t shard, const connect_target& to, std::chrono::milliseconds timeout,
             on_connected done) {
  auto attempt = std::make_shared<connecting>(on.context(shard), on.timers(shard), std::move(done));
  if (to.port == 0) {
    if (to.address.size() >= sizeof(sockaddr_un::sun_path)) {
      asio::post(on.context(shard), [attempt] { attempt->fail("Path of the socket is too long"); });
      return;
    }
    attempt->start(asio::local::stream_protocol::endpoint(to.address), {}, timeout);
    return;
  }
  error_code error;
  const auto address = asio::ip::make_address(to.address, error);
  if (error) {
    asio::post(on.context(shard), [attempt] { attempt->fail("Not an IP address"); });
    return;
  }
  attempt->start(asio::ip::tcp::endpoint(address, to.port), to.source_address, timeout);
}

}  // namespace gonets::runtime
