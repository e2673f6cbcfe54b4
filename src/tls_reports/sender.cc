#include "tls_reports/sender.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <utility>

#include "base/log.h"
#include "tls_policy/tls_report.h"

namespace gonets::tls_reports {
namespace {

using tls_policy::report_uri;

constexpr std::chrono::seconds post_timeout{60};
constexpr std::size_t answer_bytes_max = 16'384;

std::string to_text(const report_uri& uri) {
  return uri.how == report_uri::scheme::mailto ? "mailto:" + uri.to : uri.to;
}

// The same for the same report, so that a receiver knows one that comes twice.
std::string id_of(const report_job& job, const std::string& host) {
  return fmt::format("{:%Y%m%d}.{}.{}", fmt::gmtime(std::chrono::system_clock::to_time_t(job.day)), job.domain, host);
}

}  // namespace

struct sender::state : std::enable_shared_from_this<sender::state> {
  // A report under way. Callbacks share it; the last one to end settles it.
  struct sending {
    report_job job;
    tls_policy::report content;
    std::string packed;
    std::size_t open = 0;
    bool retry = false;
  };
  using sending_ptr = std::shared_ptr<sending>;

  state(sender_options w, environment e, std::uint64_t seed, metrics::registry& counts)
      : with(std::make_shared<const sender_options>(std::move(w))),
        env(std::move(e)),
        random(seed),
        sent_by_mail(counts.make_counter("gonets_tls_reports_sent_total", "TLS reports sent", {{"by", "mail"}})),
        sent_by_https(counts.make_counter("gonets_tls_reports_sent_total", "TLS reports sent", {{"by", "https"}})),
        failed(counts.make_counter("gonets_tls_reports_failed_total", "Attempts to send a TLS report that failed")) {}

  // Runs `ask` on the pool and `then` with its result on the shard; without the pool, `then` never runs.
  template <class Ask, class Then>
  bool off_shard(Ask ask, Then then) {
    return env.blocking.run([weak = weak_from_this(), ask = std::move(ask), then = std::move(then)]() mutable {
      const auto self = weak.lock();
      if (!self) return;
      auto result = ask(*self);
      self->env.shards.post(self->env.shard, [weak, result = std::move(result), then = std::move(then)]() mutable {
        if (const auto alive = weak.lock()) then(*alive, std::move(result));
      });
    });
  }

  storage::sql_result<void> keep_counts();
  void tick();
  void begin(storage::sql_result<std::vector<report_job>> jobs);
  void find_receivers(const sending_ptr& s);
  void load(const sending_ptr& s, std::vector<report_uri> to);
  tls_policy::report report_of(const report_job& job, std::vector<tls_policy::policy_results> results);
  void send_to_all(const sending_ptr& s, std::vector<tls_policy::policy_results> results,
                   const std::vector<report_uri>& to);
  void mail(const sending_ptr& s, const report_uri& to);
  void post(const sending_ptr& s, const report_uri& to);
  void one_ended(const sending_ptr& s, const report_uri& to, std::expected<void, std::string> result);
  void retry_later(const sending_ptr& s, std::string why);
  void settle(const sending_ptr& s);

