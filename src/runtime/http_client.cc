#include "runtime/http_client.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <deque>
#include <unordered_map>

#include "base/network.h"
#include "runtime/tls.h"
#include "runtime/wheel.h"

namespace gonets::runtime {

// Connections that wait for the next request, by scheme and authority.
class detail::kept_connections {
 public:
  kept_connections(shards& on, std::size_t shard) : shards_(on), shard_(shard) {}

  void keep(const std::string& key, stream_ptr idle, std::chrono::milliseconds how_long) {
    auto& there = by_key_[key];
    if (there.size() >= kept_per_host_max) return idle->close();
    auto* raw = idle.get();
    there.push_back({std::move(idle), std::make_unique<deadline>(shards_.timers(shard_), [this, key, raw] {
                       if (auto late = take(key, raw)) late->close();
                     })});
    there.back().until->expires_after(how_long);
  }
  // The one that was used last; null: there is none.
  stream_ptr take(const std::string& key, const stream* which = nullptr) {
    const auto at = by_key_.find(key);
    if (at == by_key_.end()) return nullptr;
    auto& there = at->second;
    auto found = which == nullptr ? std::prev(there.end())
                                  : std::ranges::find(there, which, [](const entry& e) { return e.idle.get(); });
    if (found == there.end()) return nullptr;
    auto idle = std::move(found->idle);
    there.erase(found);
    if (there.empty()) by_key_.erase(at);
    return idle;
  }
  void close_all() {
    for (auto& [key, there] : std::exchange(by_key_, {})) {
      for (auto& e : there)
        e.idle->close();
    }
  }

 private:
  static constexpr std::size_t kept_per_host_max = 4;
  struct entry {
    stream_ptr idle;
    std::unique_ptr<deadline> until;
  };
  shards& shards_;
  const std::size_t shard_;
  std::unordered_map<std::string, std::vector<entry>> by_key_;
};

namespace {

constexpr std::chrono::milliseconds connect_timeout_max = std::chrono::seconds(10);  // of one address

namespace asio = boost::asio;
namespace http = boost::beast::http;
using boost::system::error_code;
using response_parser = http::response_parser<http::string_body>;

// One request. Owned by its callbacks; after finish() they find `done_` empty and do nothing.
class exchange : public std::enable_shared_from_this<exchange> {
 public:
  exchange(shards& on, std::size_t shard, resolver& dns, http_options with, const http_limits& limits,
           std::shared_ptr<detail::kept_connections> kept, http_client::handler done)
      : kept_(std::move(kept)),
        shards_(on),
        shard_(shard),
        dns_(dns),
        with_(std::move(with)),
        limits_(limits),
        done_(std::move(done)),
        deadline_(on.timers(shard), [this] { time_out(); }) {}

  void start(http_request request);

 private:
  void begin();
  void resolve();
  std::string refuse(const std::string& address) const;
  void take_addresses(dns_answer answer);
  void try_next();
  void shake_hands();
  void write();
  void read();
  void take(std::string_view bytes, io_error error);
  void parse();
  void fresh_parser();
  void finish_answer();
  void fail(http_error what, std::string text);
  void finish(std::expected<http_answer, http_failure> result);
  void time_out();
  bool ended() const { return !done_; }
  std::string where() const { return fmt::format("{}[{}]:{}", url_.host, current_, url_.port); }
  std::string key() const { return (url_.tls ? "https " : "http ") + url_.authority(); }
  bool may_stay() const { return with_.keep_alive.count() > 0; }

