#include "webhooks/service.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <future>
#include <map>
#include <mutex>
#include <random>
#include <stop_token>
#include <thread>
#include <unordered_map>

#include "base/log.h"
#include "base/thread_name.h"
#include "events/follower.h"
#include "message/valid_utf8.h"
#include "webhooks/signature.h"

namespace gonets::webhooks {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t events_a_read = 1000;
constexpr std::chrono::milliseconds rows_asked_each{1000};  // other nodes change them, too
constexpr std::chrono::milliseconds progress_kept_each{1000};
constexpr std::chrono::milliseconds idle_progress_kept_each{10'000};  // past what nobody wanted
constexpr std::chrono::milliseconds idle_max{1000};
constexpr std::chrono::milliseconds after_log_failure{1000};
// So that a busy log wakes the thread some times a second, and not at each of its commits.
constexpr std::chrono::milliseconds gathering{20};
// A receiver that was given its new secret has had a day to use it.
constexpr std::chrono::hours previous_secret_lasts{24};

// What a receiver wrote may be anything.
std::string shown(std::string_view text) {
  return message::valid_utf8(std::string(text.substr(0, shown_bytes_max)));
}

std::string body_of(const webhook& hook, unsigned node, const batch& b, wall_time now) {
  std::size_t bytes = 200;
  for (const auto& i : b.items)
    bytes += i.json->size() + 1;
  std::string body;
  body.reserve(bytes);
  body += fmt::format(
      R"({{"type":"events","timestamp":"{}","data":{{"webhook":"{}","node":{},"cursor":{},"lost":{},"events":[)",
      events::json_time(now), hook.name, node, b.through.value, b.lost);
  for (const auto& i : b.items) {
    if (&i != &b.items.front()) body += ',';
    body += *i.json;
  }
  return body += "]}}";
}

// What a receiver has to say of a batch, and why it was not acknowledged.
outbox::verdict judge(const std::expected<runtime::http_answer, runtime::http_failure>& answer, attempt& to) {
  if (!answer) {
    to.error = answer.error().text;
    return outbox::verdict::failed;
  }
  to.status = answer->status;
  to.answer = shown(answer->body);
  if (answer->status / 100 == 2) return outbox::verdict::acknowledged;
  to.error = fmt::format("answered {}", answer->status);
  if (answer->status / 100 == 3) to.error += ", and redirects are not followed";
  return answer->status == 410 ? outbox::verdict::gone : outbox::verdict::failed;
}

}  // namespace

struct service::state {
  struct running {
    webhook hook;
    outbox out;
    std::uint32_t epoch = 0;
    std::shared_ptr<const batch> rendered;  // whose body this is
    std::string body, id;
    std::deque<attempt> recent;  // the latest first
    std::string error;           // of the last attempt
    progress kept;               // as the database has it
    bool moved = false;          // something was acknowledged since
  };
  using job = std::move_only_function<void()>;

  state(service_options w, environment e, std::uint64_t seed, metrics::registry& counts)
      : with(std::move(w)),
        env(std::move(e)),
        random(seed),
        live(env.log, env.end, env.end.now()),
        sent(counts.make_counter("gonets_webhook_events_total", "Events that webhooks acknowledged.")),
        acknowledged(
            counts.make_counter("gonets_webhook_requests_total", "Requests to webhooks.", {{"how", "acknowledged"}})),
        failed(counts.make_counter("gonets_webhook_requests_total", "Requests to webhooks.", {{"how", "failed"}})),
        active(counts.make_gauge("gonets_webhooks", "Webhooks, by state.", {{"state", "active"}})),
        paused(counts.make_gauge("gonets_webhooks", "Webhooks, by state.", {{"state", "paused"}})),
        failing(counts.make_gauge("gonets_webhooks_failing", "Webhooks whose last request failed.")) {}

