#include "spool/pace_ledger.h"

#include <algorithm>

#include "base/wire.h"

namespace gonets::spool {
namespace {

using storage::family;

constexpr std::string_view key_prefix = "p";
constexpr std::string_view after_prefix = "q";
constexpr std::uint8_t fact_version = 1;

wall_time read_time(wire::reader& in) {
  return wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(in.be64())));
}

void put_time(std::string& to, wall_time t) {
  wire::put_be64(to, static_cast<std::uint64_t>(t.time_since_epoch().count()));
}

}  // namespace

// fact := version:u8 written_ms:be64 expires_ms:be64 value
storage::result<void> pace_ledger::load(storage::store& from, wall_time now) {
  const std::lock_guard guard(mutex_);
  storage::batch old;
  std::optional<storage::error> bad;
  auto scanned = from.scan(family::meta, key_prefix, after_prefix, [&](std::string_view key, std::string_view value) {
    wire::reader in(value);
    const auto version = in.byte();
    const auto written = read_time(in);
    const auto expires = read_time(in);
    if (!in.ok() || version != fact_version) {
      bad = {storage::failure::corruption, "a record of used limits cannot be read"};
      return false;
    }
    if (expires != wall_time{} && expires < now) {
      old.remove(family::meta, key);
      return true;
    }
    latest_ = std::max(latest_, written);
    facts_.emplace(key.substr(key_prefix.size()), in.rest());
    return true;
  });
  if (bad) return std::unexpected(*bad);
  if (!scanned || old.empty()) return scanned;
  return from.write(old, storage::durability::buffered);
}

void pace_ledger::put(const std::vector<pace_fact>& facts, wall_time now, storage::batch& to) {
  const std::lock_guard guard(mutex_);
  for (const auto& f : facts) {
    const auto key = std::string(key_prefix) + f.key;
    if (f.value.empty()) {
      facts_.erase(f.key);
      to.remove(family::meta, key);
      continue;
    }
    facts_.insert_or_assign(f.key, f.value);
    std::string value(1, static_cast<char>(fact_version));
    put_time(value, now);
    put_time(value, f.expires);
    value += f.value;
    to.put(family::meta, key, value);
  }
}

std::optional<std::string> pace_ledger::find(std::string_view key) const {
  const std::lock_guard guard(mutex_);
  const auto at = facts_.find(key);
  return at == facts_.end() ? std::nullopt : std::optional(at->second);
}

std::vector<std::pair<std::string, std::string>> pace_ledger::with_prefix(std::string_view prefix) const {
  const std::lock_guard guard(mutex_);
  std::vector<std::pair<std::string, std::string>> found;
  for (auto at = facts_.lower_bound(prefix); at != facts_.end() && at->first.starts_with(prefix); ++at)
    found.push_back(*at);
  return found;
}

}  // namespace gonets::spool
