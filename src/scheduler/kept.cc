// What of pace is kept over a restart: how much of each limit is used, holds, pins. docs/formats/pace.md
#include <algorithm>
#include <bit>
#include <charconv>

#include "base/log.h"
#include "base/wire.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {
namespace {

constexpr std::string_view hold_prefix = "hold ";
constexpr std::string_view account_hold_prefix = "account-hold ";

std::string hold_value(wall_time until, std::string_view why) {
  std::string value;
  wire::put_be64(value, static_cast<std::uint64_t>(until.time_since_epoch().count()));
  wire::put_text(value, why);
  return value;
}

std::optional<site_hold> read_hold(std::string_view value) {
  wire::reader in(value);
  site_hold h;
  h.until = wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(in.be64())));
  h.why = in.text();
  return in.ok() ? std::optional(std::move(h)) : std::nullopt;
}

std::string pin_key(std::string_view stream, const site& s) {
  return "pin " + std::string(stream) + " " + s.to->site_key;
}

}  // namespace

// ---- limits -----------------------------------------------------------------------------------------------------

std::optional<shaping::block> scheduler::cover_send(site& s, std::uint8_t stream, account_id account, wall_time now) {
  std::vector<shaping::limit_reserve> wanted;
  std::optional<shaping::block> missing;
  if (s.limits) {
    if (auto r = s.limits->reserve(now)) wanted.push_back(std::move(*r));
    if (!s.limits->covered(now)) missing = shaping::block{s.limits->level(), std::nullopt};
  }
  if (!env_.limits.empty()) {
    const auto other = env_.limits.cover(subject_of(s, stream, account), now, wanted);
    if (!missing) missing = other;
  }
  if (wanted.empty()) return missing;
  std::vector<spool::pace_fact> facts;
  for (const auto& r : wanted)
    facts.push_back({shaping::limit_key(r.level, r.name), r.state, now + shaping::window_max});
  env_.store.keep(std::move(facts), with_.shard,
                  [this, id = s.id, wanted = std::move(wanted)](spool::commit_status) { reserved(id, wanted); });
  return missing;
}

void scheduler::reserved(spool::site_id id, const std::vector<shaping::limit_reserve>& written) {
  auto* s = find(id);
  for (const auto& r : written) {
    if (r.level != shaping::limit_level::site) {
      env_.limits.reserved(r);
    } else if (s != nullptr && s->limits && s->limits->name() == r.name) {
      s->limits->reserved(r);
    }
  }
  if (s != nullptr) kick(*s);
}

// The receiver says that the login's, or our, window is used up.
bool scheduler::exhaust(site& s, shaping::limit_kind window, wall_time now) {
  if (!s.limits || !s.limits->exhaust(window, now)) return false;
  env_.store.keep(
      {{shaping::limit_key(s.limits->level(), s.limits->name()), s.limits->state(), now + shaping::window_max}},
      with_.shard, {});
  return true;
}

// ---- holds and pins ---------------------------------------------------------------------------------------------

void scheduler::recall(site& s) {
  const auto value = env_.store.pace().find(std::string(hold_prefix) + s.to->site_key);
  const auto now = flow_now();
  if (auto h = value ? read_hold(*value) : std::nullopt; h && h->until > now) s.hold = std::move(*h);
  for (std::uint8_t n = 0; n < with_.streams.size() && s.to->paced() != spool::destination::pacing::none; ++n) {
    if (env_.store.pace().find(pin_key(policy(n).name, s))) (void)pace_for(s, n, now);
  }
}

void scheduler::keep_hold(const site& s) {
  env_.store.keep({{std::string(hold_prefix) + s.to->site_key, hold_value(s.hold.until, s.hold.why), s.hold.until}},
                  with_.shard, {});
}

void scheduler::lift_hold(site& s) {
  if (s.hold.until == wall_time{}) return;
  s.hold = {};
  env_.store.keep({{std::string(hold_prefix) + s.to->site_key, {}, {}}}, with_.shard, {});
}

void scheduler::keep_account_hold(const account_hold& h) {
  const auto key =
      std::string(account_hold_prefix) + std::to_string(h.account.value) + " " + policy(h.stream).name + " " + h.where;
  env_.store.keep({{key, hold_value(h.until, h.why), h.until}}, with_.shard, {});
}

void scheduler::recall_account_holds() {
  for (const auto& [key, value] : env_.store.pace().with_prefix(account_hold_prefix)) {
    const auto rest = std::string_view(key).substr(account_hold_prefix.size());
    const auto first = rest.find(' ');
    const auto second = rest.find(' ', first + 1);
    auto kept = read_hold(value);
    account_id account;
    const auto number = rest.substr(0, first);
    const bool is_number =
        std::from_chars(number.data(), number.data() + number.size(), account.value).ec == std::errc{};
    if (second == std::string_view::npos || !kept || !is_number) {
      GONETS_LOG(warning, "kept_hold_unreadable", "key", key);
      continue;
    }
    const auto name = rest.substr(first + 1, second - first - 1);
    if (std::ranges::find(with_.streams, name, &stream_policy::name) == with_.streams.end()) continue;  // it is gone
    const auto stream = stream_number(std::string(name));
    account_holds_.push_back({account, stream, std::string(rest.substr(second + 1)), kept->until, kept->why});
  }
}

void scheduler::keep_pin(const site& s, const stream_pace& p) {
  std::string value;
  if (p.rate.phase() == shaping::pace_phase::pinned) {
    wire::put_be64(value, std::bit_cast<std::uint64_t>(p.rate.rate()));
    wire::put_varint(value, p.rate.connections());
  }
  env_.store.keep({{pin_key(policy(p.stream).name, s), std::move(value), {}}}, with_.shard, {});
}

void scheduler::recall_pin(const site& s, stream_pace& p, wall_time now) {
  const auto value = env_.store.pace().find(pin_key(policy(p.stream).name, s));
  if (!value) return;
  wire::reader in(*value);
  const auto rate = std::bit_cast<double>(in.be64());
  const auto connections = static_cast<unsigned>(in.varint());
  if (in.ok()) (void)p.rate.pin(rate, connections, now);
}

}  // namespace gonets::scheduler
