#include "scheduler/hold_table.h"

namespace gonets::scheduler {
namespace {

using storage::sql_result;
using storage::sql_session;
using storage::sql_value;

standing_hold hold_of(const storage::sql_row& row) {
  standing_hold h;
  h.id.value = static_cast<std::uint32_t>(row.integer(0));
  if (!row.null(1)) h.account = account_id{static_cast<std::uint32_t>(row.integer(1))};
  h.stream = row.text(2);
  h.domain = row.text(3);
  h.provider = row.text(4);
  h.reason = row.text(5);
  h.since = wall_time(std::chrono::milliseconds(row.integer(6)));
  h.campaign = row.text(7);
  h.tag = row.text(8);
  return h;
}

}  // namespace

sql_result<standing_holds> hold_table::all() {
  return in_.read([](sql_session& s) -> sql_result<standing_holds> {
    standing_holds found;
    for (const auto& row :
         s.rows("SELECT id, account, stream, domain, provider, reason, since, campaign, tag FROM holds"
                " ORDER BY id"))
      found.push_back(hold_of(row));
    return found;
  });
}

sql_result<standing_hold> hold_table::add(standing_hold h) {
  return in_.write([&](sql_session& s) -> sql_result<standing_hold> {
    s.change("UPDATE counters SET value = value + 1 WHERE name = 'hold'");
    const auto number = s.row("SELECT value FROM counters WHERE name = 'hold'");
    if (number) h.id.value = static_cast<std::uint32_t>(number->integer(0));
    s.change(
        "INSERT INTO holds (id, account, stream, domain, provider, reason, since, campaign, tag)"
        " VALUES (:id, :account, :stream, :domain, :provider, :reason, :since, :campaign, :tag)",
        {h.id.value, h.account ? sql_value(h.account->value) : sql_value(std::nullopt), h.stream, h.domain, h.provider,
         h.reason, h.since.time_since_epoch().count(), h.campaign, h.tag});
    return h;
  });
}

sql_result<bool> hold_table::remove(hold_id id) {
  return in_.write([&](sql_session& s) -> sql_result<bool> {
    return s.change("DELETE FROM holds WHERE id = :id", {id.value}) != 0;
  });
}

}  // namespace gonets::scheduler
