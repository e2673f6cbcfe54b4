#include "runtime/dns.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <unbound.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <filesystem>
#include <fstream>
#include <list>
#include <mutex>
#include <span>
#include <stdexcept>
#include <utility>

#include "base/text.h"
#include "runtime/dns_name.h"

namespace gonets::runtime {
namespace {

namespace asio = boost::asio;
using steady = std::chrono::steady_clock;

constexpr int class_in = 1;
enum class record_type : int { a = 1, cname = 5, ptr = 12, mx = 15, txt = 16, aaaa = 28, tlsa = 52 };

// Of package dns-root-data.
constexpr const char* root_anchor_path = "/usr/share/dns/root.key";

std::string_view to_text(record_type type) {
  switch (type) {
    case record_type::a:
      return "A";
    case record_type::mx:
      return "MX";
    case record_type::aaaa:
      return "AAAA";
    case record_type::tlsa:
      return "TLSA";
    case record_type::txt:
      return "TXT";
    case record_type::ptr:
      return "PTR";
    case record_type::cname:
      return "CNAME";
  }
  return "?";
}

struct context_deleter {
  void operator()(ub_ctx* context) const { ub_ctx_delete(context); }
};
using context_ptr = std::unique_ptr<ub_ctx, context_deleter>;

struct result_deleter {
  void operator()(ub_result* result) const { ub_resolve_free(result); }
};
using result_ptr = std::unique_ptr<ub_result, result_deleter>;

void check(int error, std::string_view what) {
  if (error != 0) throw std::runtime_error(fmt::format("libunbound: {}: {}", what, ub_strerror(error)));
}

void set_option(ub_ctx* context, const char* name, const std::string& value) {
  check(ub_ctx_set_option(context, name, value.c_str()), fmt::format("{} {}", name, value));
}

void set_caches(ub_ctx* context, std::size_t bytes_max, std::chrono::seconds ttl_max) {
  // libunbound advises twice the messages' bytes for the record sets.
  set_option(context, "rrset-cache-size:", std::to_string(bytes_max / 2));
  set_option(context, "msg-cache-size:", std::to_string(bytes_max / 4));
  set_option(context, "key-cache-size:", std::to_string(bytes_max / 8));
  set_option(context, "neg-cache-size:", std::to_string(bytes_max / 8));
  // Only the worker thread touches them: more slabs would spare no lock.
  for (const char* slabs : {"rrset-cache-slabs:", "msg-cache-slabs:", "key-cache-slabs:", "infra-cache-slabs:"}) {
    set_option(context, slabs, "1");
  }
  constexpr std::chrono::seconds negative_max = std::chrono::hours(1);
  set_option(context, "cache-max-ttl:", std::to_string(ttl_max.count()));
  set_option(context, "cache-max-negative-ttl:", std::to_string(std::min(ttl_max, negative_max).count()));
}

void set_network(ub_ctx* context) {
  // The library's default of 16 sockets would queue a burst of new domains behind a few dead ones.
  set_option(context, "outgoing-range:", "512");
  set_option(context, "outgoing-num-tcp:", "64");
  set_option(context, "num-queries-per-thread:", "4096");
  set_option(context, "edns-buffer-size:", "1232");  // never fragmented (DNS flag day 2020)
  set_option(context, "do-not-query-localhost:", "no");
  // A server that came back is used again within a minute, rather than the default of fifteen.
  set_option(context, "infra-host-ttl:", "60");
  set_option(context, "infra-keep-probing:", "yes");
}

void set_hardening(ub_ctx* context) {
  for (const char* name :
       {"harden-glue:", "harden-dnssec-stripped:", "harden-below-nxdomain:", "qname-minimisation:"}) {
    set_option(context, name, "yes");
  }
}

void set_upstream(ub_ctx* context, const dns_options& options) {
  for (const auto& [host, port] : options.servers) {
    const auto server = fmt::format("{}@{}", host, port);
    check(ub_ctx_set_fwd(context, server.c_str()), "forwarder " + server);
  }
  auto anchors = options.trust_anchor_file;
  if (anchors.empty() && options.servers.empty() && std::filesystem::exists(root_anchor_path)) {
    anchors = root_anchor_path;
  }
  if (!anchors.empty()) {
    // The library itself reads it at the first query only, and takes a missing file for none.
    if (!std::ifstream(anchors)) throw std::runtime_error("the DNSSEC trust anchors in " + anchors + " cannot be read");
    check(ub_ctx_add_ta_file(context, anchors.c_str()), anchors);
  }
  if (options.servers.empty()) return;
  // Answered by the library itself as not existing, unless removed; but what a forwarder says of them goes.
  for (const char* zone : {"test.", "invalid.", "home.arpa."}) {
    check(ub_ctx_zone_remove(context, zone), zone);
  }
}

context_ptr make_context(const dns_options& options) {
  // Creation and the first use write variables of the library's that all contexts share.
  static std::mutex guard;
  const std::lock_guard lock(guard);
  context_ptr context(ub_ctx_create());
  if (!context) throw std::runtime_error("libunbound: no context");
  check(ub_ctx_async(context.get(), 1), "thread mode");
  set_caches(context.get(), options.cache_bytes_max, options.cache_ttl_max);
  set_network(context.get());
  set_hardening(context.get());
  set_upstream(context.get(), options);
  return context;
}

std::optional<mx_record> read_mx(std::span<const std::uint8_t> rdata) {
  if (rdata.size() < 3) return std::nullopt;
  auto name = name_from_wire(rdata.subspan(2));
  if (!name) return std::nullopt;
  return mx_record{static_cast<std::uint16_t>(rdata[0] << 8 | rdata[1]), std::move(*name)};
}

std::optional<std::string> read_address(int family, std::span<const std::uint8_t> rdata) {
  char text[INET6_ADDRSTRLEN];
  if (rdata.size() != (family == AF_INET ? 4U : 16U)) return std::nullopt;
  if (inet_ntop(family, rdata.data(), text, sizeof text) == nullptr) return std::nullopt;
  return text;
}

// Strings of up to 255 bytes, each behind its length (RFC 1035 3.3.14).
std::optional<std::string> read_text(std::span<const std::uint8_t> rdata) {
  std::string text;
  while (!rdata.empty()) {
    const std::size_t length = rdata[0];
    if (rdata.size() <= length) return std::nullopt;
    text.append(reinterpret_cast<const char*>(rdata.data()) + 1, length);
    rdata = rdata.subspan(length + 1);
  }
  return text;
}

void read_record(std::span<const std::uint8_t> rdata, record_type type, dns_answer& answer) {
  const auto keep = [](auto& all, auto one) {
    if (one) all.push_back(std::move(*one));
  };
  switch (type) {
    case record_type::mx:
      return keep(answer.mx, read_mx(rdata));
    case record_type::a:
      return keep(answer.addresses, read_address(AF_INET, rdata));
    case record_type::aaaa:
      return keep(answer.addresses, read_address(AF_INET6, rdata));
    case record_type::tlsa:
      return keep(answer.tlsa, tls_policy::parse_tlsa({reinterpret_cast<const char*>(rdata.data()), rdata.size()}));
    case record_type::txt:
      return keep(answer.texts, read_text(rdata));
    case record_type::ptr:
    case record_type::cname:
      return keep(answer.names, name_from_wire(rdata));
  }
}

bool has_records(const dns_answer& a) {
  return !a.mx.empty() || !a.addresses.empty() || !a.tlsa.empty() || !a.texts.empty() || !a.names.empty();
}

std::string canonical_name(const ub_result& result) {
  std::string name = to_lower(result.canonname != nullptr ? result.canonname : result.qname);
  if (name.ends_with('.')) name.pop_back();
  return name;
}

std::string rcode_text(int rcode) {
  switch (rcode) {
    case 1:
      return "FORMERR";
    case 2:
      return "SERVFAIL";
    case 4:
      return "NOTIMP";
    case 5:
      return "REFUSED";
    default:
      return fmt::format("RCODE {}", rcode);
  }
}

dns_answer read_result(const ub_result& result, record_type type) {
  dns_answer answer;
  answer.secure = result.secure != 0;
  answer.ttl = std::chrono::seconds(std::max(result.ttl, 0));
  const auto question = fmt::format("{} {}", to_text(type), result.qname);
  if (result.bogus != 0) {
    answer.status = dns_status::bogus;
    answer.detail = fmt::format("DNSSEC validation of {} failed: {}", question,
                                result.why_bogus != nullptr ? result.why_bogus : "no reason given");
  } else if (result.nxdomain != 0) {
    answer.status = dns_status::no_such_name;
    answer.detail = fmt::format("NXDOMAIN for {}", question);
  } else if (result.rcode != 0) {
    answer.detail = fmt::format("{} for {}", rcode_text(result.rcode), question);
  } else {
    for (int i = 0; result.havedata != 0 && result.data[i] != nullptr; ++i) {
      read_record({reinterpret_cast<const std::uint8_t*>(result.data[i]), static_cast<std::size_t>(result.len[i])},
                  type, answer);
    }
    answer.canonical = canonical_name(result);
    const bool some = has_records(answer);
    answer.status = some ? dns_status::ok : dns_status::no_data;
    if (!some) answer.detail = fmt::format("no {}", question);
  }
  return answer;
}

dns_answer failed(std::string detail) {
  dns_answer answer;
  answer.detail = std::move(detail);
  return answer;
}

// What the resolver and its callbacks share. Callbacks of Asio hold it weakly; those of libunbound hold a query of
// `waiting_` or `expired_`, and end with the context.
class engine : public std::enable_shared_from_this<engine> {
 public:
  engine(asio::io_context& shard, const dns_options& options)
      : shard_(shard),
        options_(options),
        context_(make_context(options)),
        descriptor_(shard, ub_fd(context_.get())),
        timer_(shard) {}

