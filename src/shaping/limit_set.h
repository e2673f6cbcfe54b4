// The limits that apply to one attempt, at all levels, of which the tightest wins. A limit_node has the limits and
// counters of one thing (a provider, an account at a provider); a limit_chain names the nodes that an attempt passes
// through. A chain is asked for all at once: it takes from every node or from none.
//
// A node is not safe to share between threads: it lives on one shard. One that spans shards (server, egress, provider,
// account) is asked for on its own shard, or each shard has a node with its part of the bound.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "shaping/concurrency_limit.h"
#include "shaping/rate_limit.h"

namespace gonets::shaping {

// From the widest to the narrowest; among limits that end together the first named stands in the way.
enum class limit_level : std::uint8_t {
  server,
  egress,
  provider,
  site,
  egress_provider,
  account,
  stream,
  account_provider,
  warm_up,  // of an egress at a provider
};
inline constexpr std::size_t limit_levels = 9;
std::string_view to_text(limit_level l);  // "egress x provider"

enum class limit_kind : std::uint8_t {
  connections,           // open at the same time
  connections_a_minute,  // newly opened
  messages_a_second,
  messages_a_minute,
  messages_an_hour,
  messages_a_day,
  in_flight,              // messages handed out and not settled
  messages_a_connection,  // the last two count nothing: see tightest()
  recipients_a_transaction,
  hold,       // nothing until a time
  unwritten,  // nothing until what is sent is on the disk
};
inline constexpr std::size_t limit_kinds = 11;
std::string_view to_text(limit_kind k);  // "messages a minute"
// In seconds, of those of messages in a time; zero: of others.
unsigned window_of(limit_kind k);

struct limit_setting {
  limit_kind what = limit_kind::connections;
  std::uint32_t max = 0;
  std::uint32_t burst = 0;  // as rate_bound's
  std::string source;       // "rules/providers.toml: google"
  bool operator==(const limit_setting&) const = default;
};

// One limit as it stands. The texts live as long as the node, and until it is configured anew.
struct limit_line {
  limit_level level = limit_level::server;
  std::string_view name;  // the node's: "google"
  limit_kind what = limit_kind::connections;
  std::uint32_t used = 0, max = 0;
  std::string_view source;
  bool blocks = false;
  std::optional<wall_time> until;  // when it blocks; nothing: until something ends, or for ever (max 0)
};
// "10 messages a minute for provider google (rules/providers.toml: google)"
std::string to_text(const limit_line& l);
using obstacle = limit_line;  // one that blocks

// What is asked for, and what it takes: connect: connections, connections_a_minute; send: in_flight, messages_*.
enum class limited_action : std::uint8_t { connect, send };

// What is not urgent leaves a little of each limit to what is: a twentieth of the messages of an hour or day, one
// message of a second or minute, one of four or more connections or messages in flight.
enum class urgency : std::uint8_t { urgent, ordinary };

// A node's limits of more than a second are to outlast a crash: before anything is sent, a state in which it has been
// sent is on the disk. So that this is not one write a message, the state is of `count` messages more than were sent,
// all of them at `until`; so many may be sent by then. What a crash leaves unused of them stays counted.
struct limit_reserve {
  limit_level level = limit_level::server;
  std::string name;   // the node's
  std::string state;  // limit_node::state() as it would be then
  std::uint32_t count = 0;
  wall_time until{};
};

// That a limit is in the way.
struct block {
  limit_level level = limit_level::server;
  std::optional<wall_time> until;  // nothing: until something ends, or for ever (max 0)
};

// Whether the counts of a node outlast a crash; then what is sent must be reserved first.
enum class keeping : std::uint8_t { in_memory, on_disk };

class limit_node {
 public:
  limit_node(limit_level level, std::string name, keeping how = keeping::in_memory)
      : level_(level), name_(std::move(name)), keeping_(how) {}

  // In place of all settings so far; of two for the same kind the tighter holds. Counters go on, also of limits that
  // are new: those of connections and in flight count from the start.
  void configure(const std::vector<limit_setting>& settings);
  // Lets nothing be sent, nor connected to, until then; the later of two holds.
  void hold(wall_time until, std::string why);
  void release() { hold_.reset(); }

