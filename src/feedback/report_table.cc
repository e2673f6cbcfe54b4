#include "feedback/report_table.h"

#include <fmt/format.h>

#include <map>
#include <optional>
#include <tuple>

namespace gonets::feedback {
namespace {

using storage::sql_result;
using storage::sql_session;
using storage::sql_value;

std::int64_t number_of(wall_time t) {
  return t.time_since_epoch().count();
}
wall_time time_of(std::int64_t ms) {
  return wall_time(std::chrono::milliseconds(ms));
}

void remove(sql_session& s, std::int64_t id) {
  s.change("DELETE FROM dmarc_rows WHERE report = :id", {id});
  s.change("DELETE FROM tls_rows WHERE report = :id", {id});
  s.change("DELETE FROM reports WHERE id = :id", {id});
}

// Makes room for as many rows; those of which we heard first go first.
void make_room(sql_session& s, std::uint64_t rows, std::uint64_t rows_max) {
  for (;;) {
    const auto total = s.row("SELECT CAST(COALESCE(SUM(row_count), 0) AS BIGINT) FROM reports");
    if (!total || static_cast<std::uint64_t>(total->integer(0)) + rows + report_rows <= rows_max) return;
    const auto oldest = s.row("SELECT id FROM reports ORDER BY received, id LIMIT 1");
    if (!oldest) return;
    remove(s, oldest->integer(0));
  }
}

struct report_key {
  std::string_view kind;
  const aggregate::report_head& head;
  std::string_view domain;
};

// Nothing: it is there already.
std::optional<std::int64_t> add_report(sql_session& s, const report_key& of, std::uint64_t rows, std::uint64_t rows_max,
                                       wall_time now) {
  const auto known = s.row(
      "SELECT id FROM reports WHERE kind = :kind AND reporter = :reporter AND report = :report AND domain = :domain",
      {of.kind, of.head.reporter, of.head.id, of.domain});
  if (known || s.failed()) return std::nullopt;
  make_room(s, rows, rows_max);
  const auto last = s.row("SELECT CAST(COALESCE(MAX(id), 0) AS BIGINT) FROM reports");
  const auto id = last ? last->integer(0) + 1 : 1;
  s.change(
      "INSERT INTO reports (id, kind, reporter, report, domain, began, ended, received, row_count)"
      " VALUES (:id, :kind, :reporter, :report, :domain, :began, :ended, :received, :row_count)",
      {id, of.kind, of.head.reporter, of.head.id, of.domain, number_of(of.head.begin), number_of(of.head.end),
       number_of(now), rows + report_rows});
  return id;
}

std::vector<reported_domain> domains_of(sql_session& s, const report_query& q) {
  std::vector<reported_domain> all;
  for (const auto& row :
       s.rows("SELECT r.domain, COUNT(DISTINCT r.id), CAST(SUM(d.messages) AS BIGINT) AS total,"
              " CAST(SUM(CASE WHEN d.dkim = 'pass' OR d.spf = 'pass' THEN d.messages ELSE 0 END) AS BIGINT)"
              " FROM reports r JOIN dmarc_rows d ON d.report = r.id"
              " WHERE (:any = '' OR r.domain = :domain) AND r.ended >= :since"
              " GROUP BY r.domain ORDER BY total DESC, r.domain LIMIT :max",
              {q.domain, q.domain, number_of(q.since), q.max})) {
    all.push_back({row.text(0), static_cast<std::uint64_t>(row.integer(1)), static_cast<std::uint64_t>(row.integer(2)),
                   static_cast<std::uint64_t>(row.integer(3))});
  }
  return all;
}

std::vector<reported_source> sources_of(sql_session& s, const report_query& q) {
  std::vector<reported_source> all;
  for (const auto& row : s.rows("SELECT r.domain, d.source, d.disposition, d.dkim, d.spf, r.reporter,"
                                " CAST(SUM(d.messages) AS BIGINT) AS total, MAX(r.ended)"
                                " FROM reports r JOIN dmarc_rows d ON d.report = r.id"
                                " WHERE (:any = '' OR r.domain = :domain) AND r.ended >= :since"
                                " GROUP BY r.domain, d.source, d.disposition, d.dkim, d.spf, r.reporter"
                                " ORDER BY total DESC, r.domain, d.source, r.reporter LIMIT :max",
                                {q.domain, q.domain, number_of(q.since), q.max})) {
    all.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5),
                   static_cast<std::uint64_t>(row.integer(6)), time_of(row.integer(7))});
  }
  return all;
}

