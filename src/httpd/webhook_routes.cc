// /v1/webhooks: who is told of events by requests. An account's key with the scope `admin` has its own account's.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>

#include "accounts/directory.h"
#include "httpd/detail/json_body.h"
#include "httpd/detail/members.h"
#include "httpd/detail/refused.h"
#include "httpd/detail/route.h"
#include "runtime/http_client.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;
using webhooks::webhook;
using webhooks::webhook_id;

constexpr std::uint64_t id_max = 4'294'967'295;
constexpr std::uint64_t after_max = 1ull << 62;
constexpr std::uint64_t back_seconds_max = 365ull * 24 * 3600;

json::object hook_object(const webhook& w, const accounts::directory& known) {
  json::object o{{"id", w.id.value}, {"name", w.name}, {"url", w.url}};
  const auto* owner = w.wanted.account ? known.find(*w.wanted.account) : nullptr;
  if (w.wanted.account) o["account"] = owner == nullptr ? std::to_string(w.wanted.account->value) : owner->name;
  json::array kinds;
  for (const auto k : w.wanted.kinds)
    kinds.emplace_back(events::to_text(k));
  o["events"] = std::move(kinds);
  o["streams"] = json::array(w.wanted.streams.begin(), w.wanted.streams.end());
  o["state"] = to_text(w.is);
  add_text(o, "reason", w.reason);
  add_time(o, "created", w.created);
  add_time(o, "rotated", w.rotated);
  return o;
}

void add_standing(json::object& o, const webhooks::standing& s) {
  o["cursor"] = s.cursor.value;
  o["log_end"] = s.log_end.value;
  o["pending"] = s.pending;
  o["failures"] = s.failures;
  add_time(o, "failing_since", s.failing_since);
  add_text(o, "error", s.error);
  if (s.failures > 0) o["next_attempt_in_ms"] = s.next_attempt_in.count();
}

json::object attempt_object(const webhooks::attempt& a) {
  json::object o{{"id", a.id}, {"at", time_text(a.at)}, {"attempt", a.number}, {"events", a.events}};
  o["acknowledged"] = a.error.empty();
  o["took_ms"] = a.took.count();
  if (a.status != 0) o["status"] = a.status;
  add_text(o, "error", a.error);
  o["request"] = a.body;
  o["request_bytes"] = a.body_bytes;
  add_text(o, "answer", a.answer);
  return o;
}

// The owner by an account's name. An account's own key has no other.
or_refusal<std::optional<account_id>> owner_of(const std::string& named, const std::string& as,
                                               const accounts::directory& known) {
  if (!as.empty() && !named.empty() && named != as)
    return std::unexpected(error_response(403, "forbidden", "this key has the webhooks of its own account only"));
  const auto& name = as.empty() ? named : as;
  if (name.empty()) return std::nullopt;
  if (const auto* found = known.find_account(name)) return found->id;
  return std::unexpected(error_response(400, "unknown_account", fmt::format("there is no account \"{}\"", name),
                                        "`gonets account list` shows which there are"));
}

// Another's is not there either.
or_refusal<webhook> find(webhook_parts& in, webhook_id id, const std::string& as) {
  auto all = in.kept.all();
  if (!all) return std::unexpected(error_response(503, "database_unavailable", all.error().detail, "try again later"));
  const auto owner = owner_of("", as, in.accounts);
  if (!owner) return std::unexpected(owner.error());
  for (auto& row : all->all) {
    if (row.hook.id == id && (as.empty() || row.hook.wanted.account == *owner)) return std::move(row.hook);
  }
  return std::unexpected(error_response(404, "not_found", fmt::format("there is no webhook {}", id.value),
                                        "`gonets webhook list` shows which there are"));
}

response shown(webhook_parts& in, webhook_id id, const std::string& secret = {}, unsigned status = 200) {
  const auto now = find(in, id, "");
  if (!now) return now.error();
  auto o = hook_object(*now, in.accounts);
  add_text(o, "secret", secret);
  return object_response(o, status);
}