  ~engine() { descriptor_.release(); }  // the descriptor is the context's to close

  void start() { wait_readable(); }
  void close();
  void query(std::string_view name, record_type type, resolver::handler done);

 private:
  struct query_state {
    engine* owner;
    std::list<query_state>::iterator self;
    record_type type;
    steady::time_point deadline;
    std::string name;
    resolver::handler done;  // empty once it expired
  };
  struct finished {
    resolver::handler done;
    dns_answer answer;
  };

  static void on_answer(void* state, int error, ub_result* result);
  void wait_readable();
  void arm_timer();
  void expire();
  void finish_later(resolver::handler done, dns_answer answer);
  void run_finished();

  asio::io_context& shard_;
  const dns_options options_;
  context_ptr context_;
  asio::posix::stream_descriptor descriptor_;
  asio::steady_timer timer_;
  bool timer_armed_ = false;
  bool closed_ = false;
  std::list<query_state> waiting_;  // by deadline, since all have the same time-out
  // Timed out for their callers but still known to libunbound, which cannot cancel in thread mode. They count as in
  // flight, so that a dead upstream cannot make the library hoard them.
  std::list<query_state> expired_;
  std::vector<finished> finished_;
};

// Handlers that wait in `finished_` or in Asio's queue are not run after this.
void engine::close() {
  closed_ = true;
  timer_.cancel();
  descriptor_.release();
  context_.reset();
  waiting_.clear();
  expired_.clear();
}

void engine::query(std::string_view name, record_type type, resolver::handler done) {
  auto ascii = to_a_labels(name);
  if (!ascii) {
    dns_answer answer;
    answer.status = dns_status::no_such_name;
    answer.ttl = std::chrono::hours(1);
    answer.detail = "not a domain name";
    return finish_later(std::move(done), std::move(answer));
  }
  if (waiting_.size() + expired_.size() >= options_.in_flight_max) {
    return finish_later(std::move(done), failed("too many DNS queries in flight"));
  }
  auto& state = waiting_.emplace_back(
      query_state{this, {}, type, steady::now() + options_.timeout, std::move(*ascii), std::move(done)});
  state.self = std::prev(waiting_.end());
  // The dot keeps it absolute. The library copies the name.
  const auto absolute = state.name + '.';
  const int error = ub_resolve_async(context_.get(), absolute.c_str(), static_cast<int>(type), class_in, &state,
                                     &engine::on_answer, nullptr);
  if (error != 0) {
    finish_later(std::move(state.done), failed(fmt::format("libunbound: {}", ub_strerror(error))));
    waiting_.erase(state.self);
    return;
  }
  arm_timer();
}

// Called from ub_process. Handlers are run only after that has returned: they may destroy the resolver.
void engine::on_answer(void* pointer, int error, ub_result* raw) {
  const result_ptr result(raw);
  auto& state = *static_cast<query_state*>(pointer);
  auto& owner = *state.owner;
  if (!state.done) {
    owner.expired_.erase(state.self);
    return;
  }
  auto answer = error != 0 || !result ? failed(fmt::format("libunbound: {}", ub_strerror(error)))
                                      : read_result(*result, state.type);
  owner.finished_.push_back({std::move(state.done), std::move(answer)});
  owner.waiting_.erase(state.self);
}

void engine::wait_readable() {
  descriptor_.async_wait(asio::posix::stream_descriptor::wait_read,
                         [weak = weak_from_this()](const boost::system::error_code& error) {
                           const auto self = weak.lock();
                           if (!self || self->closed_ || error) return;
                           ub_process(self->context_.get());
                           self->wait_readable();
                           self->run_finished();
                         });
}

void engine::arm_timer() {
  if (timer_armed_ || waiting_.empty()) return;
  timer_armed_ = true;
  timer_.expires_at(waiting_.front().deadline);
  timer_.async_wait([weak = weak_from_this()](const boost::system::error_code&) {
    const auto self = weak.lock();
    if (!self || self->closed_) return;
    self->timer_armed_ = false;
    self->expire();
    self->arm_timer();
    self->run_finished();
  });
}

void engine::expire() {
  const auto now = steady::now();
  while (!waiting_.empty() && waiting_.front().deadline <= now) {
    auto& state = waiting_.front();
    finished_.push_back(
        {std::exchange(state.done, nullptr), failed(fmt::format("no answer for {} {} within {} ms", to_text(state.type),
                                                                state.name, options_.timeout.count()))});
    expired_.splice(expired_.end(), waiting_, waiting_.begin());
  }
}

void engine::finish_later(resolver::handler done, dns_answer answer) {
  finished_.push_back({std::move(done), std::move(answer)});
  asio::post(shard_, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->run_finished();
  });
}

void engine::run_finished() {
  auto batch = std::exchange(finished_, {});
  for (auto& entry : batch) {
    if (closed_) return;
    entry.done(std::move(entry.answer));
  }
}

class unbound_resolver final : public resolver {
 public:
  unbound_resolver(asio::io_context& shard, const dns_options& options)
      : engine_(std::make_shared<engine>(shard, options)) {
    engine_->start();
  }
  ~unbound_resolver() override { engine_->close(); }
  unbound_resolver(const unbound_resolver&) = delete;
  unbound_resolver& operator=(const unbound_resolver&) = delete;

  void query_mx(std::string_view name, handler done) override {
    engine_->query(name, record_type::mx, std::move(done));
  }
  void query_a(std::string_view name, handler done) override { engine_->query(name, record_type::a, std::move(done)); }
  void query_aaaa(std::string_view name, handler done) override {
    engine_->query(name, record_type::aaaa, std::move(done));
  }
  void query_tlsa(std::string_view name, handler done) override {
    engine_->query(name, record_type::tlsa, std::move(done));
  }
  void query_txt(std::string_view name, handler done) override {
    engine_->query(name, record_type::txt, std::move(done));
  }
  void query_ptr(std::string_view name, handler done) override {
    engine_->query(name, record_type::ptr, std::move(done));
  }
  void query_cname(std::string_view name, handler done) override {
    engine_->query(name, record_type::cname, std::move(done));
  }

 private:
  std::shared_ptr<engine> engine_;
};

}  // namespace

std::unique_ptr<resolver> make_unbound_resolver(asio::io_context& shard, const dns_options& options) {
  return std::make_unique<unbound_resolver>(shard, options);
}

}  // namespace gonets::runtime
