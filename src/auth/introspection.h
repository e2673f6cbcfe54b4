// OAuth tokens by RFC 7662: an authorization server is asked whether a token is good and whom it is for. From any
// shard; each asks with its own client. Answers are remembered for a moment, so that a client that logs in for every
// message does not make a request of each.
#pragma once
#include <functional>
#include <mutex>

#include "auth/detail/lru_map.h"
#include "auth/introspector.h"
#include "base/clock.h"
#include "runtime/http_client.h"

namespace gonets::auth {

struct introspection_options {
  std::string url;        // empty: not configured
  std::string client_id;  // empty: no Authorization
  std::string client_secret;
};

class introspection final : public introspector {
 public:
  static constexpr std::chrono::seconds remembered_for{60};  // less where the token expires before
  static constexpr std::chrono::seconds refused_for{10};
  static constexpr std::size_t remembered_max = 10'000;
  static constexpr std::size_t under_way_max = 200;  // further ones count as not answered

  // `client` gives the one of the calling shard.
  introspection(introspection_options with, std::function<runtime::http_client&()> client, const clock& time);

  bool configured() const override { return !with_.url.empty(); }
  void ask(std::string token, std::move_only_function<void(token_verdict)> done) override;

 private:
  struct known {
    std::optional<std::string> login;
    steady_time until{};
  };
  runtime::http_request request_for(const std::string& token) const;
  token_verdict take(const std::string& key, const std::expected<runtime::http_answer, runtime::http_failure>& answer);
  void remember(const std::string& key, known what);

  const introspection_options with_;
  const std::function<runtime::http_client&()> client_;
  const clock& time_;
  std::mutex mutex_;
  detail::lru_map<known> remembered_{remembered_max};  // by the token's SHA-256
  std::size_t under_way_ = 0;
};

// What an answer's body says; nothing: it is no answer by RFC 7662. `lives_for` is short of zero for an expired token.
struct token_facts {
  std::optional<std::string> login;
  std::optional<std::chrono::seconds> lives_for;
};
std::optional<token_facts> read_introspection(std::string_view body, wall_time now);

}  // namespace gonets::auth
