#include "httpd/server.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/steady_timer.hpp>
#include <stdexcept>
#include <system_error>
#include <unordered_map>

#include "base/log.h"
#include "httpd/detail/connection.h"
#include "httpd/detail/unix_socket.h"

namespace gonets::httpd {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int backlog = 128;
// After accept failed for want of descriptors or memory: waiting is all that helps.
constexpr std::chrono::milliseconds pause_after_failure{100};
constexpr std::size_t accepting_shard = 0;

template <class Protocol>
using acceptor = asio::basic_socket_acceptor<Protocol, asio::io_context::executor_type>;
template <class Protocol>
using accepted_socket = asio::basic_stream_socket<Protocol, asio::io_context::executor_type>;

// A listening socket and what it needs to go on after a failure; all of it on accepting_shard once started.
template <class Protocol>
struct listening {
  listening(asio::io_context& context, bool tcp_port) : socket(context), pause(context), over_tcp(tcp_port) {}
  acceptor<Protocol> socket;
  asio::steady_timer pause;
  const bool over_tcp;
};

// The connections that there are. Outlives the server while one of them is alive, but owns nothing of a shard's, so
// that the last of them may end together with its io_context.
struct clients : std::enable_shared_from_this<clients> {
  clients(runtime::shards& s, request_handler h, server_options o)
      : on(s), answer(std::move(h)), options(std::move(o)), live(s.size()) {}

  void adopt(std::size_t shard, detail::client_socket peer, bool over_tcp) {
    if (count.fetch_add(1, std::memory_order_relaxed) >= options.connections_max) {
      count.fetch_sub(1, std::memory_order_relaxed);
      return detail::refuse_connection(std::move(peer));
    }
    on.post(shard, [self = shared_from_this(), shard, socket = std::move(peer), over_tcp]() mutable {
      self->serve(shard, std::move(socket), over_tcp);
    });
  }

  void serve(std::size_t shard, detail::client_socket peer, bool over_tcp) {
    const auto key = ++live[shard].last;
    const auto made = detail::make_connection(std::move(peer), over_tcp, answer, options,
                                              [self = shared_from_this(), shard, key] { self->ended(shard, key); });
    if (live[shard].stopped) return;
    live[shard].all.emplace(key, made);
    made->start();
  }

  void ended(std::size_t shard, std::uint64_t key) {
    live[shard].all.erase(key);
    count.fetch_sub(1, std::memory_order_relaxed);
  }

  void close_all(std::size_t shard) {
    live[shard].stopped = true;
    std::vector<std::shared_ptr<detail::connection>> open;  // closing may end them, which changes the map
    for (const auto& [key, one] : live[shard].all) {
      if (auto still = one.lock()) open.push_back(std::move(still));
    }
    for (const auto& one : open)
      one->close();
  }

  struct of_shard {
    std::unordered_map<std::uint64_t, std::weak_ptr<detail::connection>> all;
    std::uint64_t last = 0;
    bool stopped = false;
  };

  runtime::shards& on;
  const request_handler answer;
  const server_options options;
  std::atomic<std::size_t> count{0};
  std::vector<of_shard> live;  // each touched on its own shard only
};

}  // namespace

struct server::impl : std::enable_shared_from_this<impl> {
  impl(runtime::shards& s, request_handler h, server_options o)
      : on(s), served(std::make_shared<clients>(s, std::move(h), std::move(o))), options(served->options) {}
  ~impl() { unlink_socket(); }

  void bind_unix() {
    const int fd = detail::listen_on(options.socket_path, options.owner, backlog);
    local.emplace(on.context(accepting_shard), false);
    local->socket.assign(asio::local::stream_protocol(), fd);
    bound_path = options.socket_path;
  }

  void bind_tcp() {
    const std::string_view who = options.loopback_only ? "the API" : "web.listen";
    const auto name = options.listen->host + " port " + std::to_string(options.listen->port);
    error_code bad;
    const tcp::endpoint at(asio::ip::make_address(options.listen->host, bad), options.listen->port);
    if (bad || (options.loopback_only && !at.address().is_loopback())) {
      throw std::runtime_error(fmt::format("{} cannot listen on {}: {}", who, name,
                                           bad ? "not an address" : "not a loopback address, and it speaks no TLS"));
    }
    remote.emplace(on.context(accepting_shard), true);
    try {
      remote->socket.open(at.protocol());
      remote->socket.set_option(asio::socket_base::reuse_address(true));
      remote->socket.bind(at);
      remote->socket.listen(backlog);
    } catch (const std::system_error& e) {
      throw std::system_error(e.code(), fmt::format("{} cannot listen on {}", who, name));
    }
    tcp_port = remote->socket.local_endpoint().port();
  }

  // The new socket belongs to the next shard from the start; only its arrival is noticed here.
  template <class Protocol>
  void accept_on(listening<Protocol>& at) {
    const auto shard = next_shard++ % on.size();
    at.socket.async_accept(
        on.context(shard).get_executor(),
        [self = shared_from_this(), &at, shard](const error_code& error, accepted_socket<Protocol> peer) {
          if (error == asio::error::operation_aborted || !at.socket.is_open()) return;
          if (error) return self->pause_on(at, error);
          self->served->adopt(shard, detail::client_socket(std::move(peer)), at.over_tcp);
          self->accept_on(at);
        });
  }

  template <class Protocol>
  void pause_on(listening<Protocol>& at, const error_code& error) {
    GONETS_LOG(warning, "api_accept_failed", "error", error.message());
    at.pause.expires_after(pause_after_failure);
    at.pause.async_wait([self = shared_from_this(), &at](const error_code& stopped) {
      if (!stopped) self->accept_on(at);
    });
  }

  void close_ports() {
    error_code ignored;
    if (local) local->socket.close(ignored);
    if (local) local->pause.cancel();
    if (remote) remote->socket.close(ignored);
    if (remote) remote->pause.cancel();
  }

  // Best effort: without its privileges the process may not write to the directory, and a stale socket does no harm.
  void unlink_socket() {
    if (!bound_path.empty()) ::unlink(bound_path.c_str());
    bound_path.clear();
  }

  runtime::shards& on;
  const std::shared_ptr<clients> served;
  const server_options& options;
  std::optional<listening<asio::local::stream_protocol>> local;
  std::optional<listening<tcp>> remote;
  std::string bound_path;
  std::uint16_t tcp_port = 0;
  std::size_t next_shard = 0;
};

server::server(runtime::shards& on, request_handler answer, server_options options)
    : impl_(std::make_shared<impl>(on, std::move(answer), std::move(options))) {}

server::~server() = default;

void server::bind() {
  if (!impl_->options.socket_path.empty()) impl_->bind_unix();
  if (impl_->options.listen) impl_->bind_tcp();
}

void server::start() {
  impl_->on.post(accepting_shard, [made = impl_] {
    if (made->local) made->accept_on(*made->local);
    if (made->remote) made->accept_on(*made->remote);
  });
}

void server::stop() {
  impl_->unlink_socket();
  impl_->on.post(accepting_shard, [made = impl_] { made->close_ports(); });
  for (std::size_t shard = 0; shard < impl_->on.size(); ++shard) {
    impl_->on.post(shard, [made = impl_->served, shard] { made->close_all(shard); });
  }
}

std::uint16_t server::port() const {
  return impl_->tcp_port;
}

}  // namespace gonets::httpd
