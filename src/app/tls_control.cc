#include "app/tls_control.h"

#include "app/from_pool.h"
#include "config/routes.h"
#include "delivery/tlsa_lookup.h"
#include "runtime/dns_name.h"
#include "tls_policy/decision.h"
#include "tls_policy/mta_sts.h"

namespace gonets::app {
namespace {

std::string_view to_text(tls_policy::tlsa_finding f) {
  switch (f) {
    case tls_policy::tlsa_finding::none:
      return "none";
    case tls_policy::tlsa_finding::usable:
      return "usable";
    case tls_policy::tlsa_finding::unusable:
      return "unusable";
    case tls_policy::tlsa_finding::failed:
      return "failed";
  }
  return "?";
}

// One question about a domain's policy, on the shard that it was asked on. Kept by its callbacks.
class policy_question : public std::enable_shared_from_this<policy_question> {
 public:
  using handler = httpd::tls_control::done<httpd::tls_policy_answer>;

  policy_question(parts& all, std::string domain, handler done)
      : parts_(all), shard_(*all.by_shard[runtime::shards::current()]), done_(std::move(done)) {
    answer_.domain = std::move(domain);
  }

  void start(bool refresh) {
    const auto& route = config::match_route(shard_.with, answer_.domain);
    answer_.route = config::target_text(route);
    if (route.kind != config::route_kind::mx) return finish();
    answer_.level = tls_policy::to_text(config::tls_level_of(shard_.with, answer_.domain));
    if (!refresh || !shard_.with.delivery.mta_sts) return find_hosts();
    shard_.tls.sts->refresh(answer_.domain, [self = shared_from_this()] { self->find_hosts(); });
  }

 private:
  void find_hosts() {
    take_sts();
    shard_.mx->find_set(answer_.domain, [self = shared_from_this()](auto set) {
      if (!set) {
        self->answer_.trouble = set.error().answer.text;
        return self->finish();
      }
      self->answer_.mx_secure = (*set)->secure;
      self->shard_.mx->find_hosts(*set, [self](auto hosts) {
        if (hosts) return self->ask_tlsa(*hosts);
        self->answer_.trouble = hosts.error().answer.text;
        self->finish();
      });
    });
  }

  void take_sts() {
    auto& to = answer_.sts;
    if (!shard_.with.delivery.mta_sts) {
      to.state = "off";
      return;
    }
    const auto known = parts_.tls->policies().look(answer_.domain, parts_.time.wall());
    to.state = !known ? "unknown" : known->policy ? "in_force" : "none";
    if (!known) return;
    to.check_at = known->check_at;
    to.trouble = known->trouble;
    if (!known->policy) return;
    policy_ = known->policy->policy;
    to.mode = tls_policy::to_text(policy_->mode);
    to.id = policy_->id;
    to.mx = policy_->mx;
    to.max_age = policy_->max_age;
    to.fetched = known->policy->fetched;
    to.expires = known->policy->expires();
  }

  void ask_tlsa(const std::vector<delivery::mx_host>& hosts) {
    open_ = hosts.size() + 1;
    found_.resize(hosts.size());
    const bool dane = answer_.mx_secure && shard_.with.delivery.dane;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
      answer_.hosts.emplace_back().name = hosts[i].name;
      if (!dane) {
        answer_.hosts[i].tlsa = "not_looked_up";
        one_known();
        continue;
      }
      delivery::find_tlsa(*shard_.dns, hosts[i], shard_.with.delivery.port,
                          [self = shared_from_this(), i](tls_policy::host_tlsa found) {
                            auto& to = self->answer_.hosts[i];
                            to.tlsa = to_text(found.finding);
                            for (const auto& record : found.records)
                              to.records.push_back(tls_policy::to_text(record));
                            self->found_[i] = std::move(found);
                            self->one_known();
                          });
    }
    one_known();
  }

  void one_known() {
    if (--open_ == 0) judge();
  }

