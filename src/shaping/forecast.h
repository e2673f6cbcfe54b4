// When a mailing would be through: arithmetic over what is known now of sites' paces and limits. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gonets::shaping {

// A limit of messages in a time. The same `what` is the same limit, shared by all sites that have it.
struct rate_cap {
  std::string what;          // "20000 messages an hour for provider google (limit[2])"
  double a_second = 0;       // 0: nothing may go
  std::uint64_t unused = 0;  // may go at once
  bool operator==(const rate_cap&) const = default;
};
// Of a limit of so many in so many seconds. What an hour or a day has left may go at once; shorter ones are spread
// evenly.
rate_cap cap_of(std::string what, std::uint32_t used, std::uint32_t max, unsigned window_s);

struct forecast_site {
  std::uint64_t recipients = 0;  // of the mailing
  std::uint64_t ahead = 0;       // that wait there already
  double starts_in = 0;          // seconds: it is held or suspended until then
  std::string starts_why;
  double pace = 0;  // messages a second; 0: it is not paced
  std::string pace_why;
  std::vector<rate_cap> caps;
};

struct forecast_line {
  std::optional<double> seconds;  // until its last one is sent; nothing: never, as it stands
  std::string bound_by;           // empty: nothing but connections
};

// One line for each site. Everything is taken to be sent at the first try, and mixed: what shares a limit ends
// together.
std::vector<forecast_line> forecast(const std::vector<forecast_site>& sites);

// The last of all; nothing where there is no site.
struct forecast_end {
  std::size_t site = 0;  // whose is last
  forecast_line line;
};
std::optional<forecast_end> end_of(const std::vector<forecast_line>& lines);

// As it would be without the one pace or limit that the last one waits for.
std::vector<forecast_site> without(std::vector<forecast_site> sites, const forecast_end& of);

}  // namespace gonets::shaping
