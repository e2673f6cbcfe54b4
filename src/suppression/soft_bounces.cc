#include "suppression/soft_bounces.h"

#include <algorithm>

#include "base/log.h"
#include "base/wire.h"
#include "suppression/address.h"

namespace gonets::suppression {
namespace {

using storage::family;

// Of entries, in the same family, it is 1.
constexpr std::uint8_t version = 2;

std::string key_of(account_id of, std::string_view normalised_address) {
  std::string key(soft_prefix);
  wire::put_be32(key, of.value);
  key.append(normalised_address);
  return key;
}

struct place {
  account_id account;
  std::string_view address;
};
std::optional<place> place_of(std::string_view key) {
  constexpr std::size_t account_bytes = 4;
  if (!key.starts_with(soft_prefix) || key.size() <= soft_prefix.size() + account_bytes) return std::nullopt;
  key.remove_prefix(soft_prefix.size());
  return place{account_id{wire::reader(key).be32()}, key.substr(account_bytes)};
}

std::uint64_t to_ms(wall_time t) {
  return static_cast<std::uint64_t>(t.time_since_epoch().count());
}
wall_time from_ms(std::uint64_t ms) {
  return wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(ms)));
}

// What counts together with `fresh`; the first stays, as the time from it to the last is what matters.
void add(soft_record& to, const soft_bounce& fresh, const bounce::suppression_policy& by) {
  std::erase_if(to.all, [&](const soft_bounce& b) { return b.at < fresh.at - by.soft_within; });
  if (std::ranges::find(to.all, fresh.source, &soft_bounce::source) == to.all.end()) to.all.push_back(fresh);
  const std::size_t kept = std::max(by.soft_bounces, 2u);
  if (to.all.size() > kept) to.all.erase(to.all.begin() + 1, to.all.end() - static_cast<std::ptrdiff_t>(kept - 1));
  to.expires = to.all.back().at + by.soft_within;
}

bool is_enough(const soft_record& r, const bounce::suppression_policy& by) {
  return by.soft_bounces > 0 && r.all.size() >= by.soft_bounces && r.all.back().at - r.all.front().at >= by.soft_over;
}

}  // namespace

void encode(const soft_record& r, std::string& to) {
  to.push_back(static_cast<char>(version));
  wire::put_varint(to, to_ms(r.expires));
  wire::put_varint(to, r.all.size());
  for (const auto& b : r.all) {
    wire::put_varint(to, to_ms(b.at));
    wire::put_be64(to, b.source.value);
    to.push_back(b.late ? 1 : 0);
  }
}

std::optional<soft_record> decode_soft(std::string_view value) {
  wire::reader from(value);
  if (from.byte() != version) return std::nullopt;
  soft_record r;
  r.expires = from_ms(from.varint());
  const auto count = from.varint();
  if (count > bounce::soft_bounces_max) return std::nullopt;
  for (std::uint64_t i = 0; i < count && from.ok(); ++i) {
    soft_bounce b;
    b.at = from_ms(from.varint());
    b.source.value = from.be64();
    b.late = from.byte() != 0;
    r.all.push_back(b);
  }
  if (!from.ok() || !from.at_end()) return std::nullopt;
  return r;
}

storage::result<void> soft_bounces::load(const storage::store& from, wall_time now) {
  return from.scan(family::suppression, soft_prefix, "", [&](std::string_view key, std::string_view value) {
    const auto at = place_of(key);
    const auto r = decode_soft(value);
    if (at && r && r->expires > now) seen_.add(at->account, at->address);
    return true;
  });
}

std::optional<soft_record> soft_bounces::present(const std::string& key, const soft_change& c,
                                                 const storage::store& from) const {
  if (const auto found = pending_.find(key); found != pending_.end()) return found->second;
  if (!seen_.may_have(c.account, c.address) && c.news != soft_news::lapsed) return std::nullopt;
  const auto value = from.get(family::suppression, key);
  if (!value) GONETS_LOG(error, "soft_bounces_not_read", "error", value.error().detail);
  return value && *value ? decode_soft(**value) : std::nullopt;
}

void soft_bounces::write(const std::string& key, const soft_change& c, std::optional<soft_record> to,
                         storage::batch& in) {
  if (to) {
    std::string value;
    encode(*to, value);
    in.put(family::suppression, key, value);
    seen_.add(c.account, c.address);
  } else {
    in.remove(family::suppression, key);
    seen_.remove(c.account, c.address);
  }
  pending_[key] = std::move(to);
}

bool soft_bounces::put(const soft_change& c, const storage::store& from, storage::batch& to) {
  const auto key = key_of(c.account, c.address);
  auto now = present(key, c, from);
  switch (c.news) {
    case soft_news::lapsed:
      if (!now || now->expires <= c.what.at) write(key, c, std::nullopt, to);
      return false;
    case soft_news::delivered:
      if (!now) return false;
      std::erase_if(now->all, [](const soft_bounce& b) { return !b.late; });
      if (now->all.empty()) now.reset();
      write(key, c, std::move(now), to);
      return false;
    case soft_news::bounced:
      break;
  }
  if (!now) now.emplace();
  add(*now, c.what, c.by);
  const bool enough = is_enough(*now, c.by);
  write(key, c, enough ? std::nullopt : std::move(now), to);
  return enough;
}

storage::result<std::optional<soft_record>> soft_count(const storage::store& in, account_id of,
                                                       std::string_view address, wall_time now) {
  const auto value = in.get(family::suppression, key_of(of, normalised(address)));
  if (!value) return std::unexpected(value.error());
  auto r = *value ? decode_soft(**value) : std::nullopt;
  if (r && r->expires <= now) r.reset();
  return r;
}

storage::result<std::vector<soft_change>> expired_counts(const storage::store& in, wall_time now, std::size_t max) {
  std::vector<soft_change> found;
  auto scanned = in.scan(family::suppression, soft_prefix, "", [&](std::string_view key, std::string_view value) {
    const auto at = place_of(key);
    const auto r = decode_soft(value);
    if (at && r && r->expires <= now)
      found.push_back({at->account, std::string(at->address), soft_news::lapsed, {now, {}, false}, {}});
    return found.size() < max;
  });
  if (!scanned) return std::unexpected(scanned.error());
  return found;
}

}  // namespace gonets::suppression
