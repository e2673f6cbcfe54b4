// `gonets forecast`: when a mailing would be through, by what the server says of each destination now.
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <fstream>
#include <iostream>
#include <map>
#include <ostream>
#include <unordered_map>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "base/text.h"
#include "message/address.h"
#include "shaping/adaptive_rate.h"
#include "shaping/forecast.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

constexpr std::size_t domains_max = 1'000'000;
constexpr std::string_view others = "other domains";

struct mailing {
  std::unordered_map<std::string, std::uint64_t> domains;
  std::uint64_t recipients = 0, invalid = 0;
  std::uint64_t uncounted = 0;  // of domains beyond domains_max
};

mailing read_mailing(std::istream& from) {
  mailing m;
  std::string line;
  while (std::getline(from, line)) {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos) continue;
    const auto end = line.find_last_not_of(" \t\r");
    const auto address = std::string_view(line).substr(begin, end - begin + 1);
    if (!message::parse_address(address, true)) {
      ++m.invalid;
      continue;
    }
    ++m.recipients;
    auto domain = to_lower(message::domain_of(address));
    const auto at = m.domains.find(domain);
    if (at != m.domains.end()) {
      ++at->second;
    } else if (m.domains.size() < domains_max) {
      m.domains.emplace(std::move(domain), 1);
    } else {
      ++m.uncounted;
    }
  }
  return m;
}

std::vector<std::pair<std::string, std::uint64_t>> largest_first(const mailing& m) {
  std::vector<std::pair<std::string, std::uint64_t>> all(m.domains.begin(), m.domains.end());
  std::ranges::sort(
      all, [](const auto& a, const auto& b) { return std::tie(b.second, a.first) < std::tie(a.second, b.first); });
  return all;
}

// The destinations of a mailing: each site once, however many of its domains there are.
class destinations {
 public:
  explicit destinations(std::string stream) : stream_(std::move(stream)) {}

  void add(const json::object& site, std::uint64_t recipients, wall_time now) {
    const auto [at, is_new] = number_.try_emplace(std::string(text_of(site, "site")), sites.size());
    if (is_new) describe(site, now);
    sites[at->second].recipients += recipients;
  }

  // Many small sites: what is the same for all destinations bounds them, and nothing of their own.
  void add_others(std::uint64_t recipients) {
    if (recipients == 0) return;
    sites.push_back({});
    sites.back().recipients = recipients;
    sites.back().caps = everywhere_;
    providers.emplace_back(others);
  }

  std::vector<shaping::forecast_site> sites;
  std::vector<std::string> providers;  // of each site

 private:
  void describe(const json::object& site, wall_time now) {
    auto& s = sites.emplace_back();
    const auto provider = text_of(site, "provider");
    providers.emplace_back(provider.empty() ? text_of(site, "site") : provider);
    s.ahead = number_of(site, "waiting");
    const auto until = parse_time(text_of(site, "until"));
    if (text_of(site, "state") != "ready" && until && *until > now) {
      s.starts_in = double((*until - now).count()) / 1000;
      s.starts_why = fmt::format("the site is {}: {}", text_of(site, "state"), text_of(site, "reason"));
    }
    std::vector<shaping::rate_cap> everywhere;
    for (const auto& each : array_of(site, "limits")) {
      const auto& l = as_object(each);
      const auto window = static_cast<unsigned>(number_of(l, "window_s"));
      if (window == 0) continue;
      const auto level = text_of(l, "level");
      auto cap = shaping::cap_of(std::string(text_of(l, "what")), static_cast<std::uint32_t>(number_of(l, "used")),
                                 static_cast<std::uint32_t>(number_of(l, "max")), window);
      if (level == "server" || level == "account" || level == "stream" || level == "egress") everywhere.push_back(cap);
      s.caps.push_back(std::move(cap));
    }
    if (everywhere_.empty()) everywhere_ = std::move(everywhere);
    if (flag_of(site, "paced")) set_pace(s, site);
  }

