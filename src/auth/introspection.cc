#include "auth/introspection.h"

#include <algorithm>
#include <boost/json.hpp>

#include "base/base64.h"
#include "base/log.h"
#include "base/secret.h"
#include "sasl/exchange.h"

namespace gonets::auth {
namespace {
namespace json = boost::json;

constexpr runtime::http_limits limits{.timeout = std::chrono::seconds(10), .body_bytes_max = 65'536};
constexpr std::size_t nesting_max = 16;

std::string text_member(const json::object& o, std::string_view name) {
  const auto* v = o.if_contains(name);
  return v != nullptr && v->is_string() ? std::string(v->get_string()) : std::string();
}

}  // namespace

std::optional<token_facts> read_introspection(std::string_view body, wall_time now) {
  json::error_code bad;
  json::parse_options how;
  how.max_depth = nesting_max;
  const auto parsed = json::parse(body, bad, {}, how);
  const auto* o = bad ? nullptr : parsed.if_object();
  const auto* active = o != nullptr ? o->if_contains("active") : nullptr;
  if (active == nullptr || !active->is_bool()) return std::nullopt;
  token_facts facts;
  if (!active->get_bool()) return facts;
  auto login = text_member(*o, "username");
  if (login.empty()) login = text_member(*o, "sub");
  if (const auto* expires = o->if_contains("exp")) {
    json::error_code no_number;
    const auto at = expires->to_number<std::int64_t>(no_number);
    if (no_number) return std::nullopt;
    // Within what a duration holds, whatever the service says.
    const auto now_s = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count();
    facts.lives_for = std::chrono::seconds(std::clamp<std::int64_t>(at, 0, now_s + 1'000'000) - now_s);
    if (facts.lives_for->count() <= 0) return facts;
  }
  if (!login.empty() && login.size() <= sasl::login_bytes_max) facts.login = std::move(login);
  return facts;
}

introspection::introspection(introspection_options with, std::function<runtime::http_client&()> client,
                             const clock& time)
    : with_(std::move(with)), client_(std::move(client)), time_(time) {}

runtime::http_request introspection::request_for(const std::string& token) const {
  using runtime::form_encode;
  runtime::http_request r;
  r.method = runtime::http_method::post;
  r.url = with_.url;
  r.headers = {{"Content-Type", "application/x-www-form-urlencoded"}, {"Accept", "application/json"}};
  if (!with_.client_id.empty()) {
    r.headers.emplace_back("Authorization", "Basic " + encode_base64(form_encode(with_.client_id) + ':' +
                                                                     form_encode(with_.client_secret)));
  }
  r.body = "token=" + form_encode(token) + "&token_type_hint=access_token";
  return r;
}

void introspection::ask(std::string token, std::move_only_function<void(token_verdict)> done) {
  if (!configured()) return done({});
  auto key = sha256(token);
  {
    std::unique_lock lock(mutex_);
    const auto* there = remembered_.touch(key);
    if (there != nullptr && there->until > time_.steady()) {
      token_verdict v{true, there->login};
      lock.unlock();
      return done(std::move(v));
    }
    if (under_way_ >= under_way_max) {
      lock.unlock();
      return done({});
    }
    ++under_way_;
  }
  client_().send(request_for(token), limits,
                 [this, key = std::move(key), done = std::move(done)](
                     const std::expected<runtime::http_answer, runtime::http_failure>& answer) mutable {
                   done(take(key, answer));
                 });
}

token_verdict introspection::take(const std::string& key,
                                  const std::expected<runtime::http_answer, runtime::http_failure>& answer) {
  {
    const std::lock_guard lock(mutex_);
    --under_way_;
  }
  if (!answer || answer->status != 200) {
    GONETS_LOG(warning, "introspection_failed", "error",
               answer ? "status " + std::to_string(answer->status) : answer.error().text);
    return {};
  }
  auto facts = read_introspection(answer->body, time_.wall());
  if (!facts) {
    GONETS_LOG(warning, "introspection_failed", "error", "the answer is not one of RFC 7662");
    return {};
  }
  const auto most = facts->login ? remembered_for : refused_for;
  remember(key, {facts->login, time_.steady() + std::min(most, facts->login ? facts->lives_for.value_or(most) : most)});
  return {true, std::move(facts->login)};
}

void introspection::remember(const std::string& key, known what) {
  const std::lock_guard lock(mutex_);
  remembered_.put(key) = std::move(what);
}

}  // namespace gonets::auth
