// The tables of the database, as the steps that lead to them. Only appended to: a step that a release has made is never
// changed. docs/formats/accounts.md describes the tables as they are after the last.
#pragma once
#include <span>
#include <string_view>

namespace gonets::storage {

struct schema_step {
  std::span<const std::string_view> statements;  // run in one transaction, with the new version
};

// Step n leads to version n + 1; an empty database has version 0.
std::span<const schema_step> schema_steps();
// Of the database of MTA-STS policies and TLS reports, which is each server's own: docs/formats/tls.md.
std::span<const schema_step> tls_schema_steps();
// Of the standing holds, each server's own, too: docs/formats/holds.md.
std::span<const schema_step> holds_schema_steps();
// Of the reports that others make of sender domains, each server's own: docs/formats/reports.md.
std::span<const schema_step> reports_schema_steps();
// Of the journal: a day's file, and what is said of all days. docs/formats/journal.md.
std::span<const schema_step> journal_day_schema_steps();
std::span<const schema_step> journal_schema_steps();
// Of a PostgreSQL that has the journals of one or more servers.
std::span<const schema_step> journal_shared_schema_steps();

}  // namespace gonets::storage
