// Asks a running server, over its Unix socket. Blocks; a connection a question.
#pragma once
#include <expected>
#include <string>
#include <string_view>

namespace gonets::app::cli {

struct api_answer {
  unsigned status = 0;
  std::string content_type;
  std::string body;
};

struct api_failure {
  bool not_running = false;  // nobody listens there; otherwise it is about rights, or the connection broke
  std::string text;          // for people: what is wrong, and what to do
};

// `start_hint` is the command that starts the server, cited when nobody listens.
std::expected<api_answer, api_failure> ask_server(const std::string& socket_path, std::string_view start_hint,
                                                  const std::string& method, const std::string& target,
                                                  const std::string& body);

// Escapes everything but unreserved characters (RFC 3986 2.3).
std::string percent_encode(std::string_view text);

}  // namespace gonets::app::cli