  // One that is only starting doubles every few seconds while all is accepted: where there is a limit, that says more.
  void set_pace(shaping::forecast_site& s, const json::object& site) const {
    std::string_view phase = "starting";
    double rate = real_of(site, "start_rate");
    for (const auto& each : array_of(site, "streams")) {
      const auto& line = as_object(each);
      if (text_of(line, "name") != stream_) continue;
      phase = text_of(line, "phase");
      rate = real_of(line, "rate");
      if (phase == "starting" || phase == "recovering") rate = std::max(rate, real_of(line, "good_rate"));
    }
    if (phase == "starting" && !s.caps.empty()) return;
    s.pace = rate;
    s.pace_why = phase == "starting"
                     ? fmt::format("the pace that the site begins with, {}/s; it rises while all is accepted",
                                   shaping::rate_text(rate))
                     : fmt::format("the site's pace, {}/s ({})", shaping::rate_text(rate), phase);
  }

  std::string stream_;
  std::unordered_map<std::string, std::size_t> number_;  // by the site's name
  std::vector<shaping::rate_cap> everywhere_;
};

struct row {
  std::uint64_t recipients = 0, ahead = 0;
  std::size_t sites = 0;
  shaping::forecast_line last{0.0, {}};
};

std::map<std::string, row> rows_of(const destinations& to, const std::vector<shaping::forecast_line>& lines) {
  std::map<std::string, row> rows;
  std::map<std::string, std::vector<shaping::forecast_line>> by_provider;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    auto& r = rows[to.providers[i]];
    r.recipients += to.sites[i].recipients;
    r.ahead += to.sites[i].ahead;
    ++r.sites;
    by_provider[to.providers[i]].push_back(lines[i]);
  }
  for (auto& [name, r] : rows)
    r.last = shaping::end_of(by_provider[name])->line;
  return rows;
}

