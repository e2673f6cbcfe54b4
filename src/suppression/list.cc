#include "suppression/list.h"

#include <algorithm>

#include "base/wire.h"

namespace gonets::suppression {
namespace {

using storage::family;

constexpr std::uint8_t version = 1;
constexpr std::string_view list_prefix = "list:";

// Of all scopes of an address; an empty one: of all addresses.
std::string prefix_of(account_id of, std::string_view normalised_address) {
  std::string key;
  wire::put_be32(key, of.value);
  if (!normalised_address.empty()) key.append(normalised_address).push_back('\0');
  return key;
}

std::string behind(std::string prefix) {
  while (!prefix.empty() && prefix.back() == '\xff')
    prefix.pop_back();
  if (!prefix.empty()) ++prefix.back();
  return prefix;
}

void put_time(std::string& to, wall_time t) {
  wire::put_varint(to, static_cast<std::uint64_t>(t.time_since_epoch().count()));
}
wall_time read_time(wire::reader& from) {
  return wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(from.varint())));
}

}  // namespace

std::string of_list(std::string_view list_id) {
  return std::string(list_prefix) += list_id;
}

std::string_view list_in(std::string_view scope) {
  return scope.starts_with(list_prefix) ? scope.substr(list_prefix.size()) : std::string_view();
}

std::string key_of(const entry& e) {
  return prefix_of(e.account, e.address) + e.scope;
}

void encode(const entry& e, std::string& to) {
  to.push_back(static_cast<char>(version));
  put_time(to, e.since);
  put_time(to, e.expires);
  wire::put_be64(to, e.source.value);
  wire::put_text(to, e.reason);
}

std::optional<entry> decode(std::string_view key, std::string_view value) {
  constexpr std::size_t account_bytes = 4;
  const auto end = key.find('\0', account_bytes);
  if (key.size() <= account_bytes || end == std::string_view::npos) return std::nullopt;
  entry e;
  e.account.value = wire::reader(key).be32();
  e.address = key.substr(account_bytes, end - account_bytes);
  e.scope = key.substr(end + 1);
  wire::reader from(value);
  if (from.byte() != version) return std::nullopt;
  e.since = read_time(from);
  e.expires = read_time(from);
  e.source.value = from.be64();
  e.reason = from.text();
  if (!from.ok() || !from.at_end()) return std::nullopt;
  return e;
}

storage::result<std::uint64_t> list::load(const storage::store& from) {
  std::uint64_t count = 0;
  auto scanned = from.scan(family::suppression, "", soft_prefix, [&](std::string_view key, std::string_view value) {
    if (const auto e = decode(key, value)) {
      seen_.add(e->account, e->address);
      ++count;
    }
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  loaded_.store(true, std::memory_order_release);
  return count;
}

void list::put(const std::vector<change>& changes, storage::batch& to) {
  for (const auto& c : changes) {
    for (const auto& spelling : spellings(c.what.address)) {
      if (c.remove || spelling != c.what.address)
        to.remove(family::suppression, prefix_of(c.what.account, spelling) + c.what.scope);
    }
    if (c.remove) continue;
    std::string value;
    encode(c.what, value);
    to.put(family::suppression, key_of(c.what), value);
    seen_.add(c.what.account, c.what.address);
  }
}

void list::put(const std::vector<soft_change>& changes, const storage::store& from, storage::batch& to) {
  for (const auto& c : changes) {
    if (!soft_.put(c, from, to)) continue;
    entry e{c.account, c.address, {}, std::string(softly), c.what.source, c.what.at, c.what.at + c.by.soft_lasts};
    const auto present = get(from, e.account, e.address, e.scope);
    // One that holds for longer says more.
    const bool outlasts =
        present && *present && ((*present)->expires == wall_time{} || (*present)->expires > e.expires);
    if (!outlasts) put({{std::move(e), false}}, to);
  }
}

storage::result<std::optional<entry>> find(const storage::store& in, account_id of, std::string_view address,
                                           const mail& what, wall_time now) {
  std::vector<std::string> keys;
  for (const auto& spelling : spellings(address)) {
    const auto prefix = prefix_of(of, spelling);
    keys.push_back(prefix);
    if (!what.stream.empty()) keys.push_back(prefix + std::string(what.stream));
    if (!what.list_id.empty()) keys.push_back(prefix + of_list(what.list_id));
  }
  auto values = in.get_all(family::suppression, keys);
  if (!values) return std::unexpected(values.error());
  std::optional<entry> found;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (!(*values)[i] || (found && found->scope.empty())) continue;
    auto e = decode(keys[i], *(*values)[i]);
    const bool applies = e && (e->expires == wall_time{} || e->expires > now);
    if (applies && (!found || e->scope.empty())) found = std::move(e);
  }
  return found;
}

storage::result<std::optional<entry>> get(const storage::store& in, account_id of, std::string_view address,
                                          std::string_view scope) {
  for (const auto& spelling : spellings(address)) {
    const auto key = prefix_of(of, spelling) + std::string(scope);
    auto value = in.get(family::suppression, key);
    if (!value) return std::unexpected(std::move(value.error()));
    if (*value) return decode(key, **value);
  }
  return std::nullopt;
}

storage::result<std::vector<entry>> read_address(const storage::store& in, account_id of, std::string_view address) {
  std::vector<entry> found;
  for (const auto& spelling : spellings(address)) {
    const auto from = prefix_of(of, spelling);
    auto scanned = in.scan(
        family::suppression, from, behind(from),
        [&](std::string_view key, std::string_view value) {
          if (auto e = decode(key, value)) found.push_back(std::move(*e));
          return true;
        },
        nullptr, storage::store::reach::few);
    if (!scanned) return std::unexpected(scanned.error());
  }
  return found;
}

bool filter::matches(const entry& e) const {
  return (reason.empty() || e.reason == reason) && (scope.empty() || e.scope == scope) && e.since >= since &&
         (text.empty() || e.address.find(text) != std::string::npos);
}

storage::result<page> read(const storage::store& in, account_id of, std::string_view after, std::size_t max,
                           const filter& which) {
  const auto all = prefix_of(of, {});
  // The least key behind it.
  const auto from = after.empty() ? all : std::string(after) + '\0';
  page found;
  std::size_t seen = 0;
  bool more = false;
  auto scanned = in.scan(family::suppression, from, behind(all), [&](std::string_view key, std::string_view value) {
    more = seen == entries_a_look || found.rows.size() == max;
    if (more) return false;
    if (auto e = decode(key, value); e && which.matches(*e)) found.rows.push_back(std::move(*e));
    if (++seen == entries_a_look || found.rows.size() == max) found.next = key;
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  if (!more) found.next.clear();
  return found;
}

}  // namespace gonets::suppression