  void run(const std::stop_token& stopped);
  bool do_jobs();
  void look_at_rows();
  void take_row(row& from);
  bool read_live();
  bool catch_up();
  void catch_up(running& r, bool& more);
  void give(running& r, const std::vector<events::event>& all, event_seq scanned, std::uint64_t lost,
            std::vector<std::shared_ptr<const std::string>>& rendered);
  void start_due();
  void start(running& r, std::shared_ptr<const batch> b);
  void answered(webhook_id id, const std::shared_ptr<const batch>& b, attempt a,
                const std::expected<runtime::http_answer, runtime::http_failure>& answer);
  void send(const webhook& hook, std::string id, const std::string& body,
            std::move_only_function<void(attempt, std::expected<runtime::http_answer, runtime::http_failure>)> then);
  void pause(running& r, const std::string& why);
  void keep_progress(bool ended_now = false);
  std::chrono::milliseconds until_next() const;
  void note_failing();
  bool post(job j);
  template <class Work>
  auto ask(Work work) -> std::invoke_result_t<Work&>;
  std::string json_of(const events::event& e) const { return events::to_json(e, env.name_of(e.account)); }
  // It gets each event as the log's end moves on, and needs no look into the log of its own.
  bool is_live(const running& r) const { return r.out.scanned() == live.cursor(); }

  service_options with;
  const environment env;
  std::mt19937_64 random;
  events::follower live;
  std::map<webhook_id, running> all;
  std::optional<std::int64_t> revision;  // of the rows that are known; nothing: none are
  steady_time rows_asked{}, progress_kept{}, all_kept{}, log_failed{};
  bool rows_failing = false, log_failing = false;

  std::mutex mutex;
  std::vector<job> jobs;
  bool ended = false;

  metrics::counter& sent;
  metrics::counter& acknowledged;
  metrics::counter& failed;
  metrics::gauge& active;
  metrics::gauge& paused;
  metrics::gauge& failing;
  std::jthread thread;  // last: it uses all above
};

// ---- its thread and others ----------------------------------------------------------------------------------------

// False: the service has ended, and the job is dropped.
bool service::state::post(job j) {
  {
    const std::lock_guard lock(mutex);
    if (ended) return false;
    jobs.push_back(std::move(j));
  }
  live.wake();
  return true;
}

template <class Work>
auto service::state::ask(Work work) -> std::invoke_result_t<Work&> {
  using result = std::invoke_result_t<Work&>;
  std::promise<result> said;
  auto answer = said.get_future();
  if (!post([&work, said = std::move(said)]() mutable { said.set_value(work()); })) return {};
  return answer.get();
}

bool service::state::do_jobs() {
  std::vector<job> taken;
  {
    const std::lock_guard lock(mutex);
    taken.swap(jobs);
  }
  for (auto& j : taken)
    j();
  return !taken.empty();
}

void service::state::run(const std::stop_token& stopped) {
  while (!stopped.stop_requested()) {
    do_jobs();
    look_at_rows();
    bool more = read_live();
    more |= catch_up();
    start_due();
    note_failing();
    if (env.time.steady() - progress_kept >= progress_kept_each) keep_progress();
    if (more) continue;
    live.wait(until_next());
    std::this_thread::sleep_for(gathering);
  }
  {
    const std::lock_guard lock(mutex);
    ended = true;
  }
  do_jobs();
  keep_progress(true);
}

std::chrono::milliseconds service::state::until_next() const {
  const auto now = env.time.steady();
  auto next = now + idle_max;
  for (const auto& [id, r] : all) {
    if (r.hook.is == webhooks::state::active) next = std::min(next, r.out.next_start());
  }
  return std::max(1ms, std::chrono::ceil<std::chrono::milliseconds>(next - now));
}

// ---- rows ---------------------------------------------------------------------------------------------------------

void service::state::look_at_rows() {
  const auto now = env.time.steady();
  if (revision && now - rows_asked < rows_asked_each) return;
  if (!revision && rows_failing && now - rows_asked < rows_asked_each) return;
  rows_asked = now;
  const auto present = env.kept.revision();
  if (present && revision && *present == *revision) return;
  auto read = present ? env.kept.all() : storage::sql_result<rows>(std::unexpected(present.error()));
  if (!read) {
    if (!std::exchange(rows_failing, true))
      GONETS_LOG(error, "webhooks_not_read", "error", read.error().detail, "effect",
                 "those that are known go on; tried again every second");
    return;
  }
  rows_failing = false;
  revision = read->revision;
  std::erase_if(all, [&](const auto& known) {
    return std::ranges::none_of(read->all, [&](const row& r) { return r.hook.id == known.first; });
  });
  for (auto& from : read->all)
    take_row(from);
  std::int64_t running_now = 0;
  for (const auto& [id, r] : all)
    running_now += r.hook.is == webhooks::state::active ? 1 : 0;
  active.set(running_now);
  paused.set(static_cast<std::int64_t>(all.size()) - running_now);
}

void service::state::take_row(row& from) {
  const auto found = all.find(from.hook.id);
  // Added on another node: on this one it begins with what happens from now on.
  const auto at = from.at.value_or(progress{live.cursor()});
  if (found == all.end()) {
    running fresh{std::move(from.hook), outbox(at), at.epoch, {}, {}, {}, {}, {}, from.at.value_or(progress{}), false};
    all.emplace(fresh.hook.id, std::move(fresh));
    return;
  }
  auto& r = found->second;
  const bool resumed = r.hook.is == webhooks::state::paused && from.hook.is == webhooks::state::active;
  r.hook = std::move(from.hook);
  if (from.at && from.at->epoch != r.epoch) {
    r.epoch = from.at->epoch;
    r.kept = *from.at;
    r.out.restart(*from.at);
  }
  if (resumed) r.out.resume();
}

// ---- the log ------------------------------------------------------------------------------------------------------

void service::state::give(running& r, const std::vector<events::event>& found, event_seq scanned, std::uint64_t lost,
                          std::vector<std::shared_ptr<const std::string>>& rendered) {
  std::vector<item> wanted;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!r.hook.wanted.wants(found[i])) continue;
    if (!rendered[i]) rendered[i] = std::make_shared<const std::string>(json_of(found[i]));
    wanted.push_back({found[i].seq, rendered[i]});
  }
  r.out.take(std::move(wanted), scanned, lost, env.time.steady());
}

