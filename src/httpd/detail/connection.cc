#include "httpd/detail/connection.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <cstring>

#include "httpd/router.h"

namespace gonets::httpd::detail {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;

using stream = beast::basic_stream<asio::generic::stream_protocol, asio::io_context::executor_type>;
using http_response = http::response<http::string_body>;

std::string text(beast::string_view from) {
  return {from.data(), from.size()};
}

http_response make_response(response from, unsigned version, bool keep_alive) {
  http_response made(http::int_to_status(from.status), version);
  made.set(http::field::server, "gonets");
  made.set(http::field::content_type, from.content_type);
  made.set(http::field::cache_control, "no-store");
  made.set("X-Content-Type-Options", "nosniff");
  if (!from.allow.empty()) made.set(http::field::allow, from.allow);
  if (!from.authenticate.empty()) made.set(http::field::www_authenticate, from.authenticate);
  for (const auto& [name, value] : from.fields)
    made.set(name, value);
  made.keep_alive(keep_alive);
  if (from.parts) {
    if (version >= 11) made.chunked(true);
    return made;
  }
  made.body() = std::move(from.body);
  made.prepare_payload();
  return made;
}

// Nothing when the connection is beyond words.
std::optional<response> refusal_of(const error_code& error) {
  if (error == http::error::header_limit) {
    return error_response(431, "header_too_large", "the request's header is larger than the limit");
  }
  if (error == http::error::body_limit) {
    return error_response(413, "body_too_large", "the request's body is larger than the limit");
  }
  if (error == http::error::end_of_stream || error == http::error::partial_message) return std::nullopt;
  // Comparing categories is how Beast tells its parser's errors from those of the socket.
  if (error.category() == http::make_error_code(http::error::bad_target).category()) {
    return error_response(400, "bad_request", "not a correct HTTP/1.1 request: " + error.message());
  }
  return std::nullopt;
}

// Zero for a Unix socket, and for a peer that is gone already.
address_bytes peer_of(const client_socket& socket, bool over_tcp) {
  if (!over_tcp) return {};
  error_code gone;
  const auto peer = socket.remote_endpoint(gone);
  asio::ip::tcp::endpoint at;
  if (gone || peer.size() > at.capacity()) return {};
  std::memcpy(at.data(), peer.data(), peer.size());
  at.resize(peer.size());
  return parse_address(at.address().to_string()).value_or(address_bytes{});
}

class http_connection final : public connection {
 public:
  http_connection(client_socket socket, bool over_tcp, const request_handler& answer, const server_options& options,
                  std::move_only_function<void()> ended)
      : stream_(std::move(socket)),
        over_tcp_(over_tcp),
        peer_(peer_of(stream_.socket(), over_tcp)),
        answer_(answer),
        options_(options),
        ended_(std::move(ended)) {}
  ~http_connection() override { ended_(); }

  void start() override { read(); }

  void close() override {
    closed_ = true;
    stream_.close();
  }

 private:
  std::shared_ptr<http_connection> self() { return std::static_pointer_cast<http_connection>(shared_from_this()); }

  void read() {
    parser_.emplace();
    parser_->header_limit(options_.header_bytes_max);
    parser_->body_limit(options_.body_bytes_max);
    stream_.expires_after(options_.timeout);
    http::async_read(stream_, buffer_, *parser_,
                     [me = self()](const error_code& error, std::size_t) { me->on_read(error); });
  }

  void on_read(const error_code& error) {
    if (closed_) return;
    if (error) {
      auto refusal = refusal_of(error);
      if (!refusal) return close();
      // What else the client sends is not understood any more.
      return write(make_response(std::move(*refusal), 11, false), false);
    }
    const auto& got = parser_->get();
    const request asked{.method = text(got.method_string()),
                        .target = text(got.target()),
                        .body = std::move(parser_->get().body()),
                        .host = text(got[http::field::host]),
                        .authorization = text(got[http::field::authorization]),
                        .accept_language = text(got[http::field::accept_language]),
                        .accept = text(got[http::field::accept]),
                        .last_event_id = text(got["Last-Event-ID"]),
                        .user_agent = text(got[http::field::user_agent]),
                        .forwarded_for = text(got["X-Forwarded-For"]),
                        .peer = peer_,
                        .has_origin = got.find(http::field::origin) != got.end(),
                        .over_tcp = over_tcp_};
    const bool head = got.method() == http::verb::head;
    const bool keep_alive = got.keep_alive();
    const unsigned version = got.version();
    answer_(asked, [me = self(), head, keep_alive, version](response answered) {
      if (me->closed_) return;
      if (!head) me->parts_ = answered.parts;
      const bool endless = me->parts_ && version < 11;  // its end is the connection's
      me->write(make_response(std::move(answered), version, keep_alive && !endless), head);
    });
  }

  void write(http_response made, bool head_only) {
    response_ = std::move(made);
    if (head_only) {
      // The length of what a GET would bring stays in the header.
      response_.body().clear();
    }
    stream_.expires_after(options_.timeout);
    serializer_.emplace(response_);
    const auto written = [me = self()](const error_code& error, std::size_t) { me->on_written(error); };
    if (head_only || parts_) {
      http::async_write_header(stream_, *serializer_, written);
    } else {
      http::async_write(stream_, *serializer_, written);
    }
  }

  void on_written(const error_code& error) {
    if (closed_) return;
    if (!error && parts_) return write_part();
    if (error || !response_.keep_alive()) {
      error_code ignored;
      stream_.socket().shutdown(asio::socket_base::shutdown_send, ignored);
      return close();
    }
    read();
  }

  void write_part() {
    parts_->next([me = self()](std::string part) {
      if (me->closed_) return;
      me->part_ = std::move(part);
      me->stream_.expires_after(me->options_.timeout);
      const bool last = me->part_.empty();
      auto written = [me, last](const error_code& error, std::size_t) {
        if (last || error) me->parts_.reset();
        me->on_written(error);
      };
      const auto bytes = asio::buffer(std::as_const(me->part_));
      if (!me->response_.chunked()) return asio::async_write(me->stream_, bytes, std::move(written));
      if (last) return asio::async_write(me->stream_, http::make_chunk_last(), std::move(written));
      asio::async_write(me->stream_, http::make_chunk(bytes), std::move(written));
    });
  }

  stream stream_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  http_response response_;
  std::optional<http::response_serializer<http::string_body>> serializer_;
  std::shared_ptr<body_parts> parts_;  // of what is being answered
  std::string part_;                   // is being written
  const bool over_tcp_;
  const address_bytes peer_;
  bool closed_ = false;
  const request_handler& answer_;  // of the server, which outlives its connections' requests
  const server_options& options_;
  std::move_only_function<void()> ended_;
};

}  // namespace

std::shared_ptr<connection> make_connection(client_socket socket, bool over_tcp, const request_handler& answer,
                                            const server_options& options, std::move_only_function<void()> ended) {
  return std::make_shared<http_connection>(std::move(socket), over_tcp, answer, options, std::move(ended));
}

void refuse_connection(client_socket socket) {
  const auto refusal = make_response(
      error_response(503, "too_many_connections", "too many connections", "close some, or try again in a minute"), 11,
      false);
  std::string bytes = "HTTP/1.1 503 Service Unavailable\r\n";
  for (const auto& f : refusal) {
    bytes += text(f.name_string()) + ": " + text(f.value()) + "\r\n";
  }
  bytes += "\r\n" + refusal.body();
  error_code ignored;
  socket.non_blocking(true, ignored);
  socket.send(asio::buffer(bytes), 0, ignored);
}

}  // namespace gonets::httpd::detail