void list_webhooks(const call& c, on_response done) {
  const auto work = [as = c.as.account,
                     named = std::string(parameter(c.query, "account"))](webhook_parts& in) -> response {
    const auto owner = owner_of(named, as, in.accounts);
    if (!owner) return owner.error();
    auto all = in.kept.all();
    if (!all) return error_response(503, "database_unavailable", all.error().detail, "try again later");
    const auto standings = in.sending.standings();
    json::array found;
    for (const auto& row : all->all) {
      if (*owner && row.hook.wanted.account != *owner) continue;
      auto o = hook_object(row.hook, in.accounts);
      const auto at = std::ranges::find(standings, row.hook.id, &webhooks::standing::id);
      if (at != standings.end()) add_standing(o, *at);
      found.push_back(std::move(o));
    }
    return object_response({{"webhooks", std::move(found)}});
  };
  c.ask.webhooks().with_webhooks(work, std::move(done));
}

// What is not on the page of words is refused: a misspelt kind would silently never come.
std::optional<std::vector<events::kind>> take_kinds(json_body& body) {
  const auto words = body.texts("events");
  if (!words) return std::nullopt;
  std::vector<events::kind> kinds;
  for (const auto& word : *words) {
    const auto k = events::parse_kind(word);
    if (!k) {
      body.refuse(
          fmt::format("events: there is no kind \"{}\"; there are: {}", word, fmt::join(events::kind_words(), ", ")));
      return std::nullopt;
    }
    kinds.push_back(*k);
  }
  return kinds;
}

std::optional<std::string> take_url(json_body& body) {
  auto url = body.text("url");
  if (url && !runtime::http_url::parse(*url)) body.expect("url", "an absolute https:// URL");
  return url;
}

std::string name_from(std::string_view url) {
  const auto parsed = runtime::http_url::parse(url);
  return parsed ? parsed->host : std::string();
}

void add_webhook(const call& c, on_response done) {
  json_body body(c.asked.body);
  webhook fresh;
  const auto url = take_url(body);
  if (!url && !body.failed()) body.refuse("url: is missing");
  fresh.url = url.value_or("");
  fresh.name = body.text("name").value_or(name_from(fresh.url));
  fresh.wanted.kinds = take_kinds(body).value_or(std::vector<events::kind>());
  fresh.wanted.streams = body.texts("streams").value_or(std::vector<std::string>());
  const auto named = body.text("account").value_or("");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  auto work = [as = c.as.account, named, fresh = std::move(fresh)](webhook_parts& in) mutable -> response {
    const auto owner = owner_of(named, as, in.accounts);
    if (!owner) return owner.error();
    fresh.wanted.account = *owner;
    fresh.created = in.now;
    const auto made = in.kept.add(std::move(fresh), in.log_end());
    if (!made) return refused(made.error());
    in.sending.look_again();
    return shown(in, made->id, made->secret, 201);
  };
  c.ask.webhooks().with_webhooks(std::move(work), std::move(done));
}

using on_hook = std::move_only_function<response(webhook_parts&, const webhook&)>;

void with_hook(const call& c, on_hook then, on_response done) {
  const auto id = number_parameter({{"id", c.id}}, "id", 0, 1, id_max);
  if (!id) return done(id.error());
  auto work = [as = c.as.account, which = webhook_id{static_cast<std::uint32_t>(*id)},
               then = std::move(then)](webhook_parts& in) mutable -> response {
    const auto found = find(in, which, as);
    return found ? then(in, *found) : found.error();
  };
  c.ask.webhooks().with_webhooks(std::move(work), std::move(done));
}

void show_webhook(const call& c, on_response done) {
  const auto answer = [](webhook_parts& in, const webhook& w) {
    auto o = hook_object(w, in.accounts);
    const auto standings = in.sending.standings();
    const auto at = std::ranges::find(standings, w.id, &webhooks::standing::id);
    if (at != standings.end()) add_standing(o, *at);
    json::array recent;
    for (const auto& a : in.sending.recent(w.id))
      recent.push_back(attempt_object(a));
    o["recent"] = std::move(recent);
    return object_response(o);
  };
  with_hook(c, answer, std::move(done));
}

void change_webhook(const call& c, on_response done) {
  json_body body(c.asked.body);
  webhooks::changes to;
  to.name = body.text("name");
  to.url = take_url(body);
  to.kinds = take_kinds(body);
  to.streams = body.texts("streams");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  auto work = [to = std::move(to)](webhook_parts& in, const webhook& w) -> response {
    if (auto changed = in.kept.change(w.id, to); !changed) return refused(changed.error());
    in.sending.look_again();
    return shown(in, w.id);
  };
  with_hook(c, std::move(work), std::move(done));
}

void remove_webhook(const call& c, on_response done) {
  const auto work = [](webhook_parts& in, const webhook& w) -> response {
    if (auto removed = in.kept.remove(w.id); !removed) return refused(removed.error());
    in.sending.look_again();
    return object_response({{"removed", true}});
  };
  with_hook(c, work, std::move(done));
}

