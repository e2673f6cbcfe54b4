#include "events/log_search.h"

#include <algorithm>

#include "base/wire.h"
#include "events/detail/keys.h"

namespace gonets::events {
namespace {

using detail::key_of;
using storage::family;

struct place {
  std::uint64_t seq = 0;
  wall_time at{};
};

// The first event with this number or a higher one, as far as it can be read; nothing: there is none.
storage::result<std::optional<place>> first_from(const storage::store& store, std::uint64_t seq) {
  std::optional<place> found;
  auto scanned = store.scan(family::events, key_of(seq), "", [&](std::string_view key, std::string_view record) {
    const auto head = decode_head(record);
    if (head) found = place{wire::reader(key).be64(), head->at};
    return !found;
  });
  if (!scanned) return std::unexpected(scanned.error());
  return found;
}

// The lowest number in [low, high) whose event is of `since` or later; `high`: none is.
storage::result<std::uint64_t> halve(const storage::store& store, std::uint64_t low, std::uint64_t high,
                                     wall_time since) {
  while (low < high) {
    const auto middle = low + (high - low) / 2;
    const auto at = first_from(store, middle);
    if (!at) return std::unexpected(at.error());
    if (!*at || (*at)->at >= since) {
      high = middle;
    } else {
      low = (*at)->seq + 1;
    }
  }
  return low;
}

}  // namespace

storage::result<std::optional<extent>> extent_of(const storage::store& store, wall_time since) {
  const auto last_key = store.last_key(family::events);
  if (!last_key) return std::unexpected(last_key.error());
  const auto oldest = first_from(store, 0);
  if (!oldest) return std::unexpected(oldest.error());
  if (!*last_key || !*oldest) return std::nullopt;
  const auto last = wire::reader(**last_key).be64();
  const auto begin = halve(store, (*oldest)->seq, last + 1, since);
  if (!begin) return std::unexpected(begin.error());
  return extent{event_seq{(*oldest)->seq}, event_seq{*begin}, event_seq{last}};
}

storage::result<searched> search_log(const storage::store& store, wall_time since, std::uint64_t events_max,
                                     std::initializer_list<kind> kinds, const std::function<void(event)>& visit) {
  const auto known = extent_of(store, since);
  if (!known) return std::unexpected(known.error());
  if (!*known) return searched{};
  const auto last = (*known)->last.value;
  auto begin = (*known)->since.value;
  searched through;
  if (last + 1 - begin > events_max) {
    through.cut = true;
    begin = last + 1 - events_max;
  }
  const auto look = [&](std::string_view key, std::string_view record) {
    const auto head = decode_head(record);
    if (++through.events == 1 && head) through.from = head->at;
    if (!head || std::ranges::find(kinds, head->kind) == kinds.end()) return true;
    if (auto e = decode(event_seq{wire::reader(key).be64()}, record)) visit(std::move(*e));
    return true;
  };
  auto scanned = store.scan(family::events, key_of(begin), key_of(last + 1), look);
  if (!scanned) return std::unexpected(scanned.error());
  return through;
}

}  // namespace gonets::events
