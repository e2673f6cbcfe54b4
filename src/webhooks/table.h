// Webhooks in the accounts' database. Every call may block: for a pool of threads, never for a shard.
// docs/formats/accounts.md describes the tables.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "accounts/registry.h"
#include "accounts/sealing.h"
#include "storage/sql.h"
#include "webhooks/model.h"

namespace gonets::webhooks {

inline constexpr std::size_t webhooks_per_owner_max = 20;
inline constexpr std::size_t streams_max = 50;
inline constexpr std::size_t url_bytes_max = 2000;

// What stays as it is, is left out.
struct changes {
  std::optional<std::string> name, url;
  std::optional<std::vector<events::kind>> kinds;
  std::optional<std::vector<std::string>> streams;
};

struct kept_progress {
  webhook_id id;
  progress at;
};

class table {
 public:
  using refusal = accounts::refusal;
  template <class T>
  using outcome = accounts::outcome<T>;

  // `node`: whose progress is read and written.
  table(storage::sql_database& in, accounts::seal with, unsigned node) : in_(in), seal_(with), node_(node) {}

  storage::sql_result<rows> all();
  storage::sql_result<std::int64_t> revision();

  // `fresh` with name, url and filter; gets its id. A secret is made where there is none.
  outcome<webhook> add(webhook fresh, event_seq cursor);
  outcome<void> change(webhook_id id, const changes& to);
  outcome<void> remove(webhook_id id);
  outcome<void> set_state(webhook_id id, state to, const std::string& reason);
  // The present secret becomes the previous one; gives the new one.
  outcome<std::string> rotate(webhook_id id, wall_time now);
  outcome<void> move_cursor(webhook_id id, event_seq to);

  // Leaves alone what a command moved since: whose epoch is another.
  storage::sql_result<void> keep(std::span<const kept_progress> all);

 private:
  template <class T, class Work>
  outcome<T> change_in(Work work);
  std::string unsealed(std::uint32_t id, const std::string& text, std::string_view which);
  storage::sql_database& in_;
  accounts::seal seal_;
  unsigned node_;
};

}  // namespace gonets::webhooks
