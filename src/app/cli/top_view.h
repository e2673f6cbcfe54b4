// What `gonets top` shows: rates made of looks at the server's counts. Pure.
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <vector>

#include "app/cli/terminal.h"
#include "base/clock.h"

namespace gonets::app::cli {

enum class top_by : unsigned char { provider, site, account, egress };
std::string_view to_text(top_by by);
enum class top_sort : unsigned char { rate, queue, deferrals, oldest, name };
std::string_view to_text(top_sort by);

struct top_row {
  std::string name;
  double rate = 0;            // recipients delivered a second
  double attempts = 0;        // recipients tried a second
  double deferral_share = 0;  // of those
  std::uint64_t waiting = 0, sending = 0, retrying = 0, held = 0, connections = 0;
  wall_time oldest{};
  std::uint64_t queue() const { return waiting + sending + retrying + held; }
};

// Of the last looks; the rate is that of the last ten seconds.
class top_history {
 public:
  static constexpr std::chrono::seconds window{10};
  void add(const boost::json::object& answer);  // of GET /v1/flow
  void clear() { looks_.clear(); }

  std::size_t looks() const { return looks_.size(); }
  std::vector<top_row> rows(top_sort by) const;
  top_row total() const;
  std::uint64_t rows_in_all() const;

 private:
  struct counts {
    std::uint64_t delivered, deferred, failed;
  };
  struct look {
    wall_time at{};
    std::map<std::string, std::pair<counts, top_row>> rows;
    std::pair<counts, top_row> total;
    std::uint64_t rows_in_all = 0;
  };
  static std::pair<counts, top_row> read(const boost::json::object& o);
  static top_row with_rate(const std::pair<counts, top_row>& last, const std::pair<counts, top_row>* first,
                           double seconds);
  double seconds() const;
  std::deque<look> looks_;
};

struct top_state {
  top_by by = top_by::provider;
  top_sort sort = top_sort::rate;
  bool paused = false;
  std::string trouble;  // why there is nothing new
};

// At most `height` lines.
std::string render_top(const top_history& of, const top_state& state, const terminal& on, unsigned height,
                       wall_time now);
boost::json::object top_json(const top_history& of, const top_state& state);

}  // namespace gonets::app::cli
