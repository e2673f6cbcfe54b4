#include "mta_sts/source.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "tls_policy/mta_sts.h"

namespace gonets::mta_sts {
namespace {

using tls_policy::tls_result;

constexpr std::chrono::seconds absence_ttl_default{300};  // of an answer without a TTL

tls_result result_of(runtime::http_error e) {
  return e == runtime::http_error::certificate ? tls_result::sts_webpki_invalid : tls_result::sts_policy_fetch_error;
}

bool is_plain_text(std::string_view content_type) {
  const auto type = content_type.substr(0, content_type.find(';'));
  return to_lower(type.substr(0, type.find_last_not_of(" \t") + 1)) == "text/plain";
}

}  // namespace

struct source::state : std::enable_shared_from_this<source::state> {
  // One domain that is being looked up.
  struct look_up {
    bool forced = false;  // fetched even if the record's id is known
    std::vector<handler> waiting;
    std::vector<std::move_only_function<void()>> told;
  };
  struct trouble {
    tls_result result;
    std::string text;
  };

  state(source_options w, cache& c, runtime::resolver& d, runtime::http_client& h, delivery::tls_observer& f,
        const clock& t, metrics::registry& counts, keeper k)
      : with(w),
        known(c),
        dns(d),
        http(h),
        failures(f),
        time(t),
        keep(std::move(k)),
        fetched(counts.make_counter("gonets_mta_sts_fetches_total", "MTA-STS policies fetched", {{"result", "ok"}})),
        failed(
            counts.make_counter("gonets_mta_sts_fetches_total", "MTA-STS policies fetched", {{"result", "failed"}})) {}

  look_up& begin(std::string_view domain);
  void on_record(const std::string& domain, const runtime::dns_answer& answer);
  void fetch(const std::string& domain, std::string id, wall_time again);
  void on_policy(const std::string& domain, std::string id, wall_time again,
                 std::expected<runtime::http_answer, runtime::http_failure> got);
  static std::expected<tls_policy::sts_policy, trouble> judge(
      std::expected<runtime::http_answer, runtime::http_failure> got);
  void fail(const std::string& domain, std::chrono::seconds again, const trouble& why);
  void end(const std::string& domain);

