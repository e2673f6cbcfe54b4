#include "delivery/dial.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "delivery/host_address.h"
#include "delivery/tlsa_lookup.h"

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
  egress_ = env_.egresses.find(to_->via);
  if (env_.egresses.trouble_of(to_->via)) return next_soon();  // with nothing to try
  resolve();
}

// Not at once: whoever asks may be in the middle of its own queues.
void dialer::next_soon() {
  env_.shards.post(env_.shard, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->try_next();
  });
}

void dialer::again(handler done) {
  done_ = std::move(done);
  connect();
}

bool dialer::has_another_host() const {
  return std::ranges::any_of(candidates_, [this](const candidate& c) { return c.host != current_.host; });
}

void dialer::pass_host_over() {
  std::erase_if(candidates_, [this](const candidate& c) { return c.host == current_.host; });
}

void dialer::resolve() {
  const auto& route = to_->route;
  if (route.kind == config::route_kind::mx) return resolve_mx();
  if (route.path.empty() && !parse_host_address(route.host)) return resolve_name();
  const auto& only = route.path.empty() ? route.host : route.path;
  add_only_host(only, {only}, route.path.empty() ? route.port : 0);
  try_next();
}

void dialer::resolve_mx() {
  env_.mx.find_hosts(to_->mx, [weak = weak_from_this()](std::expected<std::vector<mx_host>, mx_failure> found) {
    const auto self = weak.lock();
    if (!self) return;
    if (!found) {
      self->why_.what = found.error().answer.permanent() ? smtp::disposition::failed : smtp::disposition::deferred;
      self->why_.at = stage::resolve;
      self->why_.answer = found.error().answer;
      return self->finish(nullptr);
    }
    for (auto& each : *found) {
      for (const auto& address : each.addresses)
        self->candidates_.push_back({self->hosts_.size(), address, self->env_.with.delivery.port});
      self->hosts_.push_back({std::move(each), false, {}, {}});
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
    self->addresses_.insert(self->addresses_.end(), answer.addresses.begin(), answer.addresses.end());
    if (--self->answers_open_ != 0) return;
    self->add_only_host(self->to_->route.host, self->addresses_, self->to_->route.port);
    self->try_next();
  };
  if (with.ipv6) env_.dns.query_aaaa(to_->route.host, take);
  if (with.ipv4) env_.dns.query_a(to_->route.host, take);
}

void dialer::add_only_host(std::string name, const std::vector<std::string>& addresses, std::uint16_t port) {
  for (const auto& address : addresses)
    candidates_.push_back({hosts_.size(), address, port});
  mx_host only;
  only.name = std::move(name);
  hosts_.push_back({std::move(only), false, {}, {}});
}

void dialer::try_next() {
  while (!candidates_.empty()) {
    const auto at = candidates_.front().host;
    if (!hosts_[at].decided && !decide(at)) return;
    current_ = std::move(candidates_.front());
    candidates_.pop_front();
    if (hosts_[at].demand) return connect();
  }
  finish(nullptr);
}

// False: it is being looked up, and try_next() is called again.
bool dialer::decide(std::size_t at) {
  if (!to_->tls.dane) {
    hosts_[at].decided = true;
    hosts_[at].demand = tls_policy::decide_host(to_->tls, {});
    return true;
  }
  deciding_ = true;
  find_tlsa(env_.dns, hosts_[at].known, env_.with.delivery.port,
            [weak = weak_from_this(), at](tls_policy::host_tlsa found) {
              const auto self = weak.lock();
              if (!self) return;
              self->take_tlsa(at, std::move(found));
              if (!self->deciding_) self->try_next();
            });
  deciding_ = false;
  return hosts_[at].decided;
}

void dialer::take_tlsa(std::size_t at, tls_policy::host_tlsa found) {
  auto& asked = hosts_[at];
  asked.decided = true;
  asked.demand = tls_policy::decide_host(to_->tls, found);
  asked.tlsa = std::move(found);
  if (!asked.demand) {
    why_ =
        temporary(stage::tls, {4, 7, 5},
                  fmt::format("the TLSA records of {} cannot be looked up: {}", asked.known.name, asked.tlsa.detail));
    passed_over_.push_back({asked.known.name, asked.tlsa.detail});
  }
}

void dialer::connect() {
  const bool ipv6 = current_.address.contains(':');
  if (current_.port != 0 && !uses(egress_, ipv6)) {
    why_ = temporary(stage::connect, {4, 4, 1},
                     fmt::format("connect to {}: the egress {} has no {} address", current_.address, egress_.name,
                                 ipv6 ? "IPv6" : "IPv4"));
    return next_soon();
  }
  connect_by(env_, egress_, current_.address, current_.port, [weak = weak_from_this()](exit_result result) {
    if (const auto self = weak.lock()) self->on_connected(std::move(result));
  });
}

void dialer::on_connected(exit_result result) {
  if (result.egress_failed) {
    egress_fault_ = std::move(result.why);
    // Through a proxy that does not work no other host is reached, either; a source may be missing in one family alone.
    if (egress_.proxy.speaks != config::exit_proxy::protocol::none) candidates_.clear();
    return try_next();
  }
  tried_ = true;
  env_.egresses.worked(egress_.name);
  if (result.stream) return finish(std::move(result.stream), std::move(result.early));
  const auto& name = hosts_[current_.host].known.name;
  const auto where =
      current_.port == 0 ? current_.address : fmt::format("{}[{}]:{}", name, current_.address, current_.port);
  why_ = temporary(stage::connect, {4, 4, 1}, fmt::format("connect to {}: {}", where, result.why));
  try_next();
}

void dialer::finish(runtime::stream_ptr stream, std::string early) {
  connected c;
  c.stream = std::move(stream);
  c.early = std::move(early);
  c.address = current_.address;
  if (current_.host < hosts_.size()) {
    const auto& last = hosts_[current_.host];
    tls_policy::host_demand passed_over_by_dane;
    passed_over_by_dane.governs = tls_policy::policy::dane;
    passed_over_by_dane.clear_on_failure = false;
    c.target = {last.known.name, last.demand.value_or(passed_over_by_dane), last.tlsa};
  }
  c.before = std::exchange(passed_over_, {});
  if (!c.stream) {
    c.why_not = why_;
    c.egress_down = env_.egresses.trouble_of(egress_.name);
    if (!c.egress_down && !tried_ && !egress_fault_.empty()) {
      c.egress_down = env_.egresses.failed(egress_.name, egress_fault_);
    }
  }
  auto done = std::move(done_);
  done(std::move(c));
}

}  // namespace gonets::delivery