// One read for all that are up to date.
bool service::state::read_live() {
  const auto now = env.time.steady();
  if (log_failing && now - log_failed < after_log_failure) return false;
  std::vector<running*> at_end;
  for (auto& [id, r] : all) {
    if (r.hook.is == webhooks::state::active && is_live(r) && r.out.has_room()) at_end.push_back(&r);
  }
  if (at_end.empty()) {
    live.move_to(env.end.now());
    return false;
  }
  const auto batch = live.next(events_a_read);
  if (!batch) {
    log_failed = now;
    if (!std::exchange(log_failing, true))
      GONETS_LOG(error, "webhooks_log_unreadable", "error", batch.error().detail, "effect", "tried again every second");
    return false;
  }
  log_failing = false;
  if (batch->empty() && batch->events.empty()) return false;
  std::vector<std::shared_ptr<const std::string>> rendered(batch->events.size());
  for (auto* r : at_end)
    give(*r, batch->events, batch->cursor, batch->lost, rendered);
  return env.end.now() > live.cursor();
}

// Those that fell behind read the log by themselves, a piece at a time.
bool service::state::catch_up() {
  bool more = false;
  if (log_failing) return false;
  for (auto& [id, r] : all) {
    if (r.hook.is == webhooks::state::active && !is_live(r) && r.out.has_room()) catch_up(r, more);
  }
  return more;
}

void service::state::catch_up(running& r, bool& more) {
  // It was added a moment ago, at an end that read_live() has yet to reach.
  if (r.out.scanned() > live.cursor() && r.out.scanned() <= env.end.now()) return;
  const auto batch = events::read_batch(env.log, live.cursor(), r.out.scanned(), events_a_read);
  if (!batch) {
    GONETS_LOG(error, "webhooks_log_unreadable", "webhook", r.hook.name, "error", batch.error().detail);
    return;
  }
  std::vector<std::shared_ptr<const std::string>> rendered(batch->events.size());
  give(r, batch->events, batch->cursor, batch->lost, rendered);
  more |= !is_live(r) && r.out.has_room();
}

// ---- requests -----------------------------------------------------------------------------------------------------

