#include "intake/refusal_events.h"

#include <fmt/format.h>

#include <algorithm>

namespace gonets::intake {
namespace {

constexpr std::size_t recipients_told_max = 100;
constexpr std::size_t quotas_told_max = 10'000;

// The disk, or the server's load: nothing that the message could be told for, and no time to write more.
bool is_of_the_server(const reply& r) {
  return r.transient() && r.status.subject == 3;
}

}  // namespace

refusal_events::refusal_events(spool::spool& store, const clock& time, metrics::registry& counts)
    : store_(store),
      time_(time),
      untold_(counts.make_counter("gonets_rejections_untold_total",
                                  "Refusals at intake without an event, as there were too many in that second.")) {}

bool refusal_events::within_bound(wall_time now) {
  const auto second =
      static_cast<std::uint64_t>(std::chrono::floor<std::chrono::seconds>(now.time_since_epoch()).count());
  auto seen = this_second_.load(std::memory_order_relaxed);
  for (;;) {
    const std::uint64_t count = seen >> 32U == second ? (seen & 0xffff'ffffU) + 1 : 1;
    if (count > a_second_max) return false;
    if (this_second_.compare_exchange_weak(seen, second << 32U | count, std::memory_order_relaxed)) return true;
  }
}

void refusal_events::rejected(const source& from, stage at, const message::envelope& of, const message::recipient* who,
                              const reply& r) {
  if (!from.trusted || is_of_the_server(r)) return;
  events::event e;
  e.at = time_.wall();
  if (!within_bound(e.at)) return untold_.add();
  e.kind = events::kind::rejected;
  e.account = from.account;
  e.stream = from.stream;
  e.sender = of.reverse_path;
  if (who != nullptr) {
    e.recipients.push_back({recipient_index{static_cast<std::uint16_t>(of.recipients.size())}, who->address});
  } else {
    for (std::size_t i = 0; i < std::min(of.recipients.size(), recipients_told_max); ++i)
      e.recipients.push_back({recipient_index{static_cast<std::uint16_t>(i)}, of.recipients[i].address});
  }
  e.origin = fmt::format("{} ({})", from.peer_address, from.helo);
  e.at_stage = at;
  e.answer = r;
  store_.record(std::move(e));
}

void refusal_events::over_quota(account_id of, const shaping::quota_excess& excess) {
  const auto now = time_.wall();
  {
    const std::lock_guard lock(mutex_);
    if (told_.size() >= quotas_told_max) std::erase_if(told_, [&](const auto& t) { return t.second <= now; });
    auto& until = told_[{of, excess.which.stream, excess.which.window, excess.which.measure}];
    if (until > now) return;
    until = excess.resets;
  }
  events::event e;
  e.kind = events::kind::quota;
  e.at = now;
  e.account = of;
  e.stream = excess.which.stream;
  e.reason = to_text(excess);
  store_.record(std::move(e));
}

}  // namespace gonets::intake
