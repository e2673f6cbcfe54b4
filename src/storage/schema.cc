#include "storage/schema.h"

#include <array>

namespace gonets::storage {
namespace {

// Numbers are BIGINT, also truth values (0, 1) and times (Unix milliseconds, 0: never). Lists are kept as JSON.
// NOLINTBEGIN(bugprone-suspicious-missing-comma): one statement may take several lines
constexpr std::string_view accounts[] = {
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO counters (name, value) VALUES ('revision', 1), ('account', 0), ('credential', 0), ('domain', 0)",

    "CREATE TABLE sealed (name TEXT PRIMARY KEY, value TEXT NOT NULL)",

    "CREATE TABLE plans (name TEXT PRIMARY KEY, quotas TEXT NOT NULL)",
    R"(INSERT INTO plans (name, quotas) VALUES ('free', '[{"window":"month","measure":"recipients","max":1500}]'))",

    "CREATE TABLE accounts (id BIGINT PRIMARY KEY, name TEXT NOT NULL UNIQUE, state TEXT NOT NULL, policy TEXT NOT "
    "NULL,"
    " plan TEXT REFERENCES plans (name), quotas TEXT NOT NULL, month_is_final BIGINT NOT NULL,"
    " message_bytes_max BIGINT NOT NULL, recipients_max BIGINT NOT NULL, created BIGINT NOT NULL)",
    "INSERT INTO accounts (id, name, state, policy, plan, quotas, month_is_final, message_bytes_max, recipients_max,"
    " created) VALUES (0, 'default', 'active', 'off', NULL, '[]', 0, 0, 0, 0)",

    "CREATE TABLE credentials (id BIGINT PRIMARY KEY, account BIGINT NOT NULL REFERENCES accounts (id),"
    " kind TEXT NOT NULL, name TEXT NOT NULL, login TEXT NOT NULL UNIQUE, scopes BIGINT NOT NULL, networks TEXT NOT "
    "NULL,"
    " stream TEXT NOT NULL, secret_hash TEXT NOT NULL, scram_iterations BIGINT NOT NULL, scram_salt TEXT NOT NULL,"
    " scram_stored_key TEXT NOT NULL, scram_server_key TEXT NOT NULL, certificate_sha256 TEXT UNIQUE,"
    " created BIGINT NOT NULL, last_used BIGINT NOT NULL)",

    "CREATE TABLE domains (id BIGINT PRIMARY KEY, account BIGINT NOT NULL REFERENCES accounts (id), name TEXT NOT NULL,"
    " verified BIGINT NOT NULL, proof TEXT NOT NULL, return_path TEXT NOT NULL, tracking TEXT NOT NULL,"
    " created BIGINT NOT NULL, checked BIGINT NOT NULL, last_check TEXT NOT NULL, UNIQUE (account, name))",
    "CREATE UNIQUE INDEX domains_verified ON domains (name) WHERE verified = 1",

    "CREATE TABLE domain_keys (domain BIGINT NOT NULL REFERENCES domains (id) ON DELETE CASCADE, selector TEXT NOT "
    "NULL,"
    " state TEXT NOT NULL, private_key TEXT NOT NULL, created BIGINT NOT NULL, since BIGINT NOT NULL,"
    " PRIMARY KEY (domain, selector))",
};

// What a site takes is shared out by weight; an account's mail may leave by a way of its own.
constexpr std::string_view account_shares[] = {
    "ALTER TABLE accounts ADD COLUMN weight BIGINT NOT NULL DEFAULT 1",
    "ALTER TABLE accounts ADD COLUMN egress TEXT NOT NULL DEFAULT ''",
};

// The owner is an account; -1: the operator.
constexpr std::string_view webhooks[] = {
    "INSERT INTO counters (name, value) VALUES ('webhook', 0), ('webhook_revision', 1)",
    "CREATE TABLE webhooks (id BIGINT PRIMARY KEY, owner BIGINT NOT NULL, name TEXT NOT NULL, url TEXT NOT NULL,"
    " kinds TEXT NOT NULL, streams TEXT NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, secret TEXT NOT NULL,"
    " previous_secret TEXT NOT NULL, rotated BIGINT NOT NULL, created BIGINT NOT NULL, UNIQUE (owner, name))",
    "CREATE TABLE webhook_progress (webhook BIGINT NOT NULL REFERENCES webhooks (id), node BIGINT NOT NULL,"
    " cursor BIGINT NOT NULL, epoch BIGINT NOT NULL, failing_since BIGINT NOT NULL, PRIMARY KEY (webhook, node))",
};

// Who may send to suppressed addresses, and what suppresses them.
constexpr std::string_view account_suppression[] = {
    "ALTER TABLE accounts ADD COLUMN ignore_suppression BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE accounts ADD COLUMN suppression TEXT NOT NULL DEFAULT '{}'",
};

// What the journal may keep of an account's mail. Days; 0: addresses stay as they are.
constexpr std::string_view account_privacy[] = {
    "ALTER TABLE accounts ADD COLUMN journal_hash_after BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE accounts ADD COLUMN journal_subject BIGINT NOT NULL DEFAULT 0",
};

constexpr std::array steps{schema_step{accounts}, schema_step{account_shares}, schema_step{webhooks},
                           schema_step{account_suppression}, schema_step{account_privacy}};

// Of the server's own file tls.db: docs/formats/tls.md.
constexpr std::string_view tls[] = {
    "CREATE TABLE sts_policies (domain TEXT PRIMARY KEY, id TEXT NOT NULL, fetched BIGINT NOT NULL, expires BIGINT NOT"
    " NULL, lines TEXT NOT NULL)",

    "CREATE TABLE tls_policies (hash TEXT PRIMARY KEY, kind TEXT NOT NULL, lines TEXT NOT NULL, mx TEXT NOT NULL,"
    " last_day BIGINT NOT NULL)",
    "CREATE TABLE tls_results (day BIGINT NOT NULL, domain TEXT NOT NULL, policy TEXT NOT NULL, result TEXT NOT NULL,"
    " mx_host TEXT NOT NULL, sending_ip TEXT NOT NULL, receiving_ip TEXT NOT NULL, reason TEXT NOT NULL,"
    " sessions BIGINT NOT NULL, PRIMARY KEY (day, domain, policy, result, mx_host, sending_ip, receiving_ip, reason))",
    "CREATE TABLE tls_reports (day BIGINT NOT NULL, domain TEXT NOT NULL, state TEXT NOT NULL, due BIGINT NOT NULL,"
    " sent TEXT NOT NULL, attempts BIGINT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (day, domain))",
    "CREATE INDEX tls_reports_due ON tls_reports (state, due)",
};

// Of the server's own file holds.db: docs/formats/holds.md.
constexpr std::string_view holds[] = {
    "CREATE TABLE counters (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO counters (name, value) VALUES ('hold', 0)",
    "CREATE TABLE holds (id BIGINT PRIMARY KEY, account BIGINT, stream TEXT NOT NULL, domain TEXT NOT NULL,"
    " provider TEXT NOT NULL, reason TEXT NOT NULL, since BIGINT NOT NULL)",
};
constexpr std::string_view holds_by_label[] = {
    "ALTER TABLE holds ADD COLUMN campaign TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE holds ADD COLUMN tag TEXT NOT NULL DEFAULT ''",
};

// Of the server's own file reports.db: docs/formats/reports.md.
constexpr std::string_view reports[] = {
    "CREATE TABLE reports (id BIGINT PRIMARY KEY, kind TEXT NOT NULL, reporter TEXT NOT NULL, report TEXT NOT NULL,"
    " domain TEXT NOT NULL, began BIGINT NOT NULL, ended BIGINT NOT NULL, received BIGINT NOT NULL,"
    " row_count BIGINT NOT NULL, UNIQUE (kind, reporter, report, domain))",
    "CREATE INDEX reports_received ON reports (received)",
    "CREATE INDEX reports_domain ON reports (domain, kind, ended)",
    "CREATE TABLE dmarc_rows (report BIGINT NOT NULL, source TEXT NOT NULL, header_from TEXT NOT NULL,"
    " disposition TEXT NOT NULL, dkim TEXT NOT NULL, spf TEXT NOT NULL, messages BIGINT NOT NULL,"
    " PRIMARY KEY (report, source, header_from, disposition, dkim, spf)) WITHOUT ROWID",
    "CREATE TABLE tls_rows (report BIGINT NOT NULL, policy TEXT NOT NULL, result TEXT NOT NULL, mx_host TEXT NOT NULL,"
    " sending_ip TEXT NOT NULL, receiving_ip TEXT NOT NULL, reason TEXT NOT NULL, sessions BIGINT NOT NULL,"
    " PRIMARY KEY (report, policy, result, mx_host, sending_ip, receiving_ip, reason)) WITHOUT ROWID",
};

// Of a file of the journal, journal-YYYY-MM-DD.db: docs/formats/journal.md.
constexpr std::string_view journal_day[] = {
    "CREATE TABLE state (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO state (name, value) VALUES ('cursor', 0), ('log', 0)",
    "CREATE TABLE messages (id BIGINT PRIMARY KEY, account BIGINT NOT NULL, stream TEXT NOT NULL, sender TEXT NOT NULL,"
    " campaign TEXT NOT NULL, tags TEXT NOT NULL, header_message_id TEXT NOT NULL, accepted BIGINT NOT NULL,"
    " bytes BIGINT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE recipients (message BIGINT NOT NULL, idx BIGINT NOT NULL, address TEXT NOT NULL,"
    " provider TEXT NOT NULL, status TEXT NOT NULL, category TEXT NOT NULL, reply TEXT NOT NULL, at BIGINT NOT NULL,"
    " attempts BIGINT NOT NULL, PRIMARY KEY (message, idx)) WITHOUT ROWID",
    "CREATE TABLE terms (hour BIGINT NOT NULL, term BIGINT NOT NULL, message BIGINT NOT NULL, idx BIGINT NOT NULL,"
    " PRIMARY KEY (hour, term, message, idx)) WITHOUT ROWID",
    "CREATE TABLE statistics (hour BIGINT NOT NULL, account BIGINT NOT NULL, stream TEXT NOT NULL, provider TEXT NOT"
    " NULL, campaign TEXT NOT NULL, egress TEXT NOT NULL, category TEXT NOT NULL, kind TEXT NOT NULL,"
    " recipients BIGINT NOT NULL,"
    " PRIMARY KEY (hour, account, stream, provider, campaign, egress, category, kind)) WITHOUT ROWID",
};
// A file in which terms of recipients stand among the others already goes on so.
constexpr std::string_view journal_day_upkeep[] = {
    "INSERT INTO state (name, value) SELECT 'apart', CASE WHEN EXISTS (SELECT 1 FROM terms) THEN 0 ELSE 1 END",
    "INSERT INTO state (name, value) VALUES ('merge_bits', 0), ('merged', 0), ('moving', 0)",
    "CREATE TABLE recipient_terms (hour BIGINT NOT NULL, term BIGINT NOT NULL, message BIGINT NOT NULL,"
    " idx BIGINT NOT NULL, PRIMARY KEY (hour, term, message, idx)) WITHOUT ROWID",
    "CREATE TABLE merged_terms (term BIGINT NOT NULL, message BIGINT NOT NULL, idx BIGINT NOT NULL,"
    " PRIMARY KEY (term, message, idx)) WITHOUT ROWID",
    "CREATE TABLE hashed (account BIGINT PRIMARY KEY, progress BIGINT NOT NULL) WITHOUT ROWID",
    "ALTER TABLE messages ADD COLUMN subject TEXT NOT NULL DEFAULT ''",
    "CREATE TABLE moved_messages (id BIGINT PRIMARY KEY, account BIGINT NOT NULL, stream TEXT NOT NULL,"
    " sender TEXT NOT NULL, campaign TEXT NOT NULL, tags TEXT NOT NULL, header_message_id TEXT NOT NULL,"
    " accepted BIGINT NOT NULL, bytes BIGINT NOT NULL, subject TEXT NOT NULL DEFAULT '') WITHOUT ROWID",
    "CREATE TABLE moved_recipients (message BIGINT NOT NULL, idx BIGINT NOT NULL, address TEXT NOT NULL,"
    " provider TEXT NOT NULL, status TEXT NOT NULL, category TEXT NOT NULL, reply TEXT NOT NULL, at BIGINT NOT NULL,"
    " attempts BIGINT NOT NULL, PRIMARY KEY (message, idx)) WITHOUT ROWID",
    "CREATE TABLE hours (period BIGINT NOT NULL, tag TEXT NOT NULL, account BIGINT NOT NULL, stream TEXT NOT NULL,"
    " provider TEXT NOT NULL, campaign TEXT NOT NULL, egress TEXT NOT NULL, category TEXT NOT NULL, kind TEXT NOT NULL,"
    " recipients BIGINT NOT NULL,"
    " PRIMARY KEY (period, tag, account, stream, provider, campaign, egress, category, kind)) WITHOUT ROWID",
    "CREATE TABLE minutes (period BIGINT NOT NULL, tag TEXT NOT NULL, account BIGINT NOT NULL, stream TEXT NOT NULL,"
    " provider TEXT NOT NULL, campaign TEXT NOT NULL, egress TEXT NOT NULL, category TEXT NOT NULL, kind TEXT NOT NULL,"
    " recipients BIGINT NOT NULL,"
    " PRIMARY KEY (period, tag, account, stream, provider, campaign, egress, category, kind)) WITHOUT ROWID",
    "INSERT INTO hours (period, tag, account, stream, provider, campaign, egress, category, kind, recipients)"
    " SELECT hour, '', account, stream, provider, campaign, egress, category, kind, recipients FROM statistics",
    "DROP TABLE statistics",
};
// Terms by slots, of which an hour may have many.
constexpr std::string_view journal_day_slots[] = {
    "CREATE TABLE splits (first BIGINT PRIMARY KEY)",         "UPDATE terms SET hour = hour * 1024",
    "UPDATE recipient_terms SET hour = hour * 1024",          "ALTER TABLE terms RENAME COLUMN hour TO slot",
    "ALTER TABLE recipient_terms RENAME COLUMN hour TO slot",
};
// Of its file cursor.db.
constexpr std::string_view journal[] = {
    "CREATE TABLE state (name TEXT PRIMARY KEY, value BIGINT NOT NULL)",
    "INSERT INTO state (name, value) VALUES ('cursor', 0), ('missed', 0), ('log', 0), ('known_until', 0)",
};
// Each table but two has a partition a day, which is made when it is needed (journal/place.cc), with the keys that are
// not here.
constexpr std::string_view journal_shared[] = {
    "CREATE TABLE journal_nodes (node BIGINT NOT NULL, name TEXT NOT NULL, value BIGINT NOT NULL,"
    " PRIMARY KEY (node, name))",
    "CREATE TABLE journal_days (day BIGINT PRIMARY KEY)",
    "CREATE TABLE journal_messages (id BIGINT PRIMARY KEY, account BIGINT NOT NULL, stream TEXT NOT NULL,"
    " sender TEXT NOT NULL, campaign TEXT NOT NULL, tags TEXT NOT NULL, header_message_id TEXT NOT NULL,"
    " accepted BIGINT NOT NULL, bytes BIGINT NOT NULL, subject TEXT NOT NULL) PARTITION BY RANGE (id)",
    "CREATE TABLE journal_recipients (message BIGINT NOT NULL, idx BIGINT NOT NULL, address TEXT NOT NULL,"
    " provider TEXT NOT NULL, status TEXT NOT NULL, category TEXT NOT NULL, reply TEXT NOT NULL, at BIGINT NOT NULL,"
    " attempts BIGINT NOT NULL, PRIMARY KEY (message, idx)) PARTITION BY RANGE (message)",
    "CREATE TABLE journal_terms (hour BIGINT NOT NULL, term BIGINT NOT NULL, message BIGINT NOT NULL,"
    " idx BIGINT NOT NULL, PRIMARY KEY (term, message, idx)) PARTITION BY RANGE (message)",
    "CREATE TABLE journal_state (day BIGINT NOT NULL, name TEXT NOT NULL, value BIGINT NOT NULL) PARTITION BY LIST"
    " (day)",
    "CREATE TABLE journal_hashed (day BIGINT NOT NULL, account BIGINT NOT NULL, progress BIGINT NOT NULL) PARTITION BY"
    " LIST (day)",
    "CREATE TABLE journal_hours (day BIGINT NOT NULL, period BIGINT NOT NULL, tag TEXT NOT NULL, account BIGINT NOT"
    " NULL, stream TEXT NOT NULL, provider TEXT NOT NULL, campaign TEXT NOT NULL, egress TEXT NOT NULL,"
    " category TEXT NOT NULL, kind TEXT NOT NULL, recipients BIGINT NOT NULL) PARTITION BY LIST (day)",
    "CREATE TABLE journal_minutes (day BIGINT NOT NULL, period BIGINT NOT NULL, tag TEXT NOT NULL, account BIGINT NOT"
    " NULL, stream TEXT NOT NULL, provider TEXT NOT NULL, campaign TEXT NOT NULL, egress TEXT NOT NULL,"
    " category TEXT NOT NULL, kind TEXT NOT NULL, recipients BIGINT NOT NULL) PARTITION BY LIST (day)",
};
constexpr std::string_view journal_shared_slots[] = {"ALTER TABLE journal_terms RENAME COLUMN hour TO slot"};
// NOLINTEND(bugprone-suspicious-missing-comma)

constexpr std::array tls_steps{schema_step{tls}};
constexpr std::array holds_steps{schema_step{holds}, schema_step{holds_by_label}};
constexpr std::array reports_steps{schema_step{reports}};
constexpr std::array journal_day_steps{schema_step{journal_day}, schema_step{journal_day_upkeep},
                                       schema_step{journal_day_slots}};
constexpr std::array journal_steps{schema_step{journal}};
constexpr std::array journal_shared_steps{schema_step{journal_shared}, schema_step{journal_shared_slots}};

}  // namespace

std::span<const schema_step> schema_steps() {
  return steps;
}

std::span<const schema_step> tls_schema_steps() {
  return tls_steps;
}

std::span<const schema_step> holds_schema_steps() {
  return holds_steps;
}

std::span<const schema_step> reports_schema_steps() {
  return reports_steps;
}

std::span<const schema_step> journal_day_schema_steps() {
  return journal_day_steps;
}

std::span<const schema_step> journal_schema_steps() {
  return journal_steps;
}

std::span<const schema_step> journal_shared_schema_steps() {
  return journal_shared_steps;
}

}  // namespace gonets::storage