void rotate_secret(const call& c, on_response done) {
  const auto work = [](webhook_parts& in, const webhook& w) -> response {
    const auto secret = in.kept.rotate(w.id, in.now);
    if (!secret) return refused(secret.error());
    in.sending.look_again();
    return shown(in, w.id, *secret);
  };
  with_hook(c, work, std::move(done));
}

void pause(const call& c, on_response done) {
  json_body body(c.asked.body.empty() ? std::string_view("{}") : std::string_view(c.asked.body));
  const auto given = body.text("reason").value_or("");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  auto reason = checked_reason(given);
  if (!reason) return done(std::move(reason.error()));
  auto work = [why = std::move(*reason)](webhook_parts& in, const webhook& w) -> response {
    if (auto paused = in.kept.set_state(w.id, webhooks::state::paused, why); !paused) return refused(paused.error());
    in.sending.look_again();
    return shown(in, w.id);
  };
  with_hook(c, std::move(work), std::move(done));
}

void resume(const call& c, on_response done) {
  const auto work = [](webhook_parts& in, const webhook& w) -> response {
    if (auto going = in.kept.set_state(w.id, webhooks::state::active, ""); !going) return refused(going.error());
    in.sending.look_again();
    in.sending.resume(w.id);
    return shown(in, w.id);
  };
  with_hook(c, work, std::move(done));
}

void replay(const call& c, on_response done) {
  json_body body(c.asked.body);
  const auto after = body.number("after", after_max);
  const auto back = body.number("back", back_seconds_max);
  if (after.has_value() == back.has_value()) body.refuse("wanted is either `after`, a cursor, or `back`, in seconds");
  if (auto wrong = body.refusal()) return done(std::move(*wrong));
  const auto work = [after, back](webhook_parts& in, const webhook& w) -> response {
    event_seq to{after.value_or(0)};
    if (back) {
      const auto found = in.last_before(in.now - std::chrono::seconds(*back));
      if (!found) return error_response(503, "busy", "the event log can't be read");
      to = *found;
    }
    if (to > in.log_end())
      return error_response(400, "invalid_body",
                            fmt::format("after: {} is beyond the log's last event, {}", to.value, in.log_end().value));
    if (auto moved = in.kept.move_cursor(w.id, to); !moved) return refused(moved.error());
    in.sending.look_again();
    auto o = hook_object(w, in.accounts);
    o["cursor"] = to.value;
    o["log_end"] = in.log_end().value;
    return object_response(o);
  };
  with_hook(c, work, std::move(done));
}

void try_out(const call& c, on_response done) {
  // First whether it is the asker's at all.
  auto& ask = c.ask.webhooks();
  const auto id = number_parameter({{"id", c.id}}, "id", 0, 1, id_max);
  if (!id) return done(id.error());
  const webhook_id which{static_cast<std::uint32_t>(*id)};
  const auto work = [](webhook_parts& in, const webhook&) -> response {
    in.sending.look_again();
    return object_response({});
  };
  with_hook(c, work, [&ask, which, done = std::move(done)](response found) mutable {
    if (found.status != 200) return done(std::move(found));
    ask.try_webhook(which, [done = std::move(done)](std::optional<webhooks::attempt> a) mutable {
      if (!a) return done(error_response(404, "not_found", "there is no such webhook any more"));
      done(object_response(attempt_object(*a)));
    });
  });
}

}  // namespace

std::vector<route> webhook_routes() {
  constexpr route_access own{needs::admin, true};
  return {
      {"GET", "/v1/webhooks", list_webhooks, {"account"}, own},
      {"POST", "/v1/webhooks", add_webhook, {}, own},
      {"GET", "/v1/webhooks/{id}", show_webhook, {}, own},
      {"PATCH", "/v1/webhooks/{id}", change_webhook, {}, own},
      {"DELETE", "/v1/webhooks/{id}", remove_webhook, {}, own},
      {"POST", "/v1/webhooks/{id}/rotate", rotate_secret, {}, own},
      {"POST", "/v1/webhooks/{id}/pause", pause, {}, own},
      {"POST", "/v1/webhooks/{id}/resume", resume, {}, own},
      {"POST", "/v1/webhooks/{id}/replay", replay, {}, own},
      {"POST", "/v1/webhooks/{id}/test", try_out, {}, own},
  };
}

}  // namespace gonets::httpd::detail
