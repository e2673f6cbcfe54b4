#include "scheduler/site_queue.h"

#include <algorithm>

#include "scheduler/detail/tuning.h"

namespace gonets::scheduler {

account_line* stream_line::turn(entry_table& entries) {
  while (const auto who = turns_.pick()) {
    auto& line = *places_.find(*who)->second;
    const auto before = line.hot.count();
    const auto first = line.hot.front(entries);
    hot_ -= before - line.hot.count();
    if (first != no_handle) return &line;
    turns_.remove(*who);
    want_reading(line);
    drop_if_empty(line);
  }
  return nullptr;
}

void stream_line::take(entry_table& entries, account_line& of, std::size_t max, std::vector<handle>& to) {
  const auto before = of.hot.count();
  auto h = of.hot.pop_front(entries);
  const auto id = h == no_handle ? message_id{} : entries[h].id;
  // Each recipient has a return path of its own, and so a transaction.
  if (h != no_handle && entries[h].hot && entries[h].hot->own_return_path) max = 1;
  std::uint32_t taken = 0;
  while (h != no_handle) {
    to.push_back(h);
    ++taken;
    const auto next = of.hot.front(entries);
    if (next == no_handle || entries[next].id != id || taken >= max) break;
    h = of.hot.pop_front(entries);
  }
  hot_ -= before - of.hot.count();
  turns_.charge(of.who, taken);
  want_reading(of);
  if (of.hot.empty()) turns_.remove(of.who);
  drop_if_empty(of);
}

void stream_line::push(entry_table& entries, handle h, std::uint32_t weight, bool front) {
  const auto& e = entries[h];
  auto& place = places_[e.account];
  if (!place) {
    place = std::make_unique<account_line>();
    place->who = e.account;
  }
  auto& line = *place;
  const bool hot = e.hot != nullptr;
  auto& queue = hot ? line.hot : line.cold;
  if (front) {
    queue.push_front(entries, h);
  } else {
    queue.push_back(entries, h);
  }
  ++(hot ? hot_ : cold_);
  if (hot && line.hot.count() == 1) turns_.add(line.who, weight);
  if (!hot) want_reading(line);
}

// Few accounts may have much read ahead, many but little each.
std::size_t stream_line::read_ahead() const {
  return std::max<std::size_t>(detail::read_ahead_least, detail::read_ahead / std::max<std::size_t>(1, places_.size()));
}

void stream_line::want_reading(account_line& line) {
  if (line.reading || line.cold.empty() || line.hot.count() >= read_ahead()) return;
  line.reading = true;
  to_read_.push_back(line.who);
}

void stream_line::next_to_read(entry_table& entries, std::size_t max, std::vector<handle>& to) {
  const auto share = read_ahead();
  for (auto left = to_read_.size(); left > 0 && to.size() < max; --left) {
    auto& line = *places_.find(to_read_.front())->second;
    to_read_.pop_front();
    line.reading = false;
    if (line.hot.count() >= share) continue;  // take() asks again
    const auto before = line.cold.count();
    for (std::size_t n = 0; n < share && to.size() < max; ++n) {
      const auto h = line.cold.pop_front(entries);
      if (h == no_handle) break;
      to.push_back(h);
    }
    cold_ -= before - line.cold.count();
    want_reading(line);
    drop_if_empty(line);
  }
}

void stream_line::drop_if_empty(account_line& line) {
  if (!line.hot.empty() || !line.cold.empty() || line.reading) return;
  turns_.remove(line.who);
  places_.erase(line.who);
}

void site_queue::push(entry_table& entries, handle h, unsigned priority, std::uint32_t weight, bool front) {
  const auto stream = entries[h].stream;
  auto* at = line(stream);
  if (at == nullptr) {
    const auto place = std::ranges::find_if(lines_, [&](const auto& l) { return l->priority() > priority; });
    at = lines_.insert(place, std::make_unique<stream_line>(stream, priority))->get();
  }
  at->push(entries, h, weight, front);
}

std::vector<handle> site_queue::next_to_read(entry_table& entries, std::size_t max) {
  std::vector<handle> next;
  for (const auto& l : lines_)
    l->next_to_read(entries, max, next);
  return next;
}

stream_line* site_queue::line(std::uint8_t stream) const {
  for (const auto& l : lines_) {
    if (l->stream() == stream) return l.get();
  }
  return nullptr;
}

void site_queue::rotate(const stream_line& after) {
  if (lines_.size() < 2) return;
  const auto at = std::ranges::find_if(lines_, [&](const auto& l) { return l.get() == &after; });
  const auto end = std::find_if(at, lines_.end(), [&](const auto& l) { return l->priority() != after.priority(); });
  std::rotate(at, at + 1, end);
}

std::size_t site_queue::hot_count() const {
  std::size_t n = 0;
  for (const auto& l : lines_)
    n += l->hot_count();
  return n;
}

std::size_t site_queue::cold_count() const {
  std::size_t n = 0;
  for (const auto& l : lines_)
    n += l->cold_count();
  return n;
}

bool site_queue::empty() const {
  return std::ranges::all_of(lines_, [](const auto& l) { return l->empty(); });
}

}  // namespace gonets::scheduler
