#include "app/cli/api_client.h"

#include <fmt/format.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/beast/core/basic_stream.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>

namespace gonets::app::cli {
namespace {
namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using boost::system::error_code;
using local = asio::local::stream_protocol;

// An audit of a large spool is the slowest answer.
constexpr std::chrono::minutes answer_timeout{15};
constexpr std::uint64_t answer_bytes_max = 256 * 1024 * 1024;

// Asynchronous below and blocking above, since Asio's blocking calls know no time-out.
class exchange {
 public:
  explicit exchange(const std::string& path) : path_(path) {}

  error_code connect() {
    error_code error;
    local::endpoint at;
    try {
      at.path(path_);
    } catch (const boost::system::system_error& e) {
      return e.code();
    }
    stream_.socket().open(local(), error);
    if (!error) stream_.socket().connect(at, error);
    return error;
  }

  error_code send(const http::request<http::string_body>& asked) {
    stream_.expires_after(answer_timeout);
    http::async_write(stream_, asked, [this](const error_code& error, std::size_t) { result_ = error; });
    return run();
  }

  error_code receive() {
    parser_.body_limit(answer_bytes_max);
    http::async_read(stream_, buffer_, parser_, [this](const error_code& error, std::size_t) { result_ = error; });
    return run();
  }

  http::response<http::string_body> take_answer() { return parser_.release(); }

 private:
  error_code run() {
    context_.restart();
    context_.run();
    return result_;
  }

  const std::string path_;
  asio::io_context context_;
  beast::basic_stream<local, asio::io_context::executor_type> stream_{context_};
  beast::flat_buffer buffer_;
  http::response_parser<http::string_body> parser_;
  error_code result_;
};

api_failure connect_failure(const error_code& error, const std::string& path, std::string_view start_hint) {
  namespace errc = boost::system::errc;
  if (error == errc::no_such_file_or_directory || error == errc::connection_refused) {
    return {true, fmt::format("no server is running at {}; start it with `{}`, or name its socket with --socket", path,
                              start_hint)};
  }
  if (error == errc::permission_denied) {
    return {false, fmt::format("not allowed to use {}; run this as root, as the server's user, or as a member of the "
                               "socket's group",
                               path)};
  }
  return {false, fmt::format("cannot connect to {}: {}", path, error.message())};
}

}  // namespace

std::expected<api_answer, api_failure> ask_server(const std::string& socket_path, std::string_view start_hint,
                                                  const std::string& method, const std::string& target,
                                                  const std::string& body) {
  exchange with(socket_path);
  if (const auto error = with.connect()) return std::unexpected(connect_failure(error, socket_path, start_hint));
  http::request<http::string_body> asked;
  asked.method_string(method);
  asked.target(target);
  asked.version(11);
  asked.set(http::field::host, "localhost");
  asked.set(http::field::user_agent, "gonets/" GONETS_VERSION);
  asked.keep_alive(false);
  asked.body() = body;
  if (!body.empty()) asked.set(http::field::content_type, "application/json");
  asked.prepare_payload();
  // A server that refuses does so before it has read all: its answer says more than the failure to send.
  const auto sent = with.send(asked);
  if (const auto error = with.receive()) {
    const auto& first = sent ? sent : error;
    return std::unexpected(api_failure{
        false, fmt::format("the server at {} did not answer: {}; its log says more", socket_path, first.message())});
  }
  auto answer = with.take_answer();
  const auto type = answer[http::field::content_type];
  return api_answer{answer.result_int(), std::string(type.data(), type.size()), std::move(answer.body())};
}

std::string percent_encode(std::string_view text) {
  std::string encoded;
  for (const char c : text) {
    const bool unreserved = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '-' ||
                            c == '.' || c == '_' || c == '~';
    if (unreserved) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return encoded;
}

}  // namespace gonets::app::cli
