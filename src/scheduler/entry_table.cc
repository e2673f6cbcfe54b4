#include "scheduler/entry_table.h"

#include <array>

namespace gonets::scheduler {

std::string_view to_text(entry_state s) {
  static constexpr std::array<std::string_view, 8> names = {"free",    "resolving", "ready", "loading",
                                                            "sending", "deferred",  "held",  "paused"};
  return names[static_cast<std::size_t>(s)];
}

std::uint32_t name_table::add(std::string_view name) {
  if (const auto at = numbers_.find(name); at != numbers_.end()) {
    ++names_[at->second].users;
    return at->second;
  }
  std::uint32_t number;
  if (free_.empty()) {
    number = static_cast<std::uint32_t>(names_.size());
    names_.push_back({std::string(name), 1});
  } else {
    number = free_.back();
    free_.pop_back();
    names_[number] = {std::string(name), 1};
  }
  numbers_.emplace(names_[number].text, number);
  return number;
}

void name_table::release(std::uint32_t domain) {
  auto& d = names_[domain];
  if (--d.users > 0) return;
  numbers_.erase(std::string_view(d.text));
  d.text = {};
  free_.push_back(domain);
}

handle entry_table::add(entry e) {
  handle h;
  if (free_.empty()) {
    h = static_cast<handle>(entries_.size());
    entries_.push_back(std::move(e));
  } else {
    h = free_.back();
    free_.pop_back();
    entries_[h] = std::move(e);
  }
  auto& first = first_.try_emplace(entries_[h].id.value, no_handle).first->second;
  entries_[h].sibling = first;
  first = h;
  return h;
}

void entry_table::remove(handle h) {
  auto& e = entries_[h];
  const auto at = first_.find(e.id.value);
  if (at->second == h) {
    if (e.sibling == no_handle) {
      first_.erase(at);
    } else {
      at->second = e.sibling;
    }
  } else {
    handle before = at->second;
    while (entries_[before].sibling != h)
      before = entries_[before].sibling;
    entries_[before].sibling = e.sibling;
  }
  domains.release(e.domain);
  if (e.labels != no_labels) labels.release(e.labels);
  e = entry{};
  free_.push_back(h);
}

handle entry_table::find(message_id id) const {
  const auto at = first_.find(id.value);
  return at == first_.end() ? no_handle : at->second;
}

}  // namespace gonets::scheduler
