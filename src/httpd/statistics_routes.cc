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

constexpr std::chrono::milliseconds since_usual = std::chrono::days(7);
// Every recipient ends as one of these.
constexpr std::array<std::string_view, 6> ends{"delivered", "bounced",   "expired",
                                               "cancelled", "discarded", "suppressed"};

std::uint64_t count_of(const journal::statistics_row& row, std::string_view kind) {
  const auto found = row.counts.find(std::string(kind));
  return found == row.counts.end() ? 0 : found->second;
}

// Left out where nothing ended that it could be a part of.
void add_rate(json::object& to, std::string_view name, std::uint64_t part, std::uint64_t of) {
  if (of != 0) to[name] = double(part) / double(of);
}

std::string name_text(const std::string& name, statistics_by by) {
  if (!journal::is_time(by)) return name;
  std::int64_t ms = 0;
  std::from_chars(name.data(), name.data() + name.size(), ms);
  return time_text(wall_time(std::chrono::milliseconds(ms)));
}

json::object row_object(const journal::statistics_row& row, const std::vector<statistics_by>& by) {
  json::object o{{"name", name_text(row.names.front(), by.front())}};
  if (by.size() > 1) {
    json::object group;
    for (std::size_t i = 1; i < by.size(); ++i)
      group[journal::to_text(by[i])] = name_text(row.names[i], by[i]);
    o["group"] = std::move(group);
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
  for (const auto* kind : {"complained", "opened", "clicked"})
    add_rate(rates, kind, count_of(row, kind), count_of(row, "delivered"));
  o["rates"] = std::move(rates);
  return o;
}

std::uint64_t total_of(const journal::statistics_row& row) {
  std::uint64_t all = 0;
  for (const auto& [kind, count] : row.counts)
    all += count;
  return all;
}

// By time the latest come first, and of one time, or by anything else, those of which most is told.
void sort(journal::statistics& rows, statistics_by by) {
  std::ranges::sort(rows, [by](const auto& a, const auto& b) {
    const auto &of = a.names.front(), &other = b.names.front();
    if (journal::is_time(by) && of != other) return of.size() != other.size() ? of.size() > other.size() : of > other;
    const auto of_a = total_of(a), of_b = total_of(b);
    return of_a != of_b ? of_a > of_b : a.names < b.names;
  });
}

response unknown_word(std::string_view parameter_name) {
  return error_response(400, "invalid_value",
                        fmt::format("\"{}\" is of minute, hour, day, account, stream, provider, campaign, egress, "
                                    "category and tag",
                                    parameter_name));
}

// What `by` says, and behind it what `group` says.
or_refusal<std::vector<statistics_by>> read_grouping(std::string_view by, std::string_view group) {
  std::vector<statistics_by> all{statistics_by::stream};
  if (!by.empty()) {
    const auto first = journal::parse_statistics_by(by);
    if (!first) return std::unexpected(unknown_word("by"));
    all.front() = *first;
  }
  while (!group.empty()) {
    const auto end = group.find(',');
    const auto next = journal::parse_statistics_by(group.substr(0, end));
    if (!next) return std::unexpected(unknown_word("group"));
    if (std::ranges::find(all, *next) != all.end())
      return std::unexpected(error_response(
          400, "invalid_value", fmt::format("\"{}\" is asked for twice in by and group", journal::to_text(*next))));
    all.push_back(*next);
    group.remove_prefix(end == group.npos ? group.size() : end + 1);
  }
  if (std::ranges::count_if(all, journal::is_time) > 1)
    return std::unexpected(error_response(400, "invalid_value", "one of minute, hour and day is enough"));
  return all;
}

void show_statistics(const call& c, on_response done) {
  statistics_search wanted;
  auto grouping = read_grouping(parameter(c.query, "by"), parameter(c.query, "group"));
  if (!grouping) return done(std::move(grouping.error()));
  wanted.by = *grouping;
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
  c.ask.operating().count_statistics(
      std::move(wanted), [by = std::move(*grouping), max = *max, done = std::move(done)](answer got) mutable {
        if (!got) return done(std::move(got.error()));
        sort(got->rows, by.front());
        json::array rows;
        for (const auto& row : got->rows) {
          if (rows.size() == max) break;
          rows.push_back(row_object(row, by));
        }
        json::array group;
        for (std::size_t i = 1; i < by.size(); ++i)
          group.emplace_back(journal::to_text(by[i]));
        done(object_response(json::object{{"by", journal::to_text(by.front())},
                                          {"group", std::move(group)},
                                          {"since", time_text(got->since)},
                                          {"until", time_text(got->until)},
                                          {"rows", std::move(rows)},
                                          {"rows_in_all", got->rows.size()}}));
      });
}

}  // namespace

std::vector<route> statistics_routes() {
  return {
      {"GET", "/v1/stats", show_statistics, {"by", "group", "since", "until", "account", "max"}, {needs::read, true}}};
}

}  // namespace gonets::httpd::detail
