// Reads the event log. Blocking: for the blocking pool.
#pragma once
#include <cstdint>
#include <vector>

#include "events/event.h"
#include "storage/store.h"

namespace gonets::events {

// Events after `after`, in order, at most `max`. The cursor of a reader is the last one's seq; it is the reader's to
// keep.
storage::result<std::vector<event>> read_after(const storage::store& store, event_seq after, std::size_t max);

// All that happened to a message, in order; recipients that an event names by number alone get their address.
storage::result<std::vector<event>> read_history(const storage::store& store, message_id id);

}  // namespace gonets::events
