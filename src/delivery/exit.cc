#include "delivery/exit.h"

#include <fmt/format.h>

#include <array>
#include <memory>
#include <optional>

#include "base/network.h"
#include "smtp/proxy_protocol.h"
#include "smtp/socks_client.h"

namespace gonets::delivery {
namespace {

using protocol = config::exit_proxy::protocol;

// From a proxy's address to a stream that the host is at the end of. Kept alive by its callbacks.
class proxy_exit : public std::enable_shared_from_this<proxy_exit> {
 public:
  proxy_exit(const environment& env, config::egress by, std::string address, std::uint16_t port, on_exit done)
      : env_(env), by_(std::move(by)), address_(std::move(address)), port_(port), done_(std::move(done)) {}

  void start() {
    const auto& at = by_.proxy.address;
    runtime::connect(env_.shards, env_.shard, {at.host, at.port, {}}, env_.with.delivery.connect_timeout,
                     [self = shared_from_this()](runtime::stream_ptr stream, const std::string& why) {
                       self->on_proxy(std::move(stream), why);
                     });
  }

 private:
  void on_proxy(runtime::stream_ptr stream, const std::string& why) {
    if (!stream) return fail(why, true);
    stream_ = std::move(stream);
    stream_->expires_after(env_.with.delivery.connect_timeout);
    if (by_.proxy.speaks == protocol::haproxy) {
      const auto& source = address_.contains(':') ? by_.source_ipv6 : by_.source_ipv4;
      return write(smtp::make_proxy_header(source, stream_->local().port, address_, port_));
    }
    socks_.emplace(smtp::socks_request{by_.proxy.user, by_.proxy.password, address_, port_});
    write(socks_->take_output());
  }

  void write(std::string bytes) {
    out_ = std::move(bytes);
    const std::array<std::string_view, 1> parts = {out_};
    const auto done = [self = shared_from_this()](runtime::io_error error) { self->on_written(error); };
    if (stream_->write(parts, done)) on_written(runtime::io_error::none);
  }

  void on_written(runtime::io_error error) {
    if (error != runtime::io_error::none) return fail("connection lost while sending", true);
    if (!socks_) return succeed({});  // whether the proxy reaches the host shows by its greeting
    stream_->read([self = shared_from_this()](std::string_view bytes, runtime::io_error failed) {
      self->on_read(bytes, failed);
    });
  }

  void on_read(std::string_view bytes, runtime::io_error error) {
    if (error == runtime::io_error::none) {
      socks_->feed(bytes);
    } else {
      socks_->lost(error == runtime::io_error::timed_out ? "Connection timed out" : "it closed the connection");
    }
    if (socks_->at() == smtp::socks_client::phase::failed) return fail(socks_->error(), socks_->proxy_failed());
    if (socks_->at() == smtp::socks_client::phase::connected) return succeed(socks_->rest());
    write(socks_->take_output());
  }

  void succeed(std::string early) {
    auto done = std::move(done_);
    done({std::move(stream_), std::move(early), {}, false});
  }

  void fail(const std::string& why, bool of_egress) {
    if (stream_) stream_->close();
    auto done = std::move(done_);
    done({nullptr, {}, fmt::format("proxy {}: {}", to_text(by_.proxy.address), why), of_egress});
  }

  const environment& env_;
  const config::egress by_;
  const std::string address_;
  const std::uint16_t port_;
  on_exit done_;
  runtime::stream_ptr stream_;
  std::optional<smtp::socks_client> socks_;
  std::string out_;
};

}  // namespace

bool uses(const config::egress& e, bool ipv6) {
  const bool fixed = e.name != config::default_egress && (!e.source_ipv4.empty() || !e.source_ipv6.empty());
  return !fixed || !(ipv6 ? e.source_ipv6 : e.source_ipv4).empty();
}

void connect_by(const environment& env, const config::egress& by, const std::string& address, std::uint16_t port,
                on_exit done) {
  if (port != 0 && by.proxy.speaks != protocol::none) {
    return std::make_shared<proxy_exit>(env, by, address, port, std::move(done))->start();
  }
  runtime::connect_target target{address, port, {}};
  if (port != 0) target.source_address = address.contains(':') ? by.source_ipv6 : by.source_ipv4;
  const auto& source = target.source_address;
  runtime::connect(env.shards, env.shard, target, env.with.delivery.connect_timeout,
                   [done = std::move(done), source](runtime::stream_ptr stream, const std::string& why) mutable {
                     if (stream || source.empty() || runtime::is_own_address(source)) {
                       return done({std::move(stream), {}, why, false});
                     }
                     done({nullptr, {}, fmt::format("{} is no address of this machine", source), true});
                   });
}

}  // namespace gonets::delivery
