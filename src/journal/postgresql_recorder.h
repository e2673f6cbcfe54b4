// Writes events into a PostgreSQL. A batch is one transaction, with this server's cursor in it: all of it is there, or
// nothing. Blocking; for one thread.
#pragma once
#include <set>

#include "journal/place.h"
#include "journal/recorder.h"

namespace gonets::journal {

class postgresql_recorder final : public recorder {
 public:
  postgresql_recorder(place in, privacy wanted);
  storage::sql_result<event_seq> cursor() override;
  storage::sql_result<void> start_over(event_seq end) override;
  storage::sql_result<void> apply(std::span<const events::event> batch, event_seq cursor,
                                  std::uint64_t missed) override;
  storage::sql_result<bool> settle() override { return true; }  // each batch is
  std::size_t remove_before(std::chrono::sys_days day) override;

 private:
  std::int64_t state(storage::sql_session& s, std::string_view name) const;
  void set(storage::sql_session& s, std::string_view name, std::int64_t value) const;
  storage::sql_result<void> make_days(const std::set<std::chrono::sys_days>& wanted);

  const place in_;
  const privacy privacy_;
  storage::sql_database database_;
  std::int64_t log_ = 0;
  event_seq known_until_;
  std::set<std::chrono::sys_days> made_;
  std::chrono::sys_days oldest_{};  // days before it are gone
};

}  // namespace gonets::journal
