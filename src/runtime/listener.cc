#include "runtime/listener.h"

#include <sys/socket.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/system/system_error.hpp>
#include <system_error>

#include "base/log.h"
#include "runtime/detail/socket_stream.h"
#include "runtime/wheel.h"

namespace gonets::runtime {
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int backlog = 1024;
// After accept failed for want of descriptors or memory: waiting is all that helps.
constexpr std::chrono::milliseconds pause_after_failure{100};

using acceptor = asio::basic_socket_acceptor<tcp, asio::io_context::executor_type>;
using tcp_socket = asio::basic_stream_socket<tcp, asio::io_context::executor_type>;

struct port_on_shard {
  explicit port_on_shard(asio::io_context& context) : socket(context), pause(context) {}
  acceptor socket;
  asio::steady_timer pause;
};

void bind_to(acceptor& socket, const tcp::endpoint& at) {
  socket.open(at.protocol());
  socket.set_option(asio::socket_base::reuse_address(true));
  const int one = 1;
  if (::setsockopt(socket.native_handle(), SOL_SOCKET, SO_REUSEPORT, &one, sizeof one) != 0) {
    throw boost::system::system_error(errno, boost::system::generic_category(), "SO_REUSEPORT");
  }
  if (at.address().is_v6()) socket.set_option(asio::ip::v6_only(true));
  socket.bind(at);
  socket.listen(backlog);
}

// SO_REUSEPORT would let a second server of the same user take a part of the first one's connections.
void refuse_taken(asio::io_context& context, const tcp::endpoint& at) {
  if (at.port() == 0) return;
  acceptor alone(context);
  alone.open(at.protocol());
  alone.set_option(asio::socket_base::reuse_address(true));
  if (at.address().is_v6()) alone.set_option(asio::ip::v6_only(true));
  alone.bind(at);
}

}  // namespace

struct listener::impl : std::enable_shared_from_this<impl> {
  explicit impl(shards& s) : on(s) {}

  void accept_on(std::size_t shard) {
    auto& port = *ports[shard];
    port.socket.async_accept(on.context(shard).get_executor(),
                             [self = shared_from_this(), shard](const error_code& error, tcp_socket peer) {
                               self->accepted(shard, error, std::move(peer));
                             });
  }

  void accepted(std::size_t shard, const error_code& error, tcp_socket peer) {
    if (error == asio::error::operation_aborted || !ports[shard]->socket.is_open()) return;
    if (error) return retry_on(shard, error);
    generic_socket socket(std::move(peer));
    set_no_delay(socket);
    handler(shard, make_stream(std::move(socket), on.timers(shard)));
    accept_on(shard);
  }

  void retry_on(std::size_t shard, const error_code& error) {
    GONETS_LOG(warning, "accept_failed", "port", bound, "error", error.message());
    auto& pause = ports[shard]->pause;
    pause.expires_after(pause_after_failure);
    pause.async_wait([self = shared_from_this(), shard](const error_code& stopped) {
      if (!stopped) self->accept_on(shard);
    });
  }

  shards& on;
  std::vector<std::unique_ptr<port_on_shard>> ports;
  std::uint16_t bound = 0;
  on_accept handler;
};

listener::listener(shards& on, const std::string& address, std::uint16_t port) : impl_(std::make_shared<impl>(on)) {
  tcp::endpoint at(asio::ip::make_address(address), port);
  try {
    refuse_taken(on.context(0), at);
    for (std::size_t i = 0; i < on.size(); ++i) {
      auto added = std::make_unique<port_on_shard>(on.context(i));
      bind_to(added->socket, at);
      at.port(added->socket.local_endpoint().port());
      impl_->ports.push_back(std::move(added));
    }
  } catch (const boost::system::system_error& e) {  // not a std::system_error in this version
    throw std::system_error(e.code(), "cannot listen on " + address + " port " + std::to_string(port));
  }
  impl_->bound = at.port();
}

listener::~listener() {
  stop();
}

std::uint16_t listener::port() const {
  return impl_->bound;
}

void listener::start(on_accept handler) {
  impl_->handler = std::move(handler);
  for (std::size_t i = 0; i < impl_->ports.size(); ++i) {
    impl_->on.post(i, [made = impl_, i] { made->accept_on(i); });
  }
}

void listener::stop() {
  for (std::size_t i = 0; i < impl_->ports.size(); ++i) {
    impl_->on.post(i, [made = impl_, i] {
      error_code ignored;
      made->ports[i]->socket.close(ignored);
      made->ports[i]->pause.cancel();
    });
  }
}

}  // namespace gonets::runtime
