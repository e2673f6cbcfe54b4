// How accounts stand in their tables (docs/formats/accounts.md): reading all of them, and each kind of row.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/model.h"
#include "storage/sql.h"

namespace gonets::accounts::rows {

std::vector<account> read_accounts(storage::sql_session& s);
std::optional<account> read_account(storage::sql_session& s, std::string_view name);
void insert(storage::sql_session& s, const account& a);
void update(storage::sql_session& s, const account& a);

std::vector<plan> read_plans(storage::sql_session& s);

std::vector<credential> read_credentials(storage::sql_session& s);
void insert(storage::sql_session& s, const credential& c);

// Without keys.
std::vector<sender_domain> read_domains(storage::sql_session& s);
std::optional<sender_domain> read_domain(storage::sql_session& s, domain_id id);
void insert(storage::sql_session& s, const sender_domain& d);
void update(storage::sql_session& s, const sender_domain& d);

// The next number of a counter; numbers are never given out twice.
std::uint32_t next(storage::sql_session& s, std::string_view counter);

std::string quotas_text(const std::vector<quota>& all);  // JSON
std::vector<quota> parse_quotas(std::string_view json);  // what can't be read is left out

std::string suppression_text(const bounce::suppression_policy& p);    // JSON; the usual policy as an empty object
bounce::suppression_policy parse_suppression(std::string_view json);  // what can't be read is as usual

std::int64_t to_ms(wall_time t);
wall_time from_ms(std::int64_t ms);

}  // namespace gonets::accounts::rows
