#include "mta_sts/policy_table.h"

#include <fmt/ranges.h>

#include "tls_policy/mta_sts.h"

namespace gonets::mta_sts {

using storage::sql_result;
using storage::sql_session;

storage::sql_result<void> policy_table::save(const kept_policy& kept) {
  return in_.write([&](sql_session& s) -> sql_result<void> {
    s.change(
        "INSERT INTO sts_policies (domain, id, fetched, expires, lines) VALUES (:domain, :id, :fetched, :expires, "
        ":lines)"
        " ON CONFLICT (domain) DO UPDATE SET id = excluded.id, fetched = excluded.fetched, expires = excluded.expires,"
        " lines = excluded.lines",
        {kept.domain, kept.policy->id, kept.fetched.time_since_epoch().count(),
         kept.expires().time_since_epoch().count(), fmt::format("{}", fmt::join(kept.policy->lines, "\n"))});
    return {};
  });
}

storage::sql_result<std::vector<kept_policy>> policy_table::load(wall_time now) {
  return in_.write([&](sql_session& s) -> sql_result<std::vector<kept_policy>> {
    s.change("DELETE FROM sts_policies WHERE expires <= :now", {now.time_since_epoch().count()});
    std::vector<kept_policy> all;
    for (const auto& row : s.rows("SELECT domain, id, fetched, lines FROM sts_policies")) {
      auto policy = tls_policy::parse_sts_policy(row.text(3));
      if (!policy) continue;  // not written by us
      policy->id = row.text(1);
      all.push_back({row.text(0), std::make_shared<const tls_policy::sts_policy>(std::move(*policy)),
                     wall_time(std::chrono::milliseconds(row.integer(2)))});
    }
    return all;
  });
}

}  // namespace gonets::mta_sts
