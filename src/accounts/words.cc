#include "accounts/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"

namespace gonets::accounts {
namespace {

template <class Value, std::size_t N>
using words = std::array<std::pair<Value, std::string_view>, N>;

constexpr words<account_state, 3> account_states{
    {{account_state::active, "active"}, {account_state::paused, "paused"}, {account_state::closed, "closed"}}};
constexpr words<from_policy, 3> policies{
    {{from_policy::enforce, "enforce"}, {from_policy::warn, "warn"}, {from_policy::off, "off"}}};
constexpr words<credential_kind, 2> kinds{{{credential_kind::smtp, "smtp"}, {credential_kind::api_key, "api_key"}}};
constexpr words<key_state, 3> key_states{
    {{key_state::pending, "pending"}, {key_state::active, "active"}, {key_state::retiring, "retiring"}}};
constexpr words<std::uint8_t, 3> scopes{
    {{std::uint8_t{scope_send}, "send"}, {std::uint8_t{scope_read}, "read"}, {std::uint8_t{scope_admin}, "admin"}}};

template <class Value, std::size_t N>
std::string_view word_of(const words<Value, N>& in, Value value) {
  for (const auto& [v, word] : in)
    if (v == value) return word;
  return "unknown";
}

template <class Value, std::size_t N>
std::optional<Value> value_of(const words<Value, N>& in, std::string_view text) {
  for (const auto& [v, word] : in)
    if (word == text) return v;
  return std::nullopt;
}

std::string_view trimmed(std::string_view text) {
  while (text.starts_with(' '))
    text.remove_prefix(1);
  while (text.ends_with(' '))
    text.remove_suffix(1);
  return text;
}

// "1500" or, for bytes, "10GiB"; and which of it was the number.
std::optional<std::uint64_t> parse_amount(std::string_view text, quota_measure measured) {
  const bool digits = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
  if (measured != quota_measure::bytes && !digits) return std::nullopt;
  return parse_bytes(text);
}

}  // namespace

std::string_view to_text(account_state s) {
  return word_of(account_states, s);
}
std::string_view to_text(from_policy p) {
  return word_of(policies, p);
}
std::string_view to_text(credential_kind k) {
  return word_of(kinds, k);
}
std::string_view to_text(key_state s) {
  return word_of(key_states, s);
}

std::vector<std::string_view> scope_words(std::uint8_t bits) {
  std::vector<std::string_view> all;
  for (const auto& [bit, word] : scopes)
    if ((bits & bit) != 0) all.push_back(word);
  return all;
}

std::optional<account_state> parse_account_state(std::string_view word) {
  return value_of(account_states, word);
}
std::optional<from_policy> parse_from_policy(std::string_view word) {
  return value_of(policies, word);
}
std::optional<credential_kind> parse_credential_kind(std::string_view word) {
  return value_of(kinds, word);
}
std::optional<key_state> parse_key_state(std::string_view word) {
  return value_of(key_states, word);
}
std::optional<std::uint8_t> parse_scope(std::string_view word) {
  return value_of(scopes, word);
}

bool may_become(account_state from, account_state to) {
  return from == to || from != account_state::closed || to == account_state::active;
}

bool valid_name(std::string_view name) {
  constexpr std::string_view first = "abcdefghijklmnopqrstuvwxyz0123456789";
  constexpr std::string_view legal = "abcdefghijklmnopqrstuvwxyz0123456789-_.";
  return !name.empty() && name.size() <= 64 && first.contains(name.front()) &&
         name.find_first_not_of(legal) == name.npos;
}

bool valid_login(std::string_view login) {
  return !login.empty() && login.size() <= 128 && std::ranges::all_of(login, [](char c) { return c > ' ' && c < 127; });
}

std::string to_text(const quota& q) {
  auto text = fmt::format("{} {}/{}", q.measure == quota_measure::bytes ? format_bytes(q.max) : std::to_string(q.max),
                          to_text(q.measure), to_text(q.window));
  if (!q.stream.empty()) text += "@" + q.stream;
  return text;
}

std::optional<quota> parse_quota(std::string_view text) {
  quota q;
  if (const auto at = text.find('@'); at != text.npos) {
    q.stream = trimmed(text.substr(at + 1));
    if (!valid_name(q.stream)) return std::nullopt;
    text = text.substr(0, at);
  }
  const auto slash = text.find('/');
  if (slash == text.npos) return std::nullopt;
  const auto window = parse_quota_window(trimmed(text.substr(slash + 1)));
  if (!window) return std::nullopt;
  q.window = *window;
  auto amount = trimmed(text.substr(0, slash));
  if (const auto blank = amount.rfind(' '); blank != amount.npos) {
    const auto measured = parse_quota_measure(amount.substr(blank + 1));
    if (!measured) return std::nullopt;
    q.measure = *measured;
    amount = trimmed(amount.substr(0, blank));
  }
  const auto max = parse_amount(amount, q.measure);
  if (!max) return std::nullopt;
  q.max = *max;
  return q;
}

}  // namespace gonets::accounts
