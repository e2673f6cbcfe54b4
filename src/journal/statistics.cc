#include "journal/statistics.h"

#include <fmt/format.h>

#include <array>

#include "journal/projection.h"
#include "journal/search.h"
#include "message/labels.h"

namespace gonets::journal {
namespace {

using storage::sql_result;
using storage::sql_session;

constexpr std::string_view other = "(other)";
constexpr std::array by_names{"hour", "day", "account", "stream", "provider", "campaign", "egress", "category"};

std::int64_t hour_at(wall_time at) {
  return std::chrono::floor<std::chrono::hours>(at).time_since_epoch().count();
}

std::string_view grouped_by(statistics_by by) {
  switch (by) {
    case statistics_by::hour:
      return "hour * 3600000";
    case statistics_by::day:
      return "hour / 24 * 86400000";
    default:
      return to_text(by);
  }
}

}  // namespace

void tally::add(const events::event& e) {
  if (e.recipients.empty()) return;
  key k{.hour = hour_at(e.at),
        .account = e.account.value,
        .stream = storable(e.stream),
        .provider = storable(e.provider),
        .campaign = storable(message::campaign_of(e.labels)),
        .egress = storable(e.egress),
        .category = std::string(e.category ? bounce::to_text(*e.category) : ""),
        .kind = e.kind};
  counts_[std::move(k)] += e.recipients.size();
}

void tally::fold(sql_session& in) {
  std::map<std::int64_t, std::uint64_t> rows;
  for (const auto& [k, count] : counts_)
    if (!rows.contains(k.hour)) {
      const auto found = in.row("SELECT COUNT(*) FROM statistics WHERE hour = :hour", {k.hour});
      rows[k.hour] = found ? static_cast<std::uint64_t>(found->integer(0)) : 0;
    }
  std::map<std::int64_t, std::uint64_t> wanted;
  for (const auto& [k, count] : counts_)
    ++wanted[k.hour];
  for (auto at = counts_.begin(); at != counts_.end();) {
    const auto& k = at->first;
    if (rows[k.hour] + wanted[k.hour] <= rows_max_ || k.campaign.empty() || k.campaign == other) {
      ++at;
      continue;
    }
    const auto there = in.row(
        "SELECT 1 FROM statistics WHERE hour = :hour AND account = :account AND stream = :stream AND provider = "
        ":provider"
        " AND campaign = :campaign AND egress = :egress AND category = :category AND kind = :kind",
        {k.hour, k.account, k.stream, k.provider, k.campaign, k.egress, k.category, std::string(to_text(k.kind))});
    if (there || rows[k.hour] < rows_max_) {
      if (!there) ++rows[k.hour];
      ++at;
      continue;
    }
    auto folded = k;
    folded.campaign = other;
    const auto count = at->second;
    at = counts_.erase(at);
    counts_[std::move(folded)] += count;
  }
}

void tally::write(sql_session& to) {
  fold(to);
  std::vector<std::vector<storage::sql_value>> rows;
  rows.reserve(counts_.size());
  for (const auto& [k, count] : counts_)
    rows.push_back({k.hour, k.account, k.stream, k.provider, k.campaign, k.egress, k.category,
                    std::string(to_text(k.kind)), count});
  to.change_each(
      "INSERT INTO statistics (hour, account, stream, provider, campaign, egress, category, kind, recipients) VALUES"
      " (:hour, :account, :stream, :provider, :campaign, :egress, :category, :kind, :recipients)"
      " ON CONFLICT DO UPDATE SET recipients = recipients + excluded.recipients",
      rows);
}

std::string_view to_text(statistics_by by) {
  return by_names.at(static_cast<std::size_t>(by));
}

std::optional<statistics_by> parse_statistics_by(std::string_view text) {
  for (std::size_t i = 0; i < by_names.size(); ++i)
    if (by_names.at(i) == text) return static_cast<statistics_by>(i);
  return std::nullopt;
}

sql_result<statistics> reader::count(const statistics_query& wanted) {
  std::map<std::string, statistics_row> all;
  const auto text = fmt::format(
      "SELECT {}, kind, SUM(recipients) FROM statistics WHERE hour >= :since AND hour < :until{} GROUP BY 1, 2",
      grouped_by(wanted.by), wanted.account ? " AND account = :account" : "");
  std::vector<storage::sql_value> bound{hour_at(wanted.since), hour_at(wanted.until + std::chrono::hours(1))};
  if (wanted.account) bound.emplace_back(wanted.account->value);
  for (const auto& each : files()) {
    if (wall_time(each.file.day) >= wanted.until) continue;
    const auto rows = rows_of(each, text, bound);
    if (!rows) return std::unexpected(rows.error());
    for (const auto& row : *rows) {
      auto& to = all[row.text(0)];
      to.name = row.text(0);
      to.counts[row.text(1)] += static_cast<std::uint64_t>(row.integer(2));
    }
  }
  statistics found;
  for (auto& [name, row] : all)
    found.push_back(std::move(row));
  return found;
}

}  // namespace gonets::journal