void service::state::start_due() {
  const auto now = env.time.steady();
  for (auto& [id, r] : all) {
    if (r.hook.is != webhooks::state::active) continue;
    if (auto b = r.out.start(now)) start(r, std::move(b));
  }
}

void service::state::send(
    const webhook& hook, std::string id, const std::string& body,
    std::move_only_function<void(attempt, std::expected<runtime::http_answer, runtime::http_failure>)> then) {
  attempt a;
  a.at = env.time.wall();
  a.id = id;
  a.body_bytes = body.size();
  a.body = shown(body);
  const auto seconds = std::chrono::floor<std::chrono::seconds>(a.at).time_since_epoch().count();
  const bool both = a.at - hook.rotated < previous_secret_lasts;
  runtime::http_request request;
  request.method = runtime::http_method::post;
  request.url = hook.url;
  request.headers = {{"Content-Type", "application/json"},
                     {"webhook-id", id},
                     {"webhook-timestamp", std::to_string(seconds)},
                     {"webhook-signature", sign(hook.secret, both ? hook.previous_secret : "", id, seconds, body)}};
  request.body = body;
  const auto began = env.time.steady();
  env.send(hook.id.value % env.shards, std::move(request), with.limits,
           [this, began, a = std::move(a), then = std::move(then)](auto answer) mutable {
             a.took = std::chrono::floor<std::chrono::milliseconds>(env.time.steady() - began);
             post([a = std::move(a), then = std::move(then), answer = std::move(answer)]() mutable {
               then(std::move(a), std::move(answer));
             });
           });
}

void service::state::start(running& r, std::shared_ptr<const batch> b) {
  if (r.rendered != b) {
    const auto first = b->items.empty() ? b->through : b->items.front().seq;
    r.rendered = b;
    r.body = body_of(r.hook, with.node, *b, env.time.wall());
    r.id = fmt::format("gonets-{}-{}-{}-{}-{}", with.node, r.hook.id.value, r.epoch, first.value, b->through.value);
  }
  const auto id = r.hook.id;
  send(r.hook, r.id, r.body, [this, id, b, number = b->attempt](attempt a, const auto& answer) {
    a.number = number;
    a.events = b->items.size();
    answered(id, b, std::move(a), answer);
  });
}

void service::state::answered(webhook_id id, const std::shared_ptr<const batch>& b, attempt a,
                              const std::expected<runtime::http_answer, runtime::http_failure>& answer) {
  const auto verdict = judge(answer, a);
  const auto found = all.find(id);
  if (found == all.end()) return;
  auto& r = found->second;
  const auto why = a.error;
  r.recent.push_front(std::move(a));
  if (r.recent.size() > attempts_kept) r.recent.pop_back();
  if (!r.out.is_under_way(b)) return;  // a command moved its cursor meanwhile
  r.error = why;
  const auto chance = std::uniform_real_distribution<>(0, 1)(random);
  const bool given_up = r.out.answered(verdict, with.retry, chance, env.time.steady(), env.time.wall());
  if (verdict == outbox::verdict::acknowledged) {
    r.moved = true;
    acknowledged.add();
    sent.add(b->items.size());
    r.rendered.reset();
    r.body.clear();
    return;
  }
  failed.add();
  if (r.out.attempts() == 1) {
    GONETS_LOG(warning, "webhook_failed", "webhook", r.hook.name, "url", r.hook.url, "error", why, "effect",
               "tried again, with growing delays; its events wait");
  }
  if (!given_up) return;
  pause(r, verdict == outbox::verdict::gone
               ? std::string("its receiver answered 410: it is gone")
               : fmt::format("it failed for {} hours: {}",
                             std::chrono::duration_cast<std::chrono::hours>(with.retry.give_up_after).count(), why));
}

void service::state::pause(running& r, const std::string& why) {
  GONETS_LOG(error, "webhook_paused", "webhook", r.hook.name, "url", r.hook.url, "reason", why, "effect",
             "its events wait, as long as they are kept; `gonets webhook resume` goes on");
  r.hook.is = webhooks::state::paused;
  r.hook.reason = why;
  if (auto done = env.kept.set_state(r.hook.id, webhooks::state::paused, why); !done)
    GONETS_LOG(error, "webhook_pause_not_kept", "webhook", r.hook.name, "error", done.error().detail, "effect",
               "it is tried again after a restart");
}

