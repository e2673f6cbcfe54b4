// What operators see of a scheduler, and what they can ask of it.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "scheduler/entry_table.h"
#include "shaping/limit_set.h"

namespace gonets::scheduler {

struct totals {  // paused counts as held
  std::uint64_t resolving = 0, ready = 0, sending = 0, deferred = 0, held = 0;
};

// Queued recipients by what they do.
struct queued_counts {
  std::uint64_t ready = 0, sending = 0, deferred = 0, held = 0;
  std::int64_t oldest_ms = 0;  // acceptance of the oldest, ms since the epoch; 0: none
  void add(const entry& e);
};

struct site_line : queued_counts {
  std::string site;  // of recipients without a site: the domain
  std::string state, reason;
  std::size_t connections = 0;
  std::int64_t next_attempt_ms = 0;  // 0: none planned
};

// All that is set must match. `recipients`: where the address itself must be compared, which the index does not have,
// the caller names the candidates.
struct selector {
  std::optional<message_id> id;
  std::string domain;
  std::optional<account_id> account;
  std::optional<entry_state> state;
  std::int64_t accepted_before_ms = 0;                       // 0: any
  std::vector<std::pair<message_id, recipient_index>> only;  // when not empty: these alone
};

struct entry_view {
  message_id id;
  recipient_index index;
  account_id account;
  entry_state state = entry_state::free;
  std::int64_t due_ms = 0;  // of the next attempt; 0: it waits for something else
  unsigned attempts = 0;
  std::string domain, site;
  std::string why_paused;
};

struct selection {
  std::vector<entry_view> rows;
  std::uint64_t matching = 0;
};

enum class action : std::uint8_t { retry, hold, release, remove };

struct explanation {
  entry_view entry;
  struct obstacle {
    std::string what, detail;
    std::int64_t until_ms = 0;
  };
  std::vector<obstacle> obstacles;
};

// How fast a site is sent to, and what bounds it. Times are the wall clock's, zero where there is none.
struct site_view {
  std::string site, provider, egress;
  std::string state, reason;  // of the site as a whole
  std::int64_t until_ms = 0;
  std::size_t waiting = 0, sending = 0, connections = 0, connections_max = 0;
  bool paced = false;
  double start_rate = 0;  // of a stream that is not below: where it would begin
  struct stream {
    std::string name;
    std::size_t waiting = 0;
    double rate = 0, good_rate = 0;  // messages a second
    unsigned connections = 0;
    std::string phase, slowed;  // "cruising"; what rule slows it down
    std::int64_t slowed_until_ms = 0;
  };
  std::vector<stream> streams;
  struct limit {
    std::string what;  // "10 messages a minute for provider google (rules: google)"
    std::uint32_t used = 0, max = 0;
    std::int64_t until_ms = 0;  // when it stands in the way
    bool blocks = false;
    shaping::limit_level level = shaping::limit_level::server;
    shaping::limit_kind kind = shaping::limit_kind::connections;
  };
  std::vector<limit> limits;
};

// Whose limits are looked at, besides those of the site: of the whole stream or account where they are named.
struct viewer {
  std::string stream;
  std::optional<account_id> account;
};

struct pin {
  std::string stream;                   // empty: all of them
  double rate = 0;                      // messages a second
  std::optional<unsigned> connections;  // absent: as many as now
};

}  // namespace gonets::scheduler