std::vector<reported_sessions> sessions_of(sql_session& s, const report_query& q) {
  std::vector<reported_sessions> all;
  for (const auto& row : s.rows("SELECT r.domain, t.policy, t.result, t.mx_host, r.reporter,"
                                " CAST(SUM(t.sessions) AS BIGINT) AS total, MAX(r.ended)"
                                " FROM reports r JOIN tls_rows t ON t.report = r.id"
                                " WHERE (:any = '' OR r.domain = :domain) AND r.ended >= :since"
                                " GROUP BY r.domain, t.policy, t.result, t.mx_host, r.reporter"
                                " ORDER BY CASE WHEN t.result = 'success' THEN 1 ELSE 0 END, total DESC, r.domain,"
                                " t.policy, t.result, r.reporter LIMIT :max",
                                {q.domain, q.domain, number_of(q.since), q.max})) {
    all.push_back({row.text(0), row.text(1), row.text(2), row.text(3), row.text(4),
                   static_cast<std::uint64_t>(row.integer(5)), time_of(row.integer(6))});
  }
  return all;
}

}  // namespace

// Rows that differ in what is not kept become one.
sql_result<bool> report_table::keep(const aggregate::dmarc_report& r, wall_time now) {
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string>, std::uint64_t> rows;
  for (const auto& row : r.rows)
    rows[{row.source, row.header_from, row.disposition, row.dkim, row.spf}] += row.messages;
  return in_.write([&](sql_session& s) -> sql_result<bool> {
    const auto id = add_report(s, {"dmarc", r.head, r.domain}, rows.size(), with_.rows_max, now);
    if (!id) return false;
    storage::sql_rows values;
    for (const auto& [key, messages] : rows) {
      const auto& [source, header_from, disposition, dkim, spf] = key;
      values.add(*id, source, header_from, disposition, dkim, spf, messages);
    }
    s.change_each(
        "INSERT INTO dmarc_rows (report, source, header_from, disposition, dkim, spf, messages)"
        " VALUES (:report, :source, :header_from, :disposition, :dkim, :spf, :messages)",
        values);
    return true;
  });
}

sql_result<bool> report_table::keep(const aggregate::tls_report& r, std::string_view domain, wall_time now) {
  std::map<std::tuple<std::string, std::string, std::string, std::string, std::string, std::string>, std::uint64_t>
      rows;
  for (const auto& row : r.rows) {
    if (row.domain == domain)
      rows[{row.policy, row.result, row.mx_host, row.sending_ip, row.receiving_ip, row.reason}] += row.sessions;
  }
  return in_.write([&](sql_session& s) -> sql_result<bool> {
    const auto id = add_report(s, {"tls", r.head, domain}, rows.size(), with_.rows_max, now);
    if (!id) return false;
    storage::sql_rows values;
    for (const auto& [key, sessions] : rows) {
      const auto& [policy, result, mx_host, sending_ip, receiving_ip, reason] = key;
      values.add(*id, policy, result, mx_host, sending_ip, receiving_ip, reason, sessions);
    }
    s.change_each(
        "INSERT INTO tls_rows (report, policy, result, mx_host, sending_ip, receiving_ip, reason, sessions)"
        " VALUES (:report, :policy, :result, :mx_host, :sending_ip, :receiving_ip, :reason, :sessions)",
        values);
    return true;
  });
}

sql_result<report_summary> report_table::summary(const report_query& wanted) {
  return in_.read([&](sql_session& s) -> sql_result<report_summary> {
    return report_summary{domains_of(s, wanted), sources_of(s, wanted), sessions_of(s, wanted)};
  });
}

sql_result<std::uint64_t> report_table::trim(wall_time now) {
  const auto before = number_of(now - with_.kept);
  return in_.write([&](sql_session& s) -> sql_result<std::uint64_t> {
    for (const auto* table : {"dmarc_rows", "tls_rows"})
      s.change(fmt::format("DELETE FROM {} WHERE report IN (SELECT id FROM reports WHERE received < :before)", table),
               {before});
    return s.change("DELETE FROM reports WHERE received < :before", {before});
  });
}

}  // namespace gonets::feedback