  source_options with;
  cache& known;
  runtime::resolver& dns;
  runtime::http_client& http;
  delivery::tls_observer& failures;
  const clock& time;
  keeper keep;
  metrics::counter& fetched;
  metrics::counter& failed;
  std::unordered_map<std::string, look_up> under_way;
  std::size_t fetching = 0;
};

source::state::look_up& source::state::begin(std::string_view domain) {
  auto [at, made] = under_way.try_emplace(std::string(domain));
  if (made) {
    dns.query_txt("_mta-sts." + at->first, [weak = weak_from_this(), domain = at->first](runtime::dns_answer answer) {
      if (const auto self = weak.lock()) self->on_record(domain, answer);
    });
  }
  return at->second;
}

void source::state::on_record(const std::string& domain, const runtime::dns_answer& answer) {
  using enum runtime::dns_status;
  const auto now = time.wall();
  if (answer.status == temporary || answer.status == bogus) {
    known.keep(domain, now, now + dns_again, answer.detail);
    return end(domain);
  }
  auto id = tls_policy::sts_record_id(answer.texts);
  const auto kept = known.look(domain, now);
  if (!id) {
    const auto ttl = answer.ttl.count() > 0 ? answer.ttl : absence_ttl_default;
    known.keep(domain, now, now + std::clamp(ttl, absence_ttl_min, record_ttl_max), {});
    return end(domain);
  }
  const auto again = now + std::clamp(answer.ttl, record_ttl_min, record_ttl_max);
  const bool same = kept && kept->policy && kept->policy->policy->id == *id;
  if (same && !under_way[domain].forced) {
    known.keep(domain, now, again, {});
    return end(domain);
  }
  if (fetching >= with.fetches_max) {
    GONETS_LOG(warning, "mta_sts_fetch_skipped", "domain", domain, "reason", "too many fetches under way");
    return end(domain);
  }
  fetch(domain, std::move(*id), again);
}

void source::state::fetch(const std::string& domain, std::string id, wall_time again) {
  runtime::http_request request;
  const auto port = with.port == 443 ? std::string() : fmt::format(":{}", with.port);
  request.url = fmt::format("https://mta-sts.{}{}/.well-known/mta-sts.txt", domain, port);
  runtime::http_limits limits;
  limits.timeout = with.fetch_timeout;
  limits.body_bytes_max = tls_policy::sts_policy_bytes_max;
  ++fetching;
  http.send(std::move(request), limits, [weak = weak_from_this(), domain, id = std::move(id), again](auto got) mutable {
    if (const auto self = weak.lock()) self->on_policy(domain, std::move(id), again, std::move(got));
  });
}

std::expected<tls_policy::sts_policy, source::state::trouble> source::state::judge(
    std::expected<runtime::http_answer, runtime::http_failure> got) {
  if (!got) return std::unexpected(trouble{result_of(got.error().what), std::move(got.error().text)});
  if (got->status != 200) {
    return std::unexpected(
        trouble{tls_result::sts_policy_fetch_error, fmt::format("the policy host answers {}", got->status)});
  }
  if (!is_plain_text(got->header("Content-Type"))) {
    return std::unexpected(trouble{tls_result::sts_policy_invalid, "the policy is not of type text/plain"});
  }
  auto policy = tls_policy::parse_sts_policy(got->body);
  if (!policy) return std::unexpected(trouble{tls_result::sts_policy_invalid, std::move(policy.error())});
  return std::move(*policy);
}

void source::state::on_policy(const std::string& domain, std::string id, wall_time again,
                              std::expected<runtime::http_answer, runtime::http_failure> got) {
  --fetching;
  auto policy = judge(std::move(got));
  if (!policy) {
    fail(domain, fetch_again, policy.error());
    return end(domain);
  }
  policy->id = std::move(id);
  fetched.add();
  const auto now = time.wall();
  const kept_policy fresh{domain, std::make_shared<const tls_policy::sts_policy>(std::move(*policy)), now};
  GONETS_LOG(info, "mta_sts_policy_fetched", "domain", domain, "id", fresh.policy->id, "mode",
             tls_policy::to_text(fresh.policy->mode));
  known.put(fresh, again);
  keep(fresh);
  end(domain);
}

void source::state::fail(const std::string& domain, std::chrono::seconds again, const trouble& why) {
  failed.add();
  const auto now = time.wall();
  known.keep(domain, now, now + again, why.text);
  const auto kept = known.look(domain, now);
  GONETS_LOG(warning, "mta_sts_fetch_failed", "domain", domain, "result", tls_policy::to_text(why.result), "error",
             why.text, "effect", kept && kept->policy ? "the policy that is known stays in force" : "no policy");
  delivery::tls_session_report report;
  report.recipient_domain = domain;
  report.policy = tls_policy::reported_policy::sts;
  report.result = why.result;
  report.detail = why.text;
  failures.observe(report);
}

void source::state::end(const std::string& domain) {
  const auto found = under_way.find(domain);
  if (found == under_way.end()) return;
  auto ended = std::move(found->second);
  under_way.erase(found);
  const auto kept = known.look(domain, time.wall());
  auto policy = kept && kept->policy ? kept->policy->policy : nullptr;
  if (policy && policy->mode == tls_policy::sts_mode::none) policy.reset();
  for (auto& done : ended.waiting)
    done(policy);
  for (auto& done : ended.told)
    done();
}

source::source(source_options with, cache& known, runtime::resolver& dns, runtime::http_client& http,
               delivery::tls_observer& failures, const clock& time, metrics::registry& counts, keeper keep)
    : state_(std::make_shared<state>(with, known, dns, http, failures, time, counts, std::move(keep))) {}

source::~source() = default;

void source::find(std::string_view domain, handler done) {
  if (!state_->with.enabled) return done(nullptr);
  auto answer = state_->known.find(domain, state_->time.wall());
  if (answer.what == cache::state::unknown) {
    state_->begin(domain).waiting.push_back(std::move(done));
    return;
  }
  if (answer.what == cache::state::due) state_->begin(domain);
  if (answer.policy && answer.policy->mode == tls_policy::sts_mode::none) answer.policy.reset();
  done(std::move(answer.policy));
}

void source::refresh(std::string_view domain, std::move_only_function<void()> done) {
  auto& l = state_->begin(domain);
  l.forced = true;
  l.told.push_back(std::move(done));
}

void source::reconfigure(source_options with) {
  state_->with = with;
}

}  // namespace gonets::mta_sts
