#include "feedback/report_keeper.h"

#include <array>
#include <set>

#include "base/log.h"
#include "domain_check/public_suffix.h"

namespace gonets::feedback {
namespace {

using namespace std::chrono_literals;
using outcome = report_keeper::outcome;

// Reports are of a day; who collects for a week has been seen. Older ones nobody is waiting for.
constexpr auto span_max = 8 * 24h;
constexpr auto age_max = 60 * 24h;
constexpr auto clock_differs = 48h;
constexpr std::size_t domains_max = 100;  // of one TLS report; those seen have one
constexpr std::string_view counted = "gonets_aggregate_reports_total";
constexpr std::string_view counted_help = "DMARC and TLS reports of others that came in.";

// The sender domains of all accounts, what lies in them, and the organization's domain above each, at which a record
// for it may stand (RFC 7489 6.6.3).
class covered_domains {
 public:
  explicit covered_domains(const accounts::directory& all) {
    for (const auto& d : all.all().domains) {
      names_.insert(d.name);
      organizations_.insert(domain_check::organizational_domain(d.name));
    }
  }

  bool has(std::string_view reported) const {
    if (organizations_.contains(reported)) return true;
    for (auto name = reported;; name.remove_prefix(name.find('.') + 1)) {
      if (names_.contains(name)) return true;
      if (name.find('.') == std::string_view::npos) return false;
    }
  }

 private:
  std::set<std::string, std::less<>> names_, organizations_;
};

}  // namespace

std::string_view to_text(outcome o) {
  static constexpr std::array<std::string_view, 6> names{"kept",       "known",     "of no domain of ours",
                                                         "unreadable", "no report", "the database can't be written"};
  return names[static_cast<std::size_t>(o)];
}

report_keeper::report_keeper(environment env)
    : env_(env),
      dmarc_(env.counts.make_counter(counted, counted_help, {{"kind", "dmarc"}})),
      tls_(env.counts.make_counter(counted, counted_help, {{"kind", "tls"}})),
      dropped_(env.counts.make_counter(counted, counted_help, {{"kind", "dropped"}})) {}

outcome report_keeper::take(std::string_view message, message_id came_as) {
  const auto read = aggregate::read_report_mail(message);
  if (!read) {
    if (!read.error().is_one) return outcome::no_report;
    dropped_.add();
    GONETS_LOG(warning, "report_not_read", "id", to_text(came_as), "reason", read.error().why);
    return outcome::unreadable;
  }
  return std::visit([&](const auto& r) { return keep(r, came_as); }, *read);
}

bool report_keeper::is_possible(const aggregate::report_head& of, message_id came_as) const {
  const auto now = env_.time.wall();
  if (of.begin <= of.end && of.end - of.begin <= span_max && of.end <= now + clock_differs && of.end >= now - age_max)
    return true;
  dropped_.add();
  GONETS_LOG(warning, "report_not_kept", "id", to_text(came_as), "reporter", of.reporter, "report", of.id, "reason",
             "its dates are wrong, or long past");
  return false;
}

outcome report_keeper::keep(const aggregate::dmarc_report& r, message_id came_as) {
  if (!is_possible(r.head, came_as)) return outcome::not_ours;
  if (!covered_domains(*env_.accounts.current()).has(r.domain)) {
    dropped_.add();
    GONETS_LOG(warning, "report_not_kept", "id", to_text(came_as), "reporter", r.head.reporter, "domain", r.domain,
               "reason", "no account has this sender domain");
    return outcome::not_ours;
  }
  const auto kept = env_.table.keep(r, env_.time.wall());
  if (!kept) {
    GONETS_LOG(error, "report_not_kept", "id", to_text(came_as), "error", kept.error().detail);
    return outcome::unavailable;
  }
  if (!*kept) return outcome::known;
  dmarc_.add();
  GONETS_LOG(info, "dmarc_report", "id", to_text(came_as), "domain", r.domain, "reporter", r.head.reporter, "report",
             r.head.id, "rows", r.rows.size());
  return outcome::kept;
}

outcome report_keeper::keep(const aggregate::tls_report& r, message_id came_as) {
  if (!is_possible(r.head, came_as)) return outcome::not_ours;
  std::set<std::string_view> domains;
  for (const auto& row : r.rows) {
    if (domains.size() < domains_max) domains.insert(row.domain);
  }
  const covered_domains ours(*env_.accounts.current());
  bool any = false, fresh = false;
  for (const auto domain : domains) {
    if (!ours.has(domain)) continue;
    any = true;
    const auto kept = env_.table.keep(r, domain, env_.time.wall());
    if (!kept) {
      GONETS_LOG(error, "report_not_kept", "id", to_text(came_as), "error", kept.error().detail);
      return outcome::unavailable;
    }
    fresh |= *kept;
  }
  if (!any) {
    dropped_.add();
    GONETS_LOG(warning, "report_not_kept", "id", to_text(came_as), "reporter", r.head.reporter, "domain",
               r.rows.front().domain, "reason", "no account has this sender domain");
    return outcome::not_ours;
  }
  if (!fresh) return outcome::known;
  tls_.add();
  GONETS_LOG(info, "tls_report", "id", to_text(came_as), "domain", r.rows.front().domain, "reporter", r.head.reporter,
             "report", r.head.id, "rows", r.rows.size());
  return outcome::kept;
}

}  // namespace gonets::feedback