  limit_level level() const { return level_; }
  const std::string& name() const { return name_; }
  const concurrency_limit& connections() const { return connections_; }
  std::uint32_t in_flight() const { return in_flight_; }

  // Of the limits of minutes, hours and days, to be kept over a restart; seconds are over by then.
  // docs/formats/limits.md
  std::string state() const;
  // After configure(): what is no limit here any more is left out. False: it can't be read, and nothing changed.
  bool restore(std::string_view state);

  // Whether one more may be sent as far as the disk is concerned.
  bool covered(wall_time now) const;
  // What must be written next; nothing while there is enough left of the last, or it is being written. Each is to be
  // written in the order of asking, and then told to reserved().
  std::optional<limit_reserve> reserve(wall_time now);
  void reserved(const limit_reserve& r);
  // The receiver says that the window is used up, whatever we counted: nothing more fits in until what was sent before
  // leaves it. False: there is no such limit here.
  bool exhaust(limit_kind window, wall_time now);

  // Nothing is used, so that nothing would be lost with it.
  bool at_rest(wall_time now) const;

 private:
  friend class limit_chain;
  struct rate {
    limit_kind what;
    std::uint16_t setting;
    rate_limit counter;
  };
  struct held {
    wall_time until;
    std::string why;
  };
  static constexpr std::uint16_t none = UINT16_MAX;

  bool outlasts() const;
  void spend(wall_time now);
  std::string state_of(const std::vector<rate>& rates) const;
  const limit_setting* setting(limit_kind k) const;
  limit_line line(limit_kind k, wall_time now, urgency how) const;
  limit_line rate_line(const rate& r, wall_time now, urgency how) const;
  static std::optional<wall_time> next_of(const rate& r, wall_time now, urgency how);
  limit_line line_of(const limit_setting& s, std::uint32_t used, std::uint32_t max) const;

  limit_level level_;
  std::string name_;
  keeping keeping_;
  std::uint32_t left_ = 0;              // of what is reserved on the disk...
  wall_time covered_until_{};           // ...until then
  std::optional<std::uint32_t> asked_;  // a reserve is being written; so many were sent since it was made
  std::vector<limit_setting> settings_;
  std::array<std::uint16_t, limit_kinds> index_ = no_index();  // into settings_
  std::vector<rate> rates_;
  concurrency_limit connections_{UINT32_MAX};
  std::uint32_t in_flight_ = 0;
  std::optional<held> hold_;

  static constexpr std::array<std::uint16_t, limit_kinds> no_index() {
    std::array<std::uint16_t, limit_kinds> all{};
    all.fill(none);
    return all;
  }
};

// The name under which a node's state is kept: "limit account acme".
std::string limit_key(limit_level level, std::string_view name);
// From what was kept of it. What can't be read is no reason to count from nothing: a node with such is held for as long
// as its longest window.
void restore(limit_node& node, std::string_view state, wall_time now);

class limit_chain {
 public:
  // Null: that level has no limits here. The nodes outlive the chain.
  limit_chain(std::initializer_list<limit_node*> nodes);
  void add(limit_node* node);

  // What stands in the way for longest: a time if there is one, else the first that waits for something to end.
  std::optional<obstacle> find_obstacle(limited_action action, wall_time now, urgency how = urgency::urgent) const;
  // Takes what `action` takes from every node, and gives nothing; or takes nothing, and gives the obstacle.
  // `who`: for whom connections are counted.
  std::optional<obstacle> admit(limited_action action, concurrency_limit::holder who, wall_time now,
                                urgency how = urgency::urgent);
  // The connection was closed; the message was settled.
  void end(limited_action action, concurrency_limit::holder who);
  // A message that was admitted at `then` was not sent after all; besides end().
  void take_back(wall_time then);

  // Every limit, in the order of the nodes, as admit() would judge it.
  std::vector<limit_line> explain(wall_time now, urgency how = urgency::urgent) const;
  // The least of messages_a_connection or recipients_a_transaction; nothing: there is no such limit.
  std::optional<limit_line> tightest(limit_kind k) const;

  std::span<limit_node* const> nodes() const { return {nodes_.data(), count_}; }

 private:
  std::array<limit_node*, limit_levels> nodes_{};
  std::size_t count_ = 0;
};

}  // namespace gonets::shaping