void service::state::keep_progress(bool ended_now) {
  progress_kept = env.time.steady();
  const bool all_of_them = ended_now || progress_kept - all_kept >= idle_progress_kept_each;
  if (all_of_them) all_kept = progress_kept;
  std::vector<kept_progress> moved;
  for (auto& [id, r] : all) {
    if (!r.moved && !all_of_them) continue;
    auto now = r.out.kept();
    now.epoch = r.epoch;
    if (now != r.kept) moved.push_back({id, now});
  }
  if (moved.empty()) return;
  if (auto done = env.kept.keep(moved); !done) {
    GONETS_LOG(warning, "webhook_progress_not_kept", "error", done.error().detail, "effect",
               "after a restart some events come again");
    return;
  }
  for (const auto& each : moved) {
    all.at(each.id).kept = each.at;
    all.at(each.id).moved = false;
  }
}

void service::state::note_failing() {
  std::int64_t n = 0;
  for (const auto& [id, r] : all)
    n += r.hook.is == webhooks::state::active && r.out.attempts() > 0 ? 1 : 0;
  failing.set(n);
}

// ---- from outside ---------------------------------------------------------------------------------------------------

service::service(service_options with, environment env, std::uint64_t seed, metrics::registry& counts)
    : state_(std::make_unique<state>(std::move(with), std::move(env), seed, counts)) {
  state_->thread = std::jthread([s = state_.get()](const std::stop_token& stopped) {
    name_this_thread("webhooks");
    s->run(stopped);
  });
}

service::~service() {
  stop();
}

void service::stop() {
  if (!state_->thread.joinable()) return;
  state_->thread.request_stop();
  state_->live.wake();
  state_->thread.join();
}

void service::reconfigure(service_options with) {
  state_->post([s = state_.get(), with = std::move(with)]() mutable { s->with = std::move(with); });
}

void service::look_again() {
  state_->post([s = state_.get()] { s->rows_asked = {}; });
}

std::vector<standing> service::standings() {
  return state_->ask([s = state_.get()] {
    std::vector<standing> found;
    const auto now = s->env.time.steady();
    for (const auto& [id, r] : s->all) {
      const auto at = r.out.kept();
      standing one{id, at.cursor, s->env.end.now(), r.out.pending(), r.out.attempts(), at.failing_since, {}, {}};
      if (one.failures > 0) {
        one.error = r.error;
        if (const auto next = r.out.next_start(); next != steady_time::max() && next > now)
          one.next_attempt_in = std::chrono::ceil<std::chrono::milliseconds>(next - now);
      }
      found.push_back(std::move(one));
    }
    return found;
  });
}

std::vector<attempt> service::recent(webhook_id id) {
  return state_->ask([s = state_.get(), id] {
    const auto found = s->all.find(id);
    if (found == s->all.end()) return std::vector<attempt>();
    return std::vector<attempt>(found->second.recent.begin(), found->second.recent.end());
  });
}

void service::resume(webhook_id id) {
  state_->post([s = state_.get(), id] {
    if (const auto found = s->all.find(id); found != s->all.end()) found->second.out.resume();
  });
}

void service::try_out(webhook_id id, std::move_only_function<void(std::optional<attempt>)> done) {
  state_->post([s = state_.get(), id, done = std::move(done)]() mutable {
    s->rows_asked = {};
    s->look_at_rows();
    const auto found = s->all.find(id);
    if (found == s->all.end()) return done(std::nullopt);
    const auto& hook = found->second.hook;
    const auto now = s->env.time.wall();
    const auto body = fmt::format(R"({{"type":"test","timestamp":"{}","data":{{"webhook":"{}","node":{}}}}})",
                                  events::json_time(now), hook.name, s->with.node);
    const auto number = fmt::format("gonets-{}-{}-test-{}", s->with.node, id.value, now.time_since_epoch().count());
    s->send(hook, number, body, [done = std::move(done)](attempt a, const auto& result) mutable {
      (void)judge(result, a);
      done(std::move(a));
    });
  });
}

}  // namespace gonets::webhooks
