#include "delivery/access_tokens.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "base/log.h"
#include "config/load.h"
#include "runtime/shards.h"
#include "sasl/client.h"
#include "smtp/reply_parser.h"

namespace gonets::delivery {
namespace {
namespace json = boost::json;
using namespace std::chrono_literals;

constexpr runtime::http_limits limits{.timeout = 20s, .body_bytes_max = 65'536};
constexpr std::size_t nesting_max = 16;
constexpr std::size_t told_bytes_max = 200;
constexpr std::size_t refresh_token_bytes_max = 16'384;
constexpr auto life_unsaid = 1h;  // RFC 6749 5.1 leaves it open
constexpr auto life_max = 24h;
constexpr auto again_after = 30s;  // while the token at hand is good

std::string key_of(const config::oauth_client& as) {
  std::string key;
  for (const auto& part : {as.token_url, as.id, as.secret, as.refresh_token_file, as.scope}) {
    key += part;
    key += '\0';
  }
  return key;
}

std::string text_member(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
}

std::string told(std::string_view text) {
  std::string safe;
  smtp::append_sanitized(safe, text, told_bytes_max);
  return safe;
}

std::chrono::seconds life_of(const json::object& o) {
  const auto* expires = o.if_contains("expires_in");
  if (expires == nullptr) return life_unsaid;
  json::error_code no_number;
  const auto seconds = expires->to_number<std::int64_t>(no_number);
  return no_number ? life_unsaid
                   : std::chrono::seconds(std::clamp<std::int64_t>(seconds, 0, std::chrono::seconds(life_max).count()));
}

std::expected<std::string, std::string> read_line_of(const std::string& path) {
  auto text = config::read_file(path);
  if (!text) return std::unexpected(fmt::format("{}: {}", path, text.error()));
  while (text->ends_with('\n') || text->ends_with('\r'))
    text->pop_back();
  return text;
}

// All or nothing: a refresh token that is half written would be lost. Nothing: it is on the disk.
std::optional<std::string> replace_file(const std::string& path, std::string_view text) {
  const auto fresh = path + ".new";
  const int file = open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (file < 0) return fmt::format("{}: {}", fresh, std::strerror(errno));
  const bool written = write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) && fsync(file) == 0;
  const int fault = errno;
  close(file);
  if (written && std::rename(fresh.c_str(), path.c_str()) == 0) return std::nullopt;
  return fmt::format("{}: {}", path, std::strerror(written ? errno : fault));
}

}  // namespace

std::expected<token_answer, std::string> read_token_answer(unsigned status, std::string_view body) {
  json::error_code bad;
  json::parse_options how;
  how.max_depth = nesting_max;
  const auto parsed = json::parse(body, bad, {}, how);
  const auto* o = bad ? nullptr : parsed.if_object();
  if (status != 200) {
    const auto error = o != nullptr ? text_member(*o, "error") : std::string();
    const auto more = o != nullptr ? text_member(*o, "error_description") : std::string();
    return std::unexpected(
        fmt::format("{}{}{}{}{}", status, error.empty() ? "" : " ", told(error), more.empty() ? "" : ": ", told(more)));
  }
  if (o == nullptr) return std::unexpected("an answer that is no JSON object");
  token_answer a{text_member(*o, "access_token"), life_of(*o), text_member(*o, "refresh_token")};
  if (!sasl::is_access_token(a.token)) return std::unexpected("an answer without an access_token");
  if (a.refresh_token.size() > refresh_token_bytes_max) a.refresh_token.clear();
  return a;
}

// The client's credentials are in the form: all who are known take them there, and not all take them in a header.
runtime::http_request token_request(const config::oauth_client& as, std::string_view refresh_token) {
  using runtime::form_encode;
  runtime::http_request r;
  r.method = runtime::http_method::post;
  r.url = as.token_url;
  r.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  r.body = as.refresh_token_file.empty() ? "grant_type=client_credentials"
                                         : "grant_type=refresh_token&refresh_token=" + form_encode(refresh_token);
  r.body += "&client_id=" + form_encode(as.id);
  if (!as.secret.empty()) r.body += "&client_secret=" + form_encode(as.secret);
  if (!as.scope.empty()) r.body += "&scope=" + form_encode(as.scope);
  return r;
}

void access_tokens::get(const config::smarthost_login& by, handler done) {
  const auto shard = runtime::shards::current();
  if (!by.oauth) return read_token_file(by.token_file, shard, std::move(done));
  const std::lock_guard lock(mutex_);
  auto& e = known_[key_of(*by.oauth)];
  if (env_.time.steady() < e.renew_at && !e.token.empty()) {
    return env_.shards.post(shard, [token = e.token, to = std::move(done)]() mutable { to(std::move(token)); });
  }
  e.as = *by.oauth;
  e.waiting.push_back({shard, std::move(done)});
  if (!std::exchange(e.under_way, true)) renew(e, shard);
}

void access_tokens::refused(const config::smarthost_login& by, std::string_view token) {
  if (!by.oauth) return;
  const std::lock_guard lock(mutex_);
  const auto at = known_.find(key_of(*by.oauth));
  if (at != known_.end() && at->second.token == token) at->second.token.clear();
}

void access_tokens::read_token_file(const std::string& path, std::size_t shard, handler done) {
  // Shared, since a task that is refused is gone.
  const auto to = std::make_shared<handler>(std::move(done));
  const auto give = [this, shard, to](result got) {
    env_.shards.post(shard, [to, r = std::move(got)]() mutable { (*to)(std::move(r)); });
  };
  const bool asked = env_.blocking.run([path, give] {
    auto text = read_line_of(path);
    if (text && !sasl::is_access_token(*text)) text = std::unexpected(path + " has no access token");
    give(std::move(text));
  });
  if (!asked) give(std::unexpected("too busy to read " + path));
}

// Under the lock.
void access_tokens::renew(entry& e, std::size_t shard) {
  const auto go_on = [this, &e, shard](const std::expected<std::string, std::string>& refresh_token) {
    env_.shards.post(shard, [this, &e, refresh_token] { request(e, refresh_token); });
  };
  const auto path = e.as.refresh_token_file;
  if (path.empty()) return go_on("");
  if (!env_.blocking.run([path, go_on] { go_on(read_line_of(path)); })) {
    go_on(std::unexpected("too busy to read " + path));
  }
}

void access_tokens::request(entry& e, std::expected<std::string, std::string> refresh_token) {
  runtime::http_request r;
  {
    const std::lock_guard lock(mutex_);
    if (refresh_token) {
      e.in_file = *refresh_token;
      if (!e.unkept.empty() && e.in_file == e.stale) refresh_token = e.unkept;
    }
    if (refresh_token) r = token_request(e.as, *refresh_token);
  }
  if (!refresh_token) return finish(e, std::unexpected(std::move(refresh_token.error())));
  env_.send(std::move(r), limits,
            [this, &e, sent = std::move(*refresh_token)](
                const std::expected<runtime::http_answer, runtime::http_failure>& answer) { take(e, sent, answer); });
}

void access_tokens::take(entry& e, const std::string& refresh_token,
                         const std::expected<runtime::http_answer, runtime::http_failure>& answer) {
  if (!answer) return finish(e, std::unexpected(answer.error().text));
  auto read = read_token_answer(answer->status, answer->body);
  if (!read) return finish(e, std::unexpected(fmt::format("{} answered {}", e.as.token_url, read.error())));
  {
    const std::lock_guard lock(mutex_);
    const auto now = env_.time.steady();
    const std::chrono::seconds life = read->lives_for;
    e.token = read->token;
    e.good_until = now + life;
    e.renew_at = now + std::max<std::chrono::seconds>(life - ahead, life / 2);
    if (!e.as.refresh_token_file.empty() && !read->refresh_token.empty() && read->refresh_token != refresh_token) {
      keep_refresh_token(e, read->refresh_token);
    }
  }
  finish(e, std::move(read->token));
}

// Under the lock. Until it is on the disk, and if it cannot be written, it is known here alone.
void access_tokens::keep_refresh_token(entry& e, const std::string& fresh) {
  e.unkept = fresh;
  e.stale = e.in_file;
  const bool asked = env_.blocking.run([path = e.as.refresh_token_file, fresh] {
    if (const auto fault = replace_file(path, fresh + "\n")) {
      GONETS_LOG(error, "refresh_token_not_kept", "error", *fault, "effect",
                 "it is lost with this process; make the file and its folder writable");
    }
  });
  if (!asked) GONETS_LOG(error, "refresh_token_not_kept", "error", "too busy");
}

void access_tokens::finish(entry& e, result got) {
  std::vector<waiter> all;
  {
    const std::lock_guard lock(mutex_);
    e.under_way = false;
    all.swap(e.waiting);
    const auto now = env_.time.steady();
    if (!got) {
      GONETS_LOG(warning, "no_access_token", "client", e.as.id, "error", got.error());
      if (!e.token.empty() && now < e.good_until) {
        e.renew_at = now + again_after;
        got = e.token;
      }
    }
  }
  for (auto& w : all) {
    env_.shards.post(w.shard, [to = std::move(w.done), got]() mutable { to(std::move(got)); });
  }
}

}  // namespace gonets::delivery
