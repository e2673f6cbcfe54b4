// /v1/stats: the journal's counts.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "httpd/detail/members.h"
#include "httpd/detail/route.h"

namespace gonets::httpd::detail {
namespace {
namespace json = boost::json;
using journal::statistics_by;

constexpr std::uint64_t rows_usual = 100, rows_max = 1000;
constexpr std::chrono::milliseconds since_usual = std::chrono::days(7);
// Every recipient ends as one of these.
constexpr std::array<std::string_view, 6> ends{"delivered", "bounced",   "expired",
                                               "cancelled", "discarded", "suppressed"};

bool by_time(statistics_by by) {
  return by == statistics_by::hour || by == statistics_by::day;
}

std::uint64_t count_of(const journal::statistics_row& row, std::string_view kind) {
  const auto found = row.counts.find(std::string(kind));
  return found == row.counts.end() ? 0 : found->second;
}

// Left out where nothing ended that it could be a part of.
void add_rate(json::object& to, std::string_view name, std::uint64_t part, std::uint64_t of) {
  if (of != 0) to[name] = double(part) / double(of);
}

json::object row_object(const journal::statistics_row& row, statistics_by by) {
  json::object o{{"name", row.name}};
  if (by_time(by)) {
    std::int64_t ms = 0;
    std::from_chars(row.name.data(), row.name.data() + row.name.size(), ms);
    o["name"] = time_text(wall_time(std::chrono::milliseconds(ms)));
  }
  json::object counts;
  for (const auto& [kind, count] : row.counts)
    counts[kind] = count;
  o["counts"] = std::move(counts);
  std::uint64_t ended = 0;
  for (const auto kind : ends)
    ended += count_of(row, kind);
  json::object rates;
  for (const auto* kind : {"delivered", "bounced", "suppressed"})
    add_rate(rates, kind, count_of(row, kind), ended);
  add_rate(rates, "complained", count_of(row, "complained"), count_of(row, "delivered"));
  o["rates"] = std::move(rates);
  return o;
}

std::uint64_t total_of(const journal::statistics_row& row) {
  std::uint64_t all = 0;
  for (const auto& [kind, count] : row.counts)
    all += count;
  return all;
}

// By time the latest come first, by anything else those of which most is told.
void sort(journal::statistics& rows, statistics_by by) {
  std::ranges::sort(rows, [by](const auto& a, const auto& b) {
    if (by_time(by)) return a.name.size() != b.name.size() ? a.name.size() > b.name.size() : a.name > b.name;
    const auto of_a = total_of(a), of_b = total_of(b);
    return of_a != of_b ? of_a > of_b : a.name < b.name;
  });
}

void show(const call& c, on_response done) {
  statistics_search wanted;
  if (const auto word = parameter(c.query, "by"); !word.empty()) {
    const auto by = journal::parse_statistics_by(word);
    if (!by)
      return done(
          error_response(400, "invalid_value",
                         "\"by\" is one of hour, day, account, stream, provider, campaign, egress and category"));
    wanted.by = *by;
  }
  const auto since = age_parameter(c.query, "since"), until = age_parameter(c.query, "until");
  if (!since) return done(since.error());
  if (!until) return done(until.error());
  wanted.since = since->value_or(since_usual);
  wanted.until = until->value_or(std::chrono::milliseconds(0));
  const auto max = number_parameter(c.query, "max", rows_usual, 1, rows_max);
  if (!max) return done(max.error());
  wanted.account = parameter(c.query, "account");
  if (!c.as.account.empty()) {
    if (!wanted.account.empty() && wanted.account != c.as.account)
      return done(error_response(403, "forbidden", "this key sees the counts of its own account only"));
    wanted.account = c.as.account;
  }
  using answer = std::expected<statistics_answer, response>;
  const auto by = wanted.by;
  c.ask.operating().count_statistics(std::move(wanted), [by, max = *max, done = std::move(done)](answer got) mutable {
    if (!got) return done(std::move(got.error()));
    sort(got->rows, by);
    json::array rows;
    for (const auto& row : got->rows) {
      if (rows.size() == max) break;
      rows.push_back(row_object(row, by));
    }
    done(json_response(json::serialize(json::object{{"by", journal::to_text(by)},
                                                    {"since", time_text(got->since)},
                                                    {"until", time_text(got->until)},
                                                    {"rows", std::move(rows)},
                                                    {"rows_in_all", got->rows.size()}})));
  });
}

}  // namespace

std::vector<route> statistics_routes() {
  return {{"GET", "/v1/stats", show, {"by", "since", "until", "account", "max"}, {needs::read, true}}};
}

}  // namespace gonets::httpd::detail