  void judge() {
    tls_policy::domain_facts facts;
    facts.configured = config::tls_level_of(shard_.with, answer_.domain);
    facts.mx_secure = answer_.mx_secure && shard_.with.delivery.dane;
    facts.sts = policy_.get();
    const auto demand = tls_policy::decide(facts);
    for (std::size_t i = 0; i < answer_.hosts.size(); ++i) {
      auto& host = answer_.hosts[i];
      const auto asked = tls_policy::decide_host(demand, found_[i]);
      host.policy = asked ? tls_policy::to_text(asked->governs) : "unusable";
      if (policy_ && policy_->mode != tls_policy::sts_mode::none) host.sts_allows = allows(*policy_, host.name);
    }
    finish();
  }

  void finish() {
    auto done = std::move(done_);
    done(std::move(answer_));
  }

  parts& parts_;
  shard_parts& shard_;
  handler done_;
  httpd::tls_policy_answer answer_;
  delivery::sts_policy_ptr policy_;
  std::vector<tls_policy::host_tlsa> found_;
  std::size_t open_ = 0;
};

httpd::tls_report_row row_of(const tls_reports::report_row& r) {
  return {r.job.domain, r.job.day,   std::string(tls_reports::to_text(r.job.state)), r.job.due, r.successes, r.failures,
          r.job.sent,   r.job.detail};
}

using listed = std::expected<std::vector<httpd::tls_report_row>, std::string>;

listed list(parts& all, std::optional<std::chrono::sys_days> day, const std::string& domain, std::size_t max) {
  all.tls->sender().keep_counts_now();
  auto rows = all.tls->reports().list(day, domain, max);
  if (!rows) return std::unexpected(rows.error().detail);
  std::vector<httpd::tls_report_row> shown;
  for (const auto& r : *rows)
    shown.push_back(row_of(r));
  return shown;
}

}  // namespace

void tls_control::tls_policy_of(std::string domain, bool refresh, done<httpd::tls_policy_answer> answer) {
  auto ascii = runtime::to_a_labels(domain);
  std::make_shared<policy_question>(parts_, ascii ? std::move(*ascii) : std::move(domain), std::move(answer))
      ->start(refresh);
}

void tls_control::tls_reports(std::optional<std::chrono::sys_days> day, std::size_t rows_max,
                              done<or_trouble<std::vector<httpd::tls_report_row>>> answer) {
  from_pool(parts_, std::move(answer), [this, day, rows_max] { return list(parts_, day, {}, rows_max); });
}

void tls_control::tls_report_of(std::string domain, std::chrono::sys_days day,
                                done<or_trouble<httpd::tls_report_answer>> answer) {
  from_pool(parts_, std::move(answer), [this, domain, day]() -> or_trouble<httpd::tls_report_answer> {
    auto rows = list(parts_, day, domain, 1);
    if (!rows) return std::unexpected(rows.error());
    httpd::tls_report_answer found{std::move(*rows), std::nullopt};
    if (found.days.empty()) return found;
    auto report = parts_.tls->sender().report_json(domain, day);
    if (!report) return std::unexpected(report.error().detail);
    found.report = std::move(*report);
    return found;
  });
}

void tls_control::send_tls_reports(std::string domain, std::chrono::sys_days day,
                                   done<or_trouble<std::optional<std::uint64_t>>> answer) {
  const auto asker = runtime::shards::current();
  parts_.shards.post(0, [this, asker, domain = std::move(domain), day, answer = std::move(answer)]() mutable {
    parts_.tls->sender().hurry(
        day, std::move(domain),
        [this, asker, answer = std::move(answer)](or_trouble<std::optional<std::uint64_t>> sending) mutable {
          parts_.shards.post(asker, [answer = std::move(answer), sending = std::move(sending)]() mutable {
            answer(std::move(sending));
          });
        });
  });
}

}  // namespace gonets::app
