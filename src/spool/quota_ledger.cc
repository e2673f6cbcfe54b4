#include "spool/quota_ledger.h"

#include <algorithm>
#include <array>

#include "base/wire.h"

namespace gonets::spool {
namespace {

using storage::family;

constexpr std::uint8_t quota_version = 1;
constexpr std::size_t account_bytes = 4;
const shaping::quota_counter unused;

}  // namespace

std::string quota_key(account_id account, std::string_view stream) {
  std::string key;
  wire::put_be32(key, account.value);
  key += stream;
  return key;
}

void encode_quota(const shaping::quota_counter& c, std::string& to) {
  to.push_back(static_cast<char>(quota_version));
  for (const auto& w : c.windows()) {
    wire::put_varint(to, static_cast<std::uint64_t>(w.start.time_since_epoch().count()));
    for (const auto used : w.used)
      wire::put_varint(to, used);
  }
}

bool decode_quota(std::string_view record, shaping::quota_counter& c) {
  wire::reader from(record);
  if (from.byte() != quota_version) return false;
  std::array<shaping::quota_counter::window, shaping::quota_windows> windows;
  for (auto& w : windows) {
    w.start = wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(from.varint())));
    for (auto& used : w.used)
      used = from.varint();
  }
  if (!from.ok() || !from.at_end()) return false;
  c.restore(windows);
  return true;
}

storage::result<void> quota_ledger::load(const storage::store& from) {
  const std::lock_guard lock(mutex_);
  std::optional<storage::error> bad;
  auto scanned = from.scan(family::quotas, "", "", [&](std::string_view key, std::string_view value) {
    shaping::quota_counter c;
    if (key.size() < account_bytes || !decode_quota(value, c)) {
      bad = {storage::failure::corruption, "a record of used quotas cannot be read"};
      return false;
    }
    counters_.emplace(key, c);
    return true;
  });
  if (bad) return std::unexpected(*bad);
  return scanned;
}

const shaping::quota_counter& quota_ledger::counter(const std::string& key) const {
  const auto at = counters_.find(key);
  return at == counters_.end() ? unused : at->second;
}

std::optional<shaping::quota_excess> quota_ledger::find_excess(account_id account, std::string_view stream,
                                                               const std::vector<shaping::quota>& quotas,
                                                               const shaping::quota_charge& charge,
                                                               wall_time now) const {
  if (quotas.empty()) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return shaping::find_excess(quotas, counter(quota_key(account, "")), counter(quota_key(account, stream)), stream,
                              charge, now);
}

bool quota_ledger::debit(account_id account, std::string_view stream, const std::vector<shaping::quota>& quotas,
                         const shaping::quota_charge& charge, wall_time now) {
  if (find_excess(account, stream, quotas, charge, now)) return false;
  const std::lock_guard lock(mutex_);
  for (auto& key : {quota_key(account, ""), quota_key(account, stream)}) {
    counters_[key].add(charge, now);
    changed_.insert(key);
  }
  return true;
}

void quota_ledger::put_changes(storage::batch& to) {
  std::string value;
  for (const auto& key : changed_) {
    value.clear();
    encode_quota(counter(key), value);
    to.put(family::quotas, key, value);
  }
  changed_.clear();
}

void quota_ledger::take_back(account_id account, std::string_view stream, const shaping::quota_charge& charge,
                             wall_time then, storage::batch& to) {
  const std::lock_guard lock(mutex_);
  std::string value;
  for (const auto& key : {quota_key(account, ""), quota_key(account, stream)}) {
    auto& c = counters_[key];
    c.take_back(charge, then);
    value.clear();
    encode_quota(c, value);
    to.put(family::quotas, key, value);
  }
}

std::vector<quota_use> quota_ledger::of(account_id account) const {
  const auto prefix = quota_key(account, "");
  const std::lock_guard lock(mutex_);
  std::vector<quota_use> found;
  for (const auto& [key, c] : counters_) {
    if (key.starts_with(prefix)) found.push_back({key.substr(account_bytes), c});
  }
  std::ranges::sort(found, {}, &quota_use::stream);
  return found;
}

}  // namespace gonets::spool