  std::atomic<std::shared_ptr<const sender_options>> with;
  const environment env;
  std::uint64_t random;
  metrics::counter& sent_by_mail;
  metrics::counter& sent_by_https;
  metrics::counter& failed;
  bool busy = false;
  std::size_t jobs_open = 0;
};

// On the pool.
storage::sql_result<void> sender::state::keep_counts() {
  auto counted = env.counted.take();
  if (counted.empty()) return {};
  auto added = env.kept.add(counted);
  if (!added) {
    GONETS_LOG(warning, "tls_report_counts_not_kept", "error", added.error().detail, "effect", "tried again");
    env.counted.give_back(std::move(counted));
  }
  return added;
}

void sender::state::tick() {
  if (!with.load()->enabled || busy) return;
  busy = off_shard([now = env.time.wall()](state& self) { return self.env.kept.due(now, jobs_at_once_max); },
                   [](state& self, auto jobs) { self.begin(std::move(jobs)); });
}

void sender::state::begin(storage::sql_result<std::vector<report_job>> jobs) {
  busy = false;
  if (!jobs) {
    GONETS_LOG(warning, "tls_reports_not_read", "error", jobs.error().detail, "effect", "tried again");
    return;
  }
  jobs_open = jobs->size();
  busy = jobs_open > 0;
  for (auto& job : *jobs) {
    auto s = std::make_shared<sending>();
    s->job = std::move(job);
    find_receivers(s);
  }
}

void sender::state::find_receivers(const sending_ptr& s) {
  env.dns.query_txt("_smtp._tls." + s->job.domain, [weak = weak_from_this(), s](runtime::dns_answer answer) {
    const auto self = weak.lock();
    if (!self) return;
    using enum runtime::dns_status;
    if (answer.status == temporary || answer.status == bogus) {
      self->retry_later(s, answer.detail);
      return self->settle(s);
    }
    auto to = tls_policy::report_uris(answer.texts);
    if (to.empty()) {
      s->job.state = report_state::unwanted;
      return self->settle(s);
    }
    self->load(s, std::move(to));
  });
}

void sender::state::load(const sending_ptr& s, std::vector<report_uri> to) {
  const bool asked = off_shard(
      [s](state& self) { return self.env.kept.results(s->job.day, s->job.domain); },
      [s, to = std::move(to)](state& self, storage::sql_result<std::vector<tls_policy::policy_results>> results) {
        if (results) return self.send_to_all(s, std::move(*results), to);
        self.retry_later(s, results.error().detail);
        self.settle(s);
      });
  if (asked) return;
  retry_later(s, "the pool of threads is full");
  settle(s);
}

tls_policy::report sender::state::report_of(const report_job& job, std::vector<tls_policy::policy_results> results) {
  tls_policy::report r;
  const auto by = with.load();
  r.organization = by->organization;
  r.contact = by->contact;
  r.submitter = by->submitter;
  r.domain = job.domain;
  r.id = id_of(job, by->host);
  r.day = job.day;
  r.policies = std::move(results);
  return r;
}

void sender::state::send_to_all(const sending_ptr& s, std::vector<tls_policy::policy_results> results,
                                const std::vector<report_uri>& to) {
  s->content = report_of(s->job, std::move(results));
  s->packed = tls_policy::gzip(tls_policy::report_json(s->content));
  s->open = 1;  // this loop's own
  for (const auto& uri : to) {
    if (std::ranges::find(s->job.sent, to_text(uri)) != s->job.sent.end()) continue;
    ++s->open;
    if (uri.how == report_uri::scheme::mailto) {
      mail(s, uri);
    } else {
      post(s, uri);
    }
  }
  if (--s->open == 0) settle(s);
}

void sender::state::mail(const sending_ptr& s, const report_uri& to) {
  random = random * 6364136223846793005u + 1442695040888963407u;
  const auto from = with.load()->from;
  const tls_policy::report_mail about{from, to.to, env.time.wall(), random};
  env.submit(from, to.to, tls_policy::compose_report_mail(s->content, about, s->packed),
             [weak = weak_from_this(), s, to](std::expected<void, std::string> result) {
               if (const auto self = weak.lock()) self->one_ended(s, to, std::move(result));
             });
}

void sender::state::post(const sending_ptr& s, const report_uri& to) {
  runtime::http_request request{
      runtime::http_method::post, to.to, {{"Content-Type", "application/tlsrpt+gzip"}}, s->packed};
  const runtime::http_limits limits{.timeout = post_timeout, .body_bytes_max = answer_bytes_max};
  env.http.send(std::move(request), limits, [weak = weak_from_this(), s, to](auto answer) {
    const auto self = weak.lock();
    if (!self) return;
    if (!answer) return self->one_ended(s, to, std::unexpected(answer.error().text));
    if (answer->status / 100 != 2) {
      return self->one_ended(s, to, std::unexpected(fmt::format("{} answers {}", to.to, answer->status)));
    }
    self->one_ended(s, to, {});
  });
}

void sender::state::one_ended(const sending_ptr& s, const report_uri& to, std::expected<void, std::string> result) {
  if (result) {
    (to.how == report_uri::scheme::mailto ? sent_by_mail : sent_by_https).add();
    s->job.sent.push_back(to_text(to));
    GONETS_LOG(info, "tls_report_sent", "domain", s->job.domain, "to", to_text(to), "id", s->content.id);
  } else {
    retry_later(s, std::move(result.error()));
  }
  if (--s->open == 0) settle(s);
}

void sender::state::retry_later(const sending_ptr& s, std::string why) {
  failed.add();
  GONETS_LOG(warning, "tls_report_not_sent", "domain", s->job.domain, "error", why);
  s->job.detail = std::move(why);
  s->retry = true;
}

void sender::state::settle(const sending_ptr& s) {
  auto& job = s->job;
  ++job.attempts;
  if (!s->retry) {
    if (job.state == report_state::pending) job.state = report_state::sent;
    job.detail.clear();
  } else {
    job.due = env.time.wall() + retry_after;
    if (job.attempts > static_cast<unsigned>(retried_for / retry_after)) job.state = report_state::failed;
  }
  const auto end = [](state& self, const storage::sql_result<void>& done) {
    if (!done) GONETS_LOG(warning, "tls_report_state_not_kept", "error", done.error().detail, "effect", "sent again");
    if (--self.jobs_open == 0) self.busy = false;
  };
  if (!off_shard([job](state& self) { return self.env.kept.update(job); }, end)) {
    end(*this, std::unexpected(storage::sql_error{storage::sql_failure::unavailable, "the pool of threads is full"}));
  }
}

sender::sender(sender_options with, environment env, std::uint64_t seed, metrics::registry& counts)
    : state_(std::make_shared<state>(std::move(with), std::move(env), seed, counts)) {}

sender::~sender() = default;

void sender::keep_counts() {
  if (!state_->with.load()->enabled) return;
  state_->off_shard([](state& self) { return self.keep_counts(); }, [](state&, const storage::sql_result<void>&) {});
}

void sender::keep_counts_now() {
  [[maybe_unused]] const auto logged = state_->keep_counts();  // the counts stay if it fails
}

storage::sql_result<std::string> sender::report_json(const std::string& domain, std::chrono::sys_days day) {
  report_job job;
  job.day = day;
  job.domain = domain;
  auto results = state_->env.kept.results(day, domain);
  if (!results) return std::unexpected(results.error());
  return tls_policy::report_json(state_->report_of(job, std::move(*results)));
}

void sender::tick() {
  state_->tick();
}

void sender::trim() {
  state_->off_shard([now = state_->env.time.wall()](state& self) { return self.env.kept.trim(now); },
                    [](state&, const storage::sql_result<void>& done) {
                      if (!done) GONETS_LOG(warning, "tls_reports_not_trimmed", "error", done.error().detail);
                    });
}

void sender::hurry(std::chrono::sys_days day, std::string domain, hurried done) {
  if (!state_->with.load()->enabled) return done(std::nullopt);
  // Shared, since the pool may refuse what it was given.
  auto shared = std::make_shared<hurried>(std::move(done));
  const auto now = state_->env.time.wall();
  const bool asked = state_->off_shard(
      [day, domain = std::move(domain), now](state& self) -> storage::sql_result<std::uint64_t> {
        if (auto kept = self.keep_counts(); !kept) return std::unexpected(kept.error());
        return self.env.kept.hurry(day, domain, now);
      },
      [shared](state& self, const storage::sql_result<std::uint64_t>& result) {
        if (!result) return (*shared)(std::unexpected(result.error().detail));
        (*shared)(*result);
        self.tick();
      });
  if (!asked) (*shared)(std::unexpected("the pool of threads is full"));
}

void sender::reconfigure(sender_options with) {
  state_->with.store(std::make_shared<const sender_options>(std::move(with)));
}

}  // namespace gonets::tls_reports
