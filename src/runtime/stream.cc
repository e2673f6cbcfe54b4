#include "runtime/stream.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/write.hpp>
#include <cstring>

#include "runtime/detail/socket_stream.h"
#include "runtime/wheel.h"

namespace gonets::runtime {
namespace asio = boost::asio;
using boost::system::error_code;

class tls_context {
 public:
  asio::ssl::context native{asio::ssl::context::tls_server};
};

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
    const auto buffer = asio::buffer(buffer_.get(), capacity_);
    auto handler = [self = share()](const error_code& error, std::size_t n) { self->finish_read(error, n); };
    if (tls_) {
      tls_->async_read_some(buffer, std::move(handler));
    } else {
      socket_.async_read_some(buffer, std::move(handler));
    }
  }

  bool write(std::span<const std::string_view> parts, on_written done) override {
    std::size_t sent = 0;
    std::size_t total = 0;
    for (const auto& part : parts)
      total += part.size();
    if (!tls_) {
      sent = send_now(parts);
      if (sent == total) return true;
    }
    pending_.clear();
    pending_.reserve(total - sent);
    for (const auto& part : parts) {
      const auto skip = std::min(sent, part.size());
      pending_.append(part.substr(skip));
      sent -= skip;
    }
    writing_ = std::move(done);
    auto handler = [self = share()](const error_code& error, std::size_t) { self->finish_write(error); };
    if (tls_) {
      asio::async_write(*tls_, asio::buffer(pending_), std::move(handler));
    } else {
      asio::async_write(socket_, asio::buffer(pending_), std::move(handler));
    }
    return false;
  }

  void expires_after(std::chrono::milliseconds from_now) override { deadline_.expires_after(from_now); }

  void start_tls_server(std::shared_ptr<tls_context> context, on_written done) override {
    tls_context_ = std::move(context);
    tls_ = std::make_unique<asio::ssl::stream<generic_socket&>>(socket_, tls_context_->native);
    writing_ = std::move(done);
    tls_->async_handshake(asio::ssl::stream_base::server,
                          [self = share()](const error_code& error) { self->finish_write(error); });
  }

  void close() override {
    if (closed_) return;
    closed_ = true;
    deadline_.clear();
    error_code ignored;
    socket_.close(ignored);
    // The callbacks may own the session that is calling: they go when the last operation does.
  }

  bool is_tls() const override { return tls_ != nullptr; }
  std::string tls_description() const override {
    if (!tls_) return {};
    auto* const ssl = const_cast<asio::ssl::stream<generic_socket&>&>(*tls_).native_handle();
    return std::string(SSL_get_version(ssl)) + " with " + SSL_get_cipher_name(ssl);
  }

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
    const bool ended = error == asio::error::eof || error == asio::ssl::error::stream_truncated;
    return ended ? io_error::end : io_error::failed;
  }

  void finish_read(const error_code& error, std::size_t n) {
    auto done = std::move(reading_);
    if (closed_ || !done) return;
    grow_ = n == capacity_ && capacity_ < read_buffer_bytes_max;
    done(std::string_view(buffer_.get(), error ? 0 : n), kind_of(error));
  }

  void finish_write(const error_code& error) {
    auto done = std::move(writing_);
    pending_.clear();
    if (closed_ || !done) return;
    done(kind_of(error));
  }

  void time_out() {
    timed_out_ = true;
    error_code ignored;
    socket_.cancel(ignored);
    // A write of many steps may be between two of them, where there is nothing to cancel: again with the next tick.
    if (reading_ || writing_) deadline_.expires_after(std::chrono::milliseconds{0});
  }

  generic_socket socket_;
  deadline deadline_;
  std::unique_ptr<asio::ssl::stream<generic_socket&>> tls_;
  std::shared_ptr<tls_context> tls_context_;
  std::unique_ptr<char[]> buffer_;
  std::size_t capacity_ = read_buffer_bytes_min;
  bool grow_ = false;
  bool closed_ = false;
  bool timed_out_ = false;
  on_read reading_;
  on_written writing_;
  std::string pending_;
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

std::shared_ptr<tls_context> make_server_tls(const std::string& certificate_file, const std::string& key_file) {
  auto made = std::make_shared<tls_context>();
  auto& context = made->native;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                      asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_compression);
  context.use_certificate_chain_file(certificate_file);
  context.use_private_key_file(key_file, asio::ssl::context::pem);
  if (SSL_CTX_check_private_key(context.native_handle()) != 1) {
    throw std::runtime_error("the key in " + key_file + " does not belong to the certificate in " + certificate_file);
  }
  return made;
}

}  // namespace gonets::runtime
