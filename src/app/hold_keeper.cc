#include "app/hold_keeper.h"

#include <algorithm>
#include <stdexcept>

#include "base/log.h"

namespace gonets::app {

hold_keeper::hold_keeper(const std::string& spool_path, teller tell)
    : database_({.url = "sqlite:" + spool_path + "/holds.db", .schema = storage::holds_schema_steps()}),
      tell_(std::move(tell)) {}

void hold_keeper::open() {
  auto read = table_.all();
  if (!read) throw std::runtime_error("cannot read the standing holds in holds.db: " + read.error().detail);
  if (!read->empty()) GONETS_LOG(info, "holds_in_force", "holds", read->size());
  put_in_force(std::move(*read), false);
}

hold_keeper::holds_ptr hold_keeper::current() const {
  return current_.load();
}

void hold_keeper::put_in_force(scheduler::standing_holds all, bool wait) {
  const auto told = std::make_shared<const scheduler::standing_holds>(std::move(all));
  current_.store(told);
  tell_(told, wait);
}

storage::sql_result<scheduler::standing_hold> hold_keeper::add(scheduler::standing_hold h) {
  const std::lock_guard lock(changing_);
  auto added = table_.add(std::move(h));
  if (!added) return added;
  GONETS_LOG(info, "hold_added", "hold", added->id.value, "stream", added->stream, "domain", added->domain, "provider",
             added->provider, "reason", added->reason);
  auto all = *current();
  all.push_back(*added);
  put_in_force(std::move(all), true);
  return added;
}

storage::sql_result<std::optional<scheduler::standing_hold>> hold_keeper::release(scheduler::hold_id id) {
  const std::lock_guard lock(changing_);
  auto all = *current();
  const auto at = std::ranges::find(all, id, &scheduler::standing_hold::id);
  if (at == all.end()) return std::nullopt;
  const auto removed = table_.remove(id);
  if (!removed) return std::unexpected(removed.error());
  GONETS_LOG(info, "hold_released", "hold", id.value);
  auto released = *at;
  all.erase(at);
  put_in_force(std::move(all), true);
  return released;
}

}  // namespace gonets::app
