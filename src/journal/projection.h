// Events as rows of a day's file.
#pragma once
#include <map>
#include <vector>

#include "events/event.h"
#include "storage/sql.h"

namespace gonets::journal {

// What a client or a peer wrote, as the database takes it: with `?` where it is not UTF-8.
std::string storable(std::string_view text);

class projection {
 public:
  void add(const events::event& e);
  void write(storage::sql_session& to);

 private:
  using row = std::vector<storage::sql_value>;
  struct term {
    unsigned hour = 0;
    std::int64_t number = 0;
    std::uint64_t message = 0;
    std::uint16_t index = 0;
    auto operator<=>(const term&) const = default;
  };
  void add_accepted(const events::event& e);
  void add_outcome(const events::event& e);

  std::vector<row> messages_, recipients_, outcomes_;
  std::vector<term> terms_;
  std::map<std::pair<message_id, recipient_index>, std::size_t> fresh_;  // in recipients_
};

// Whether the file has it, by its time: a clock that was set back may have made it look so.
bool is_known(storage::sql_session& in, const events::event& e);

}  // namespace gonets::journal
