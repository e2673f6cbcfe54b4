// The words that the database, the API, the command line and people use for what model.h has as values. Pure.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/model.h"

namespace gonets::accounts {

using shaping::parse_quota_measure;
using shaping::parse_quota_window;
using shaping::to_text;

std::string_view to_text(account_state s);                       // "active", "paused", "closed"
std::string_view to_text(from_policy p);                         // "enforce", "warn", "off"
std::string_view to_text(credential_kind k);                     // "smtp", "api_key"
std::string_view to_text(key_state s);                           // "pending", "active", "retiring"
std::vector<std::string_view> scope_words(std::uint8_t scopes);  // "send", "read", "admin"

std::optional<account_state> parse_account_state(std::string_view word);
std::optional<from_policy> parse_from_policy(std::string_view word);
std::optional<credential_kind> parse_credential_kind(std::string_view word);
std::optional<key_state> parse_key_state(std::string_view word);
std::optional<std::uint8_t> parse_scope(std::string_view word);  // one bit

bool may_become(account_state from, account_state to);

// Of accounts, plans and streams: a-z 0-9 - _ ., 1 to 64 of them, the first a letter or digit.
bool valid_name(std::string_view name);
// Of credentials: printable ASCII without blanks, 1 to 128.
bool valid_login(std::string_view login);

// "1500 recipients/month", with "@bulk" behind it for a quota of one stream. Bytes take units: "10GiB bytes/day".
// What is counted may be left out when it is recipients.
std::string to_text(const quota& q);
std::optional<quota> parse_quota(std::string_view text);

}  // namespace gonets::accounts
