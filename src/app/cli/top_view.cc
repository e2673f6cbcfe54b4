#include "app/cli/top_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

constexpr double much_deferred = 0.1, some_deferred = 0.02;

// "1.2M": what fits a column.
std::string short_count(std::uint64_t n) {
  if (n < 10'000) return std::to_string(n);
  if (n < 1'000'000) return fmt::format("{}k", n / 1000);
  return fmt::format("{:.1f}M", double(n) / 1e6);
}

std::string rate_cell(double a_second) {
  if (a_second == 0) return "-";
  return a_second < 10 ? fmt::format("{:.1f}", a_second) : fmt::format("{:.0f}", a_second);
}

std::string age_of(wall_time oldest, wall_time now) {
  if (oldest == wall_time{}) return "-";
  const auto s = std::max<std::int64_t>(0, std::chrono::duration_cast<std::chrono::seconds>(now - oldest).count());
  if (s < 120) return fmt::format("{}s", s);
  if (s < 7200) return fmt::format("{}m", s / 60);
  if (s < 172'800) return fmt::format("{}h", s / 3600);
  return fmt::format("{}d", s / 86'400);
}

cell share_cell(const top_row& r) {
  if (r.attempts == 0) return {"-"};
  const auto with = r.deferral_share >= much_deferred   ? colour::red
                    : r.deferral_share >= some_deferred ? colour::yellow
                                                        : colour::none;
  return {fmt::format("{:.1f}%", 100 * r.deferral_share), with};
}

std::vector<cell> cells_of(const top_row& r, std::string name, wall_time now) {
  return {std::move(name),        rate_cell(r.rate),          share_cell(r),
          short_count(r.waiting), short_count(r.sending),     short_count(r.retrying),
          short_count(r.held),    short_count(r.connections), age_of(r.oldest, now)};
}

json::object row_json(const top_row& r) {
  json::object o{{"rate", r.rate},       {"attempts", r.attempts},      {"deferral_share", r.deferral_share},
                 {"waiting", r.waiting}, {"sending", r.sending},        {"retrying", r.retrying},
                 {"held", r.held},       {"connections", r.connections}};
  if (r.oldest != wall_time{}) o["oldest"] = full_time(r.oldest);
  return o;
}

}  // namespace

std::string_view to_text(top_by by) {
  static constexpr std::array<std::string_view, 4> words = {"provider", "site", "account", "egress"};
  return words[static_cast<std::size_t>(by)];
}

std::string_view to_text(top_sort by) {
  static constexpr std::array<std::string_view, 5> words = {"rate", "queue", "deferrals", "oldest", "name"};
  return words[static_cast<std::size_t>(by)];
}

std::pair<top_history::counts, top_row> top_history::read(const json::object& o) {
  top_row r;
  r.waiting = number_of(o, "waiting");
  r.sending = number_of(o, "sending");
  r.retrying = number_of(o, "retrying");
  r.held = number_of(o, "held");
  r.connections = number_of(o, "connections");
  r.oldest = parse_time(text_of(o, "oldest")).value_or(wall_time{});
  return {{number_of(o, "delivered"), number_of(o, "deferred"), number_of(o, "failed")}, r};
}

void top_history::add(const json::object& answer) {
  look fresh;
  fresh.at = parse_time(text_of(answer, "at")).value_or(wall_time{});
  if (!looks_.empty() && fresh.at <= looks_.back().at) looks_.clear();  // the server's clock was set
  for (const auto& each : array_of(answer, "rows")) {
    const auto& o = as_object(each);
    auto row = read(o);
    row.second.name = std::string(text_of(o, "name"));
    auto name = row.second.name;
    fresh.rows.emplace(std::move(name), std::move(row));
  }
  fresh.total = read(object_of(answer, "total"));
  fresh.rows_in_all = number_of(answer, "rows_in_all");
  looks_.push_back(std::move(fresh));
  while (looks_.size() > 2 && looks_[1].at <= looks_.back().at - window)
    looks_.pop_front();
}

double top_history::seconds() const {
  return looks_.size() < 2 ? 0 : double((looks_.back().at - looks_.front().at).count()) / 1000;
}

// Counts that went back are of something that was forgotten meanwhile.
top_row top_history::with_rate(const std::pair<counts, top_row>& last, const std::pair<counts, top_row>* first,
                               double seconds) {
  top_row r = last.second;
  if (seconds <= 0) return r;
  const auto since = [&](std::uint64_t counts::*of) {
    const auto now = last.first.*of, then = first == nullptr ? 0 : first->first.*of;
    return double(now >= then ? now - then : now);
  };
  const auto delivered = since(&counts::delivered), deferred = since(&counts::deferred);
  const auto all = delivered + deferred + since(&counts::failed);
  r.rate = delivered / seconds;
  r.attempts = all / seconds;
  if (all > 0) r.deferral_share = deferred / all;
  return r;
}

std::vector<top_row> top_history::rows(top_sort by) const {
  std::vector<top_row> all;
  if (looks_.empty()) return all;
  for (const auto& [name, last] : looks_.back().rows) {
    const auto first = looks_.front().rows.find(name);
    all.push_back(with_rate(last, first == looks_.front().rows.end() ? nullptr : &first->second, seconds()));
  }
  std::ranges::stable_sort(all, [by](const top_row& a, const top_row& b) {
    switch (by) {
      case top_sort::rate:
        return std::pair(a.attempts, a.queue()) > std::pair(b.attempts, b.queue());
      case top_sort::queue:
        return a.queue() > b.queue();
      case top_sort::deferrals:
        return a.deferral_share > b.deferral_share;
      case top_sort::oldest:
        return (a.oldest == wall_time{} ? wall_time::max() : a.oldest) <
               (b.oldest == wall_time{} ? wall_time::max() : b.oldest);
      case top_sort::name:
        return false;  // as they are
    }
    return false;
  });
  return all;
}

top_row top_history::total() const {
  if (looks_.empty()) return {};
  return with_rate(looks_.back().total, &looks_.front().total, seconds());
}

std::uint64_t top_history::rows_in_all() const {
  return looks_.empty() ? 0 : looks_.back().rows_in_all;
}

std::string render_top(const top_history& of, const top_state& state, const terminal& on, unsigned height,
                       wall_time now) {
  const auto sum = of.total();
  std::string head = fmt::format("gonets  {}  by {}, sorted by {}{}", full_time(now), to_text(state.by),
                                 to_text(state.sort), state.paused ? "  PAUSED" : "");
  if (!state.trouble.empty()) head += "  " + state.trouble;
  std::string title(to_text(state.by));
  std::ranges::transform(title, title.begin(), [](char c) { return static_cast<char>(c - 'a' + 'A'); });
  table lines({{title, align::left, true},
               {"RATE/S", align::right},
               {"DEFERRED", align::right},
               {"WAITING", align::right},
               {"SENDING", align::right},
               {"RETRYING", align::right},
               {"HELD", align::right},
               {"CONN", align::right},
               {"OLDEST", align::right}});
  const auto rows = of.rows(state.sort);
  constexpr std::size_t around = 5;  // head, titles, total, what is left out, keys
  const auto room = height > around ? height - around : 1;
  for (std::size_t i = 0; i < rows.size() && i < room; ++i)
    lines.add(cells_of(rows[i], rows[i].name, now));
  lines.add(cells_of(sum, "all", now));
  std::string text = coloured(cut(printable(head), on.width), colour::bold, on) + "\n" + lines.render(on);
  if (const auto shown = std::min<std::size_t>(rows.size(), room); of.rows_in_all() > shown)
    text += coloured(cut(fmt::format("{} more", of.rows_in_all() - shown), on.width), colour::dim, on) + "\n";
  if (on.interactive) {
    text +=
        coloured(cut("1 provider  2 site  3 account  4 egress  s sort  p pause  q quit", on.width), colour::dim, on) +
        "\n";
  }
  return text;
}

json::object top_json(const top_history& of, const top_state& state) {
  json::array rows;
  for (const auto& r : of.rows(state.sort)) {
    auto o = row_json(r);
    o["name"] = r.name;
    rows.push_back(std::move(o));
  }
  return {{"by", to_text(state.by)},
          {"rows", std::move(rows)},
          {"rows_in_all", of.rows_in_all()},
          {"total", row_json(of.total())}};
}

}  // namespace gonets::app::cli
