#include "tls_reports/table.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <array>
#include <boost/json.hpp>

namespace gonets::tls_reports {
namespace {

using std::chrono::sys_days;
using storage::sql_result;
using storage::sql_row;
using storage::sql_session;

constexpr std::array<std::string_view, 4> state_names{"pending", "sent", "unwanted", "failed"};
constexpr std::string_view job_columns = "r.day, r.domain, r.state, r.due, r.sent, r.attempts, r.detail";

std::string to_json(const std::vector<std::string>& texts) {
  boost::json::array all;
  for (const auto& t : texts)
    all.emplace_back(t);
  return boost::json::serialize(all);
}

std::vector<std::string> from_json(const std::string& text) {
  boost::system::error_code error;
  const auto value = boost::json::parse(text, error);
  std::vector<std::string> all;
  if (error || !value.is_array()) return all;
  for (const auto& each : value.get_array()) {
    if (each.is_string()) all.emplace_back(each.get_string().c_str(), each.get_string().size());
  }
  return all;
}

std::int64_t number_of(sys_days day) {
  return day.time_since_epoch().count();
}

// Policies are long and repeat on every row and day: rows refer to them by this.
std::string hash_of(const policy_key& p) {
  const auto text = fmt::format("{}\n{}\n{}", tls_policy::to_text(p.kind), to_json(p.lines), to_json(p.mx_patterns));
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  EVP_Digest(text.data(), text.size(), digest.data(), &length, EVP_sha256(), nullptr);
  std::string hex;
  for (std::size_t i = 0; i < 16; ++i)
    hex += fmt::format("{:02x}", digest[i]);
  return hex;
}

// FNV-1a: the same on every server and after every restart, so that a report's hour does not move.
wall_time due_time(const policy_key& p) {
  std::uint64_t hash = 14695981039346656037u;
  for (const char c : p.domain)
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  const std::chrono::seconds span = spread_max - spread_min;
  const auto offset = std::chrono::seconds(hash % static_cast<std::uint64_t>(span.count()));
  return p.day + std::chrono::days(1) + spread_min + offset;
}

void add_policy(sql_session& s, const policy_key& p, const std::string& hash) {
  s.change(
      "INSERT INTO tls_policies (hash, kind, lines, mx, last_day) VALUES (:hash, :kind, :lines, :mx, :day)"
      " ON CONFLICT (hash) DO UPDATE SET last_day = excluded.last_day",
      {hash, tls_policy::to_text(p.kind), to_json(p.lines), to_json(p.mx_patterns), number_of(p.day)});
  s.change(
      "INSERT INTO tls_reports (day, domain, state, due, sent, attempts, detail)"
      " VALUES (:day, :domain, 'pending', :due, '[]', 0, '') ON CONFLICT (day, domain) DO NOTHING",
      {number_of(p.day), p.domain, due_time(p).time_since_epoch().count()});
}

report_job job_of(const sql_row& row) {
  report_job job;
  job.day = sys_days(std::chrono::days(row.integer(0)));
  job.domain = row.text(1);
  job.state = parse_report_state(row.text(2)).value_or(report_state::failed);
  job.due = wall_time(std::chrono::milliseconds(row.integer(3)));
  job.sent = from_json(row.text(4));
  job.attempts = static_cast<unsigned>(row.integer(5));
  job.detail = row.text(6);
  return job;
}

}  // namespace

std::string_view to_text(report_state s) {
  return state_names[static_cast<std::size_t>(s)];
}

std::optional<report_state> parse_report_state(std::string_view text) {
  for (std::size_t i = 0; i < state_names.size(); ++i) {
    if (state_names[i] == text) return static_cast<report_state>(i);
  }
  return std::nullopt;
}

sql_result<void> table::add(const tallies& counted) {
  return in_.write([&](sql_session& s) -> sql_result<void> {
    for (const auto& [policy, sessions] : counted) {
      const auto hash = hash_of(policy);
      add_policy(s, policy, hash);
      for (const auto& [key, count] : sessions) {
        s.change(
            "INSERT INTO tls_results (day, domain, policy, result, mx_host, sending_ip, receiving_ip, reason, sessions)"
            " VALUES (:day, :domain, :policy, :result, :mx_host, :sending_ip, :receiving_ip, :reason, :sessions)"
            " ON CONFLICT (day, domain, policy, result, mx_host, sending_ip, receiving_ip, reason)"
            " DO UPDATE SET sessions = tls_results.sessions + excluded.sessions",
            {number_of(policy.day), policy.domain, hash, tls_policy::to_text(key.result), key.mx_host, key.sending_ip,
             key.receiving_ip, key.reason, static_cast<std::int64_t>(count)});
      }
    }
    return {};
  });
}

sql_result<std::vector<report_job>> table::due(wall_time now, std::size_t max) {
  return in_.read([&](sql_session& s) -> sql_result<std::vector<report_job>> {
    std::vector<report_job> all;
    for (const auto& row : s.rows(fmt::format("SELECT {} FROM tls_reports r WHERE r.state = 'pending' AND r.due <= :now"
                                              " ORDER BY r.due LIMIT :max",
                                              job_columns),
                                  {now.time_since_epoch().count(), static_cast<std::int64_t>(max)})) {
      all.push_back(job_of(row));
    }
    return all;
  });
}

sql_result<std::vector<tls_policy::policy_results>> table::results(sys_days day, std::string_view domain) {
  using list = std::vector<tls_policy::policy_results>;
  return in_.read([&](sql_session& s) -> sql_result<list> {
    list all;
    std::string last;
    for (const auto& row :
         s.rows("SELECT r.policy, p.kind, p.lines, p.mx, r.result, r.mx_host, r.sending_ip, r.receiving_ip, r.reason,"
                " r.sessions FROM tls_results r JOIN tls_policies p ON p.hash = r.policy"
                " WHERE r.day = :day AND r.domain = :domain ORDER BY r.policy, r.result, r.mx_host, r.receiving_ip",
                {number_of(day), domain})) {
      if (all.empty() || row.text(0) != last) {
        last = row.text(0);
        auto& p = all.emplace_back();
        p.kind = tls_policy::parse_reported_policy(row.text(1)).value_or(tls_policy::reported_policy::no_policy_found);
        p.lines = from_json(row.text(2));
        p.mx_hosts = from_json(row.text(3));
      }
      const auto result =
          tls_policy::parse_tls_result(row.text(4)).value_or(tls_policy::tls_result::validation_failure);
      const auto sessions = static_cast<std::uint64_t>(row.integer(9));
      if (result == tls_policy::tls_result::success) {
        all.back().successes += sessions;
      } else {
        all.back().failures.push_back({result, row.text(6), row.text(5), row.text(7), row.text(8), sessions});
      }
    }
    return all;
  });
}

sql_result<void> table::update(const report_job& job) {
  return in_.write([&](sql_session& s) -> sql_result<void> {
    s.change(
        "UPDATE tls_reports SET state = :state, due = :due, sent = :sent, attempts = :attempts, detail = :detail"
        " WHERE day = :day AND domain = :domain",
        {to_text(job.state), job.due.time_since_epoch().count(), to_json(job.sent), job.attempts, job.detail,
         number_of(job.day), job.domain});
    return {};
  });
}

sql_result<std::uint64_t> table::hurry(sys_days day, std::string_view domain, wall_time now) {
  return in_.write([&](sql_session& s) -> sql_result<std::uint64_t> {
    const std::string all = "UPDATE tls_reports SET due = :now WHERE state = 'pending' AND day = :day";
    const auto ms = now.time_since_epoch().count();
    if (domain.empty()) return s.change(all, {ms, number_of(day)});
    return s.change(all + " AND domain = :domain", {ms, number_of(day), domain});
  });
}

sql_result<std::vector<report_row>> table::list(std::optional<sys_days> day, std::string_view domain, std::size_t max) {
  return in_.read([&](sql_session& s) -> sql_result<std::vector<report_row>> {
    const auto one_day = day ? number_of(*day) : -1;
    std::vector<report_row> all;
    for (const auto& row :
         s.rows(fmt::format("SELECT {}, CAST(SUM(CASE WHEN t.result = 'success' THEN t.sessions ELSE 0 END) AS BIGINT),"
                            " CAST(SUM(CASE WHEN t.result = 'success' THEN 0 ELSE t.sessions END) AS BIGINT)"
                            " FROM tls_reports r JOIN tls_results t ON t.day = r.day AND t.domain = r.domain"
                            " WHERE (:any_day < 0 OR r.day = :day) AND (:any_domain = '' OR r.domain = :domain)"
                            " GROUP BY {} ORDER BY r.day DESC, r.domain LIMIT :max",
                            job_columns, job_columns),
                {one_day, one_day, domain, domain, static_cast<std::int64_t>(max)})) {
      all.push_back(
          {job_of(row), static_cast<std::uint64_t>(row.integer(7)), static_cast<std::uint64_t>(row.integer(8))});
    }
    return all;
  });
}

sql_result<void> table::trim(wall_time now) {
  const auto before = number_of(std::chrono::floor<std::chrono::days>(now) - results_kept);
  return in_.write([&](sql_session& s) -> sql_result<void> {
    s.change("DELETE FROM tls_results WHERE day < :before", {before});
    s.change("DELETE FROM tls_reports WHERE day < :before", {before});
    s.change("DELETE FROM tls_policies WHERE last_day < :before", {before});
    return {};
  });
}

}  // namespace gonets::tls_reports
