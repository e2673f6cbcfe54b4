#include "delivery/dial.h"

#include <fmt/format.h>

#include "delivery/host_address.h"

namespace gonets::delivery {
namespace {

smtp::recipient_outcome temporary(stage at, enhanced_status status, std::string text) {
  smtp::recipient_outcome o;
  o.what = smtp::disposition::deferred;
  o.at = at;
  o.answer = {451, status, std::move(text)};
  return o;
}

}  // namespace

void dialer::next(handler done) {
  done_ = std::move(done);
  if (resolved_) return try_next();
  resolved_ = true;
  resolve();
}

void dialer::resolve() {
  if (to_->route.kind == config::route_kind::mx) return resolve_mx();
  if (!to_->route.path.empty()) {
    candidates_.push_back({to_->route.path, to_->route.path, 0});
    return try_next();
  }
  if (parse_host_address(to_->route.host)) {
    candidates_.push_back({to_->route.host, to_->route.host, to_->route.port});
    return try_next();
  }
  resolve_name();
}

void dialer::resolve_mx() {
  env_.mx.find_hosts(to_->mx, [weak = weak_from_this()](std::expected<std::vector<mx_host>, mx_failure> hosts) {
    const auto self = weak.lock();
    if (!self) return;
    if (!hosts) {
      self->why_.what = hosts.error().answer.permanent() ? smtp::disposition::failed : smtp::disposition::deferred;
      self->why_.at = stage::resolve;
      self->why_.answer = hosts.error().answer;
      return self->finish(nullptr);
    }
    for (const auto& host : *hosts) {
      for (const auto& address : host.addresses) {
        self->candidates_.push_back({host.name, address, self->env_.with.delivery.port});
      }
    }
    self->try_next();
  });
}

// A smarthost that is named: its addresses, whatever its MX says (RFC 5321 leaves relays to the operator).
void dialer::resolve_name() {
  const auto& with = env_.with.delivery;
  answers_open_ = (with.ipv6 ? 1 : 0) + (with.ipv4 ? 1 : 0);
  why_ = temporary(stage::resolve, {4, 4, 3}, fmt::format("no address of {} was found", to_->route.host));
  const auto take = [weak = weak_from_this()](runtime::dns_answer answer) {
    const auto self = weak.lock();
    if (!self) return;
    self->add_addresses(answer.addresses);
    if (--self->answers_open_ == 0) self->try_next();
  };
  if (with.ipv6) env_.dns.query_aaaa(to_->route.host, take);
  if (with.ipv4) env_.dns.query_a(to_->route.host, take);
}

void dialer::add_addresses(const std::vector<std::string>& addresses) {
  for (const auto& address : addresses)
    candidates_.push_back({to_->route.host, address, to_->route.port});
}

void dialer::try_next() {
  if (candidates_.empty()) return finish(nullptr);
  current_ = std::move(candidates_.front());
  candidates_.pop_front();
  const auto& with = env_.with.delivery;
  runtime::connect_target target{current_.address, current_.port, {}};
  if (current_.port != 0) target.source_address = current_.address.contains(':') ? with.source_ipv6 : with.source_ipv4;
  runtime::connect(env_.shards, env_.shard, target, with.connect_timeout,
                   [weak = weak_from_this()](runtime::stream_ptr stream, std::string why) {
                     const auto self = weak.lock();
                     if (!self) return;
                     if (stream) return self->finish(std::move(stream));
                     const auto& at = self->current_;
                     const auto where =
                         at.port == 0 ? at.address : fmt::format("{}[{}]:{}", at.host, at.address, at.port);
                     self->why_ = temporary(stage::connect, {4, 4, 1}, fmt::format("connect to {}: {}", where, why));
                     self->try_next();
                   });
}

void dialer::finish(runtime::stream_ptr stream) {
  connected c;
  c.stream = std::move(stream);
  c.host = current_.host;
  c.address = current_.address;
  if (!c.stream) c.why_not = why_;
  auto done = std::move(done_);
  done(std::move(c));
}

}  // namespace gonets::delivery
