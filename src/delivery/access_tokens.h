// OAuth 2 access tokens for logins at smarthosts: from a file that another program keeps, or from the provider's token
// end point, with a refresh token (RFC 6749 6) or by the client's own credentials (4.4). One for all shards; each asks
// from its own. A token is kept until shortly before it expires; whoever asks meanwhile for the same one waits for the
// one request. Tokens and secrets are in no log and no error.
#pragma once
#include <expected>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/settings.h"
#include "runtime/executor.h"
#include "runtime/http_client.h"

namespace gonets::delivery {

// What a token end point's answer says (RFC 6749 5).
struct token_answer {
  std::string token;
  std::chrono::seconds lives_for;
  std::string refresh_token;  // in place of the one that was sent; empty: that one stays
};
std::expected<token_answer, std::string> read_token_answer(unsigned status, std::string_view body);
runtime::http_request token_request(const config::oauth_client& as, std::string_view refresh_token);

class access_tokens {
 public:
  using result = std::expected<std::string, std::string>;  // the token, or why there is none, for people
  using handler = std::move_only_function<void(result)>;
  using send_function = std::function<void(runtime::http_request, const runtime::http_limits&,
                                           runtime::http_client::handler)>;  // on the calling shard
  struct environment {
    runtime::executor& shards;
    runtime::background& blocking;
    send_function send;
    const clock& time;
  };
  static constexpr std::chrono::minutes ahead{5};  // of its end a token is replaced, or at half of a shorter life

  explicit access_tokens(environment env) : env_(std::move(env)) {}

  // `done` runs once, on the calling shard, never before the call returns. `by` is by a token.
  void get(const config::smarthost_login& by, handler done);
  // The smarthost does not take it: it is not given out again.
  void refused(const config::smarthost_login& by, std::string_view token);

 private:
  struct waiter {
    std::size_t shard;
    handler done;
  };
  struct entry {
    config::oauth_client as;
    std::string token;
    steady_time renew_at{}, good_until{};
    bool under_way = false;
    std::vector<waiter> waiting;
    std::string in_file;        // the refresh token that was read last
    std::string unkept, stale;  // one that came, and what the file has where it could not be written
  };
  void read_token_file(const std::string& path, std::size_t shard, handler done);
  void renew(entry& e, std::size_t shard);
  void request(entry& e, std::expected<std::string, std::string> refresh_token);
  void take(entry& e, const std::string& refresh_token,
            const std::expected<runtime::http_answer, runtime::http_failure>& answer);
  void keep_refresh_token(entry& e, const std::string& fresh);
  void finish(entry& e, result got);

  environment env_;
  std::mutex mutex_;
  std::map<std::string, entry> known_;  // by all that makes up an oauth_client; entries stay
};

}  // namespace gonets::delivery
