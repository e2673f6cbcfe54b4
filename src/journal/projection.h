// Events as rows of a day's file.
#pragma once
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "journal/place.h"
#include "journal/privacy.h"
#include "journal/terms.h"
#include "storage/sql.h"

namespace gonets::journal {

// What a client or a peer wrote, as the database takes it: with `?` where it is not UTF-8.
std::string storable(std::string_view text);

// How a day stands, which decides what is written where (docs/formats/journal.md).
struct day_shape {
  table_names names;
  bool apart = true;     // terms of recipients have a table of their own
  bool merging = false;  // and stand in the merged one, too
  bool moving = false;   // messages and recipients are in their tables or in those that they are moved to
  slots index;
  std::map<account_id, address_hash> hashed;
};
day_shape shape_of(storage::sql_session& in, table_names names, const privacy& wanted);
slots slots_of(storage::sql_session& in);  // of SQLite

std::int64_t state_of(storage::sql_session& in, const table_names& names, std::string_view name);
void set_state(storage::sql_session& in, const table_names& names, std::string_view name, std::int64_t value);

// One entry of the index.
struct term {
  unsigned slot = 0;
  std::int64_t number = 0;
  std::uint64_t message = 0;
  std::uint16_t index = 0;
  auto operator<=>(const term&) const = default;
};
void insert_terms(storage::sql_session& to, const std::string& table, std::vector<term>& all);  // and sorts them

void insert_merged(storage::sql_session& to, const std::string& table, const std::vector<term>& all);

class projection {
 public:
  explicit projection(const day_shape& of) : shape_(of) {}
  void add(const events::event& e);
  void write(storage::sql_session& to);

 private:
  void add_accepted(const events::event& e);
  void add_outcome(const events::event& e);
  void write_outcomes(storage::sql_session& to, const std::string& table) const;
  const address_hash* hash_of(account_id account) const;

  const day_shape& shape_;
  storage::sql_rows messages_, recipients_, outcomes_;
  std::vector<term> terms_, recipient_terms_;
  std::map<std::pair<message_id, recipient_index>, std::size_t> fresh_, changed_;  // in recipients_, in outcomes_
};

// Whether the file has it, by its time: a clock that was set back may have made it look so.
bool is_known(storage::sql_session& in, const day_shape& shape, const events::event& e);

// What the events of one day, in their order, make of it: those behind `known`. Up to `known_until` they may be known
// already by another log.
void apply_events(storage::sql_session& to, const day_shape& shape, std::span<const events::event* const> batch,
                  std::uint64_t known, event_seq known_until);

}  // namespace gonets::journal