  const std::shared_ptr<detail::kept_connections> kept_;
  bool may_reuse_ = true;  // no kept connection was tried yet
  bool reused_ = false;    // the connection served another request before
  bool written_ = false;   // all of the request
  shards& shards_;
  const std::size_t shard_;
  resolver& dns_;
  const http_options with_;
  const http_limits limits_;
  http_client::handler done_;
  deadline deadline_;
  http_url url_;
  std::string outgoing_;
  std::deque<std::string> addresses_;  // still to be tried
  std::string current_;
  int answers_open_ = 0;
  http_failure why_{http_error::resolve, {}};  // of the last address
  stream_ptr stream_;
  std::optional<response_parser> parser_;
  boost::beast::flat_buffer buffer_;
};

std::string compose(const http_request& request, const http_url& url, bool may_stay) {
  const bool post = request.method == http_method::post;
  std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: gonets\r\nConnection: {}\r\n",
                                 post ? "POST" : "GET", url.target, url.authority(), may_stay ? "keep-alive" : "close");
  for (const auto& [name, value] : request.headers)
    text += fmt::format("{}: {}\r\n", name, value);
  if (post) text += fmt::format("Content-Length: {}\r\n", request.body.size());
  text += "\r\n";
  return text + request.body;
}

bool has_line_end(const http_request& request) {
  return std::ranges::any_of(request.headers, [](const auto& field) {
    constexpr std::string_view ends("\r\n\0", 3);
    return field.first.find_first_of(ends) != std::string::npos ||
           field.second.find_first_of(ends) != std::string::npos;
  });
}

// The host when it needs no resolver.
std::deque<std::string> literal_addresses(const http_url& url) {
  if (url.host == "localhost") return {"127.0.0.1", "::1"};
  if (parse_address(url.host)) return {url.host};
  return {};
}

void exchange::start(http_request request) {
  auto url = http_url::parse(request.url);
  const auto later = [this](std::string text) {
    shards_.post(shard_, [self = shared_from_this(), t = std::move(text)] { self->fail(http_error::bad_request, t); });
  };
  if (!url) return later("not an http or https URL: " + request.url);
  if (has_line_end(request)) return later("a header field has a line end in it");
  url_ = std::move(*url);
  addresses_ = literal_addresses(url_);
  if (url_.tls && !with_.tls) return later("https is not configured");
  if (!with_.refuse_address && !url_.tls && (addresses_.empty() || !is_loopback(*parse_address(addresses_.front())))) {
    return later("plain http is spoken with this machine only: " + request.url);
  }
  outgoing_ = compose(request, url_, may_stay());
  deadline_.expires_after(limits_.timeout);
  if (addresses_.empty()) return begin();
  shards_.post(shard_, [self = shared_from_this()] { self->begin(); });
}

void exchange::begin() {
  if (ended()) return;
  if (may_stay() && std::exchange(may_reuse_, false)) {
    stream_ = kept_->take(key());
    reused_ = stream_ != nullptr;
    if (reused_) {
      current_ = stream_->peer().text();
      stream_->expires_after(limits_.timeout);
      return write();
    }
  }
  if (addresses_.empty()) return resolve();
  try_next();
}

void exchange::resolve() {
  why_ = {http_error::resolve, fmt::format("no address of {}", url_.host)};
  answers_open_ = (with_.ipv6 ? 1 : 0) + (with_.ipv4 ? 1 : 0);
  const auto take = [self = shared_from_this()](dns_answer answer) { self->take_addresses(std::move(answer)); };
  if (with_.ipv6) dns_.query_aaaa(url_.host, take);
  if (with_.ipv4) dns_.query_a(url_.host, take);
}

void exchange::take_addresses(dns_answer answer) {
  if (answer.status != dns_status::ok && answer.status != dns_status::no_data) why_.text = std::move(answer.detail);
  for (auto& address : answer.addresses) {
    if (!with_.refuse_address) {
      const auto bytes = parse_address(address);
      if (!bytes || (is_loopback(*bytes) && !with_.allow_loopback)) {
        why_.text = fmt::format("{} has the address {}, which is this machine's", url_.host, address);
        continue;
      }
    }
    addresses_.push_back(std::move(address));
  }
  if (--answers_open_ == 0) try_next();
}

std::string exchange::refuse(const std::string& address) const {
  if (!with_.refuse_address) return {};
  const auto bytes = parse_address(address);
  return bytes ? with_.refuse_address(*bytes, url_.tls) : "no address: " + address;
}

void exchange::try_next() {
  if (ended()) return;
  if (addresses_.empty()) return fail(why_.what, std::move(why_.text));
  current_ = std::move(addresses_.front());
  addresses_.pop_front();
  if (auto refusal = refuse(current_); !refusal.empty()) {
    why_ = {http_error::forbidden, fmt::format("{}: {}", url_.host, refusal)};
    return try_next();
  }
  connect(shards_, shard_, {current_, url_.port, {}}, std::min(limits_.timeout, connect_timeout_max),
          [self = shared_from_this()](stream_ptr connected, std::string why) {
            if (self->ended()) {
              if (connected) connected->close();
              return;
            }
            if (!connected) {
              self->why_ = {http_error::connect, fmt::format("connect to {}: {}", self->where(), why)};
              return self->try_next();
            }
            self->stream_ = std::move(connected);
            self->stream_->expires_after(self->limits_.timeout);
            if (self->url_.tls) return self->shake_hands();
            self->write();
          });
}

void exchange::shake_hands() {
  client_handshake wanted;
  if (!parse_address(url_.host)) wanted.server_name = url_.host;
  wanted.verify = client_handshake::verification::names;
  wanted.names = {url_.host};
  stream_->start_tls_client(with_.tls, wanted, [self = shared_from_this()](const std::optional<tls_failure>& failure) {
    if (self->ended()) return;
    if (!failure) return self->write();
    if (failure->timed_out) return self->time_out();
    self->fail(failure->refused_by_us ? http_error::certificate : http_error::tls,
               fmt::format("TLS with {}: {}", self->where(), failure->why));
  });
}

void exchange::write() {
  const std::string_view part = outgoing_;
  const bool all = stream_->write({&part, 1}, [self = shared_from_this()](io_error error) {
    if (self->ended()) return;
    // A server may answer before it has read all, and close: the answer tells more than the failed write.
    if (error == io_error::timed_out) return self->time_out();
    self->written_ = error == io_error::none;
    self->read();
  });
  written_ = all;
  if (all) read();
}

void exchange::read() {
  if (!parser_) fresh_parser();
  stream_->read([self = shared_from_this()](std::string_view bytes, io_error error) { self->take(bytes, error); });
}

void exchange::fresh_parser() {
  parser_.emplace();
  parser_->eager(true);
  parser_->header_limit(static_cast<std::uint32_t>(limits_.header_bytes_max));
  parser_->body_limit(limits_.body_bytes_max);
}

void exchange::take(std::string_view bytes, io_error error) {
  if (ended()) return;
  if (error == io_error::timed_out) return time_out();
  if (error != io_error::none) {
    // Over TLS, what has no length could have been cut by anybody: its end proves nothing.
    error_code ending;
    if (reused_ && !parser_->got_some()) {
      // The server had closed it between the requests, which is its right. Of a fresh one that is an answer.
      reused_ = false;
      stream_->close();
      stream_ = nullptr;
      parser_.reset();
      buffer_.clear();
      return begin();
    }
    if (error == io_error::end && parser_->got_some() && !url_.tls) parser_->put_eof(ending);
    if (!ending && parser_->is_done()) return finish_answer();
    return fail(http_error::bad_answer,
                fmt::format("{} closed the connection before its answer was complete", where()));
  }
  const auto room = buffer_.prepare(bytes.size());
  buffer_.commit(asio::buffer_copy(room, asio::buffer(bytes)));
  parse();
}

void exchange::parse() {
  error_code error;
  buffer_.consume(parser_->put(buffer_.data(), error));
  if (error == http::error::header_limit || error == http::error::body_limit || error == http::error::buffer_overflow) {
    return fail(http_error::too_large,
                fmt::format("the answer of {} is larger than {} bytes", where(),
                            error == http::error::body_limit ? limits_.body_bytes_max : limits_.header_bytes_max));
  }
  if (error && error != http::error::need_more) {
    return fail(http_error::bad_answer, fmt::format("{} does not answer in HTTP/1.1: {}", where(), error.message()));
  }
  if (!parser_->is_done()) return read();
  if (parser_->get().result_int() / 100 != 1) return finish_answer();
  fresh_parser();  // 1xx: the answer proper follows
  if (buffer_.size() > 0) return parse();
  read();
}

void exchange::finish_answer() {
  http_answer answer;
  auto& from = parser_->get();
  answer.status = from.result_int();
  for (const auto& field : from) {
    const auto name = field.name_string();
    const auto value = field.value();
    answer.headers.emplace_back(std::string(name.data(), name.size()), std::string(value.data(), value.size()));
  }
  answer.body = std::move(from.body());
  if (may_stay() && from.keep_alive() && buffer_.size() == 0) {
    // Nothing may be under way on it: what was not taken yet is still being written.
    if (written_) kept_->keep(key(), std::exchange(stream_, nullptr), with_.keep_alive);
  }
  finish(std::move(answer));
}

void exchange::time_out() {
  if (ended()) return;
  fail(http_error::timed_out, fmt::format("{} did not answer within {} s", url_.host,
                                          std::chrono::duration_cast<std::chrono::seconds>(limits_.timeout).count()));
}

void exchange::fail(http_error what, std::string text) {
  if (ended()) return;
  finish(std::unexpected(http_failure{what, std::move(text)}));
}

void exchange::finish(std::expected<http_answer, http_failure> result) {
  const auto keep = shared_from_this();
  deadline_.clear();
  if (stream_) stream_->close();
  auto done = std::exchange(done_, nullptr);
  done(std::move(result));
}

}  // namespace

http_client::http_client(shards& on, std::size_t shard, resolver& dns, http_options with)
    : shards_(on),
      shard_(shard),
      dns_(dns),
      with_(std::move(with)),
      kept_(std::make_shared<detail::kept_connections>(on, shard)) {}

http_client::~http_client() {
  kept_->close_all();
}

void http_client::reconfigure(http_options with) {
  with_ = std::move(with);
  kept_->close_all();  // they were made by the rules of before
}

void http_client::send(http_request request, const http_limits& limits, handler done) {
  std::make_shared<exchange>(shards_, shard_, dns_, with_, limits, kept_, std::move(done))->start(std::move(request));
}

}  // namespace gonets::runtime