// "now", "40s", "3h 20m", "12d 4h"
std::string duration_text(const std::optional<double>& seconds) {
  if (!seconds) return "never";
  const auto s = static_cast<std::uint64_t>(std::llround(*seconds));
  if (s == 0) return "at once";
  if (s < 120) return fmt::format("{}s", s);
  if (s < 7200) return fmt::format("{}m", s / 60);
  if (s < 172'800) return fmt::format("{}h {}m", s / 3600, s / 60 % 60);
  return fmt::format("{}d {}h", s / 86'400, s / 3600 % 24);
}

// "at once", "in 40s"
std::string within_text(const std::optional<double>& seconds) {
  const auto text = duration_text(seconds);
  return text.front() >= '0' && text.front() <= '9' ? "in " + text : text;
}

wall_time after(wall_time now, double seconds) {
  return now + std::chrono::seconds(std::llround(seconds));
}

struct outlook {
  const mailing& of;
  const destinations& to;
  std::vector<shaping::forecast_line> lines;
  shaping::forecast_end end;
  std::optional<shaping::forecast_end> better;  // without what the last one waits for
  std::uint64_t unreachable = 0;
  std::vector<std::string> not_found;  // domains, with the reason
};

std::string advice_text(const outlook& o) {
  if (o.end.line.bound_by.empty())
    return "no limit is in the way: connections and their answers are all that bounds it";
  const auto gain =
      o.better ? fmt::format("without it, the mailing would be through {}{}", within_text(o.better->line.seconds),
                             o.better->line.bound_by.empty() ? "" : " (then: " + o.better->line.bound_by + ")")
               : std::string();
  return fmt::format("the last are those of {}, for {}; {}", o.to.providers[o.end.site], o.end.line.bound_by, gain);
}

void print_outlook(const outlook& o, const context& with) {
  table lines({{"PROVIDER", align::left, true},
               {"RECIPIENTS", align::right},
               {"AHEAD", align::right},
               {"THROUGH IN", align::right},
               {"FOR", align::left, true}});
  for (const auto& [name, r] : rows_of(o.to, o.lines)) {
    lines.add({name, std::to_string(r.recipients), std::to_string(r.ahead), duration_text(r.last.seconds),
               r.last.bound_by.empty() ? "no limit" : r.last.bound_by});
  }
  with.out << lines.render(with.screen);
  if (o.unreachable > 0) {
    with.out << fmt::format("Not counted: {} of domains that mail can't be sent to now:\n",
                            count(o.unreachable, "recipient"));
    for (const auto& each : o.not_found)
      with.out << "  " << printable(each) << '\n';
  }
  if (o.of.invalid > 0) with.out << fmt::format("Not counted: {} that are no address.\n", count(o.of.invalid, "line"));
  with.out << fmt::format("\n{} would be through {}", count(o.of.recipients - o.unreachable, "recipient"),
                          within_text(o.end.line.seconds));
  if (o.end.line.seconds) with.out << ", at " << full_time(after(with.now(), *o.end.line.seconds));
  with.out << ", if all are accepted at the first try.\n" << printable("Faster: " + advice_text(o)) << ".\n";
}

json::value seconds_json(const shaping::forecast_line& l) {
  return l.seconds ? json::value(std::llround(*l.seconds)) : json::value(nullptr);
}

void print_json(const outlook& o, const context& with) {
  json::array providers;
  for (const auto& [name, r] : rows_of(o.to, o.lines)) {
    providers.push_back(json::object{{"name", name},
                                     {"recipients", r.recipients},
                                     {"ahead", r.ahead},
                                     {"sites", r.sites},
                                     {"seconds", seconds_json(r.last)},
                                     {"bound_by", r.last.bound_by}});
  }
  json::object all{{"recipients", o.of.recipients},
                   {"invalid", o.of.invalid},
                   {"unreachable", o.unreachable},
                   {"providers", std::move(providers)},
                   {"seconds", seconds_json(o.end.line)},
                   {"bound_by", o.end.line.bound_by},
                   {"advice", advice_text(o)}};
  if (o.better) all["seconds_without_that"] = seconds_json(o.better->line);
  print_line(with, json::serialize(all));
}

}  // namespace

int forecast(const arguments& given, const context& with) {
  const auto& asked = given.forecast;
  std::ifstream file;
  if (asked.file != "-") {
    file.open(asked.file);
    if (!file) {
      with.err << "gonets: " << printable(asked.file) << " can't be read\n";
      return exit_negative;
    }
  }
  const auto m = read_mailing(asked.file == "-" ? std::cin : file);
  if (m.recipients == 0) {
    with.err << "gonets: there is no address in " << printable(asked.file) << '\n';
    return exit_negative;
  }
  destinations to(asked.stream);
  outlook o{m, to, {}, {}, {}, 0, {}};
  constexpr std::size_t told_max = 10;
  std::uint64_t rest = m.uncounted;
  unsigned looked_up = 0;
  for (const auto& [domain, recipients] : largest_first(m)) {
    if (looked_up++ >= asked.look_up) {
      rest += recipients;
      continue;
    }
    target place("/v1/sites/" + percent_encode(domain));
    const auto answer = with.ask("GET", place.with("stream", asked.stream).with("account", asked.account).text(), "");
    if (!answer) {
      explain(with, answer.error());
      return exit_negative;
    }
    boost::system::error_code error;
    const auto body = json::parse(answer->body, error);
    if (answer->status == 200 && !error) {
      to.add(as_object(body), recipients, with.now());
      continue;
    }
    const auto& refusal = object_of(as_object(body), "error");
    if (answer->status != 404 || text_of(refusal, "code") != "no_site") {
      with.err << "gonets: " << printable(text_of(refusal, "message")) << '\n';
      return exit_negative;
    }
    o.unreachable += recipients;
    if (o.not_found.size() < told_max)
      o.not_found.push_back(fmt::format("{}: {}", domain, text_of(refusal, "message")));
  }
  to.add_others(rest);
  if (to.sites.empty()) {
    with.err << "gonets: mail can be sent to none of the domains; the first: " << printable(o.not_found.front())
             << '\n';
    return exit_negative;
  }
  o.lines = shaping::forecast(to.sites);
  o.end = *shaping::end_of(o.lines);
  if (!o.end.line.bound_by.empty()) o.better = shaping::end_of(shaping::forecast(shaping::without(to.sites, o.end)));
  if (given.json) {
    print_json(o, with);
  } else {
    print_outlook(o, with);
  }
  return exit_fine;
}

}  // namespace gonets::app::cli
