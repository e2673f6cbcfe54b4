#include "journal/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "journal/projection.h"
#include "journal/search.h"
#include "message/labels.h"

namespace gonets::journal {
namespace {

using storage::sql_result;
using storage::sql_session;

constexpr std::size_t sql_rows_max = 4 * statistics_rows_max;  // of one file: each has several kinds

constexpr std::string_view other = "(other)";
constexpr std::array by_names{"minute",   "hour",     "day",    "account",  "stream",
                              "provider", "campaign", "egress", "category", "tag"};
constexpr std::int64_t minutes_an_hour = 60;

template <class Period>
std::int64_t period_at(wall_time at) {
  return std::chrono::floor<Period>(at).time_since_epoch().count();
}

std::string column_of(statistics_by by, bool of_minutes) {
  switch (by) {
    case statistics_by::minute:
      return "period * 60000";
    case statistics_by::hour:
      return of_minutes ? "period / 60 * 3600000" : "period * 3600000";
    case statistics_by::day:
      return of_minutes ? "period / 1440 * 86400000" : "period / 24 * 86400000";
    default:
      return std::string(to_text(by));
  }
}

// What the table has room for: other rows than it has get no new ones beside them when it is full.
class bounded_table {
 public:
  bounded_table(sql_session& in, std::string name, std::uint64_t rows_max)
      : in_(in), name_(std::move(name)), rows_max_(rows_max) {}

  void add(const tally::counts& fresh) {
    for (const auto& [k, count] : fresh)
      ++room_of(k).wanted;
    tally::counts to_write;
    for (const auto& [k, count] : fresh)
      to_write[has_room_for(k) ? k : folded(k)] += count;
    storage::sql_rows rows;
    for (const auto& [k, count] : to_write)
      rows.add(k.period, k.tag, k.account, k.stream, k.provider, k.campaign, k.egress, k.category, to_text(k.kind),
               count);
    in_.insert_each(name_, "period, tag, account, stream, provider, campaign, egress, category, kind, recipients",
                    fmt::format("ON CONFLICT (period, tag, account, stream, provider, campaign, egress, category, kind)"
                                " DO UPDATE SET recipients = {}.recipients + excluded.recipients",
                                name_),
                    rows);
  }

 private:
  struct room {
    std::uint64_t rows = 0, wanted = 0;
  };
  room& room_of(const tally::key& k) {
    const auto [at, fresh] = rooms_.try_emplace({k.period, !k.tag.empty()});
    if (fresh) {
      const auto found = in_.row(
          fmt::format("SELECT COUNT(*) FROM {} WHERE period = :period AND tag {} ''", name_, k.tag.empty() ? "=" : ">"),
          {k.period});
      at->second.rows = found ? static_cast<std::uint64_t>(found->integer(0)) : 0;
    }
    return at->second;
  }
  bool has_room_for(const tally::key& k) {
    auto& r = room_of(k);
    if (r.rows + r.wanted <= rows_max_ || k == folded(k)) return true;
    const auto there = in_.row(
        fmt::format("SELECT 1 FROM {} WHERE period = :period AND tag = :tag AND account = :account AND stream = :stream"
                    " AND provider = :provider AND campaign = :campaign AND egress = :egress AND category = :category"
                    " AND kind = :kind",
                    name_),
        {k.period, k.tag, k.account, k.stream, k.provider, k.campaign, k.egress, k.category,
         std::string(to_text(k.kind))});
    if (there) return true;
    return r.rows < rows_max_ && ++r.rows != 0;
  }
  static tally::key folded(tally::key k) {
    if (!k.tag.empty()) k.tag = other;
    if (!k.campaign.empty()) k.campaign = other;
    return k;
  }

