#include "suppression/list.h"

#include <algorithm>
#include <mutex>

#include "base/text.h"
#include "base/wire.h"

namespace gonets::suppression {
namespace {

using storage::family;

constexpr std::uint8_t version = 1;

// FNV-1a over account and address in lower case, then mixed: addresses differ in few bits.
std::uint64_t hash_of(account_id of, std::string_view address) {
  std::uint64_t h = 0xcbf29ce484222325ull ^ of.value;
  for (const char c : address) {
    const auto lower = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    h = (h ^ static_cast<unsigned char>(lower)) * 0x100000001b3ull;
  }
  h ^= h >> 32;
  h *= 0xd6e8feb86659fd93ull;
  return h ^ h >> 32;
}

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

std::string normalised(std::string_view address) {
  return to_lower(address);
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
  auto scanned = from.scan(family::suppression, "", "", [&](std::string_view key, std::string_view value) {
    if (const auto e = decode(key, value)) {
      add(e->account, e->address);
      ++count;
    }
    return true;
  });
  if (!scanned) return std::unexpected(scanned.error());
  loaded_ = true;
  return count;
}

void list::put(const std::vector<change>& changes, storage::batch& to) {
  for (const auto& c : changes) {
    const auto key = key_of(c.what);
    if (c.remove) {
      to.remove(family::suppression, key);
      continue;
    }
    std::string value;
    encode(c.what, value);
    to.put(family::suppression, key, value);
    add(c.what.account, c.what.address);
  }
}

void list::add(account_id of, std::string_view normalised_address) {
  const auto hash = hash_of(of, normalised_address);
  auto& in = parts_[hash >> 32 & (parts - 1)];
  const std::lock_guard guard(in.mutex);
  in.seen.insert(static_cast<std::uint32_t>(hash));
}

bool list::may_have(account_id of, std::string_view address) const {
  const auto hash = hash_of(of, address);
  const auto& in = parts_[hash >> 32 & (parts - 1)];
  if (!loaded_.load(std::memory_order_acquire)) return true;
  const std::shared_lock guard(in.mutex);
  return in.seen.contains(static_cast<std::uint32_t>(hash));
}

std::uint64_t list::fingerprints() const {
  std::uint64_t count = 0;
  for (const auto& in : parts_) {
    const std::shared_lock guard(in.mutex);
    count += in.seen.size();
  }
  return count;
}

storage::result<std::optional<entry>> find(const storage::store& in, account_id of, std::string_view address,
                                           std::string_view stream, wall_time now) {
  const auto prefix = prefix_of(of, normalised(address));
  std::optional<entry> found;
  auto scanned =
      in.scan(family::suppression, prefix, behind(prefix), [&](std::string_view key, std::string_view value) {
        auto e = decode(key, value);
        const bool applies =
            e && (e->scope.empty() || e->scope == stream) && (e->expires == wall_time{} || e->expires > now);
        if (applies) found = std::move(e);
        return !applies;
      });
  if (!scanned) return std::unexpected(scanned.error());
  return found;
}

storage::result<std::optional<entry>> get(const storage::store& in, account_id of, std::string_view address,
                                          std::string_view scope) {
  const auto key = prefix_of(of, normalised(address)) + std::string(scope);
  auto value = in.get(family::suppression, key);
  if (!value) return std::unexpected(std::move(value.error()));
  if (!*value) return std::nullopt;
  return decode(key, **value);
}

storage::result<std::vector<entry>> read(const storage::store& in, account_id of, std::string_view after,
                                         std::size_t max) {
  const auto all = prefix_of(of, {});
  // The least key behind it.
  const auto from = after.empty() ? all : std::string(after) + '\0';
  std::vector<entry> found;
  if (max == 0) return found;
  auto scanned = in.scan(family::suppression, from, behind(all), [&](std::string_view key, std::string_view value) {
    if (auto e = decode(key, value)) found.push_back(std::move(*e));
    return found.size() < max;
  });
  if (!scanned) return std::unexpected(scanned.error());
  return found;
}

}  // namespace gonets::suppression
