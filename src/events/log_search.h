// Looks for events of some kinds since a time. Blocking: for the blocking pool.
#pragma once
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <optional>

#include "events/event.h"
#include "storage/store.h"

namespace gonets::events {

// What a search has looked through.
struct searched {
  wall_time from{};          // of the oldest event; zero: there was none
  std::uint64_t events = 0;  // of any kind
  bool cut = false;          // there are older ones since that time, beyond `events_max`
};

// Where the log stands: its oldest event, the first of `since` or later (one past the last: there is none), its last.
// Nothing: the log is empty. It has no index of times: as it is dense and in order, `since` is found by halving it. A
// clock that was set back moves that by as much.
struct extent {
  event_seq oldest, since, last;
};
storage::result<std::optional<extent>> extent_of(const storage::store& store, wall_time since);

// Visits, oldest first, the events of these kinds since `since`; of the log's last `events_max` events only.
storage::result<searched> search_log(const storage::store& store, wall_time since, std::uint64_t events_max,
                                     std::initializer_list<kind> kinds, const std::function<void(event)>& visit);

}  // namespace gonets::events