  sql_session& in_;
  const std::string name_;
  const std::uint64_t rows_max_;
  std::map<std::pair<std::int64_t, bool>, room> rooms_;
};

void append(std::string& to, std::string_view field) {
  const auto size = static_cast<std::uint32_t>(field.size());
  to.append(reinterpret_cast<const char*>(&size), sizeof size);
  to += field;
}

template <std::integral T>
void append(std::string& to, T number) {
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

}  // namespace

void tally::add(const events::event& e) {
  if (e.recipients.empty() || e.repeated) return;
  const auto minute = period_at<std::chrono::minutes>(e.at);
  const auto campaign = message::campaign_of(e.labels);
  about_.clear();
  append(about_, minute);
  append(about_, e.account.value);
  append(about_, static_cast<std::uint8_t>(e.kind));
  append(about_, static_cast<std::uint8_t>(e.category ? static_cast<unsigned>(*e.category) + 1 : 0));
  append(about_, std::string_view(e.stream));
  append(about_, std::string_view(e.provider));
  append(about_, std::string_view(e.egress));
  append(about_, campaign);
  count(e, minute, campaign, {});
  const auto length = about_.size();
  for (const auto tag : message::tags_of(e.labels)) {
    about_.resize(length);
    about_ += tag;
    count(e, minute, campaign, tag);
  }
}

// Each event is looked up by its own bytes: that they become storable text is the work of the first of its kind.
void tally::count(const events::event& e, std::int64_t minute, std::string_view campaign, std::string_view tag) {
  const auto [at, fresh] = minutes_.try_emplace(about_);
  if (fresh)
    at->second.of = {.period = minute,
                     .tag = storable(tag),
                     .account = e.account.value,
                     .stream = storable(e.stream),
                     .provider = storable(e.provider),
                     .campaign = storable(campaign),
                     .egress = storable(e.egress),
                     .category = std::string(e.category ? bounce::to_text(*e.category) : ""),
                     .kind = e.kind};
  at->second.recipients += e.recipients.size();
}

void tally::write(sql_session& to, const table_names& names) const {
  counts minutes, hours;
  for (const auto& [text, each] : minutes_) {
    minutes[each.of] += each.recipients;
    auto of_hour = each.of;
    of_hour.period /= minutes_an_hour;
    hours[std::move(of_hour)] += each.recipients;
  }
  bounded_table(to, names("minutes"), max_.of_minute).add(minutes);
  bounded_table(to, names("hours"), max_.of_hour).add(hours);
}

std::string_view to_text(statistics_by by) {
  return by_names.at(static_cast<std::size_t>(by));
}

std::optional<statistics_by> parse_statistics_by(std::string_view text) {
  for (std::size_t i = 0; i < by_names.size(); ++i)
    if (by_names.at(i) == text) return static_cast<statistics_by>(i);
  return std::nullopt;
}

bool is_time(statistics_by by) {
  return by == statistics_by::minute || by == statistics_by::hour || by == statistics_by::day;
}

sql_result<std::optional<statistics>> reader::count(const statistics_query& wanted) {
  const auto asks_for = [&](statistics_by by) { return std::ranges::find(wanted.by, by) != wanted.by.end(); };
  const bool of_minutes = asks_for(statistics_by::minute);
  const std::string conditions =
      fmt::format("period >= :since AND period < :until AND tag {} ''{}", asks_for(statistics_by::tag) ? ">" : "=",
                  wanted.account ? " AND account = :account" : "");
  std::string columns, numbers;
  for (std::size_t i = 0; i < wanted.by.size(); ++i) {
    columns += column_of(wanted.by[i], of_minutes) + ", ";
    numbers += fmt::format("{}, ", i + 1);
  }
  const auto text = fmt::format(
      "SELECT {}kind, CAST(SUM(recipients) AS BIGINT) FROM {} WHERE {} GROUP BY {}{} LIMIT {}", columns,
      names_(of_minutes ? "minutes" : "hours"), conditions, numbers, wanted.by.size() + 1, sql_rows_max + 1);
  std::vector<storage::sql_value> bound;
  if (of_minutes) {
    bound = {period_at<std::chrono::minutes>(wanted.since),
             period_at<std::chrono::minutes>(wanted.until + std::chrono::minutes(1))};
  } else {
    bound = {period_at<std::chrono::hours>(wanted.since),
             period_at<std::chrono::hours>(wanted.until + std::chrono::hours(1))};
  }
  if (wanted.account) bound.emplace_back(wanted.account->value);
  std::map<std::vector<std::string>, statistics_row> all;
  for (const auto& each : parts()) {
    if (accepted_at_ms(each.from) >= wanted.until.time_since_epoch().count()) continue;
    const auto rows = rows_of(each, text, bound);
    if (!rows) return std::unexpected(rows.error());
    if (rows->size() > sql_rows_max) return std::nullopt;
    for (const auto& row : *rows) {
      std::vector<std::string> names;
      for (std::size_t i = 0; i < wanted.by.size(); ++i)
        names.push_back(row.text(i));
      auto& to = all[names];
      to.names = std::move(names);
      to.counts[row.text(wanted.by.size())] += static_cast<std::uint64_t>(row.integer(wanted.by.size() + 1));
    }
    if (all.size() > statistics_rows_max) return std::nullopt;
  }
  statistics found;
  for (auto& [names, row] : all)
    found.push_back(std::move(row));
  return found;
}

}  // namespace gonets::journal
