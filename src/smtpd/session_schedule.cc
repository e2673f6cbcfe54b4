// When a message may go, and until when: what MAIL asks for, held against the clock (RFC 4865, RFC 2852).
#include <fmt/chrono.h>
#include <fmt/format.h>

#include "smtpd/session.h"

namespace gonets::smtpd {
namespace {

reply refusal(std::string text) {
  return {501, {5, 5, 4}, std::move(text)};
}

}  // namespace

// To mail user agents only: another server that relays has no say in it (RFC 4865 3).
void session::offer_schedule() {
  const auto most = std::chrono::floor<std::chrono::seconds>(listener_->limits.hold_max);
  if (!source_.submission || most.count() == 0) return protocol_.offer_schedule({});
  const auto last = std::chrono::floor<std::chrono::seconds>(env_.time.wall() + most);
  protocol_.offer_schedule(
      fmt::format("{} {:%Y-%m-%dT%H:%M:%S}Z", most.count(), fmt::gmtime(std::chrono::system_clock::to_time_t(last))));
}

std::optional<reply> session::plan_message() {
  const auto& asked = protocol_.schedule();
  plan_ = {};
  const auto now = env_.time.wall();
  auto hold = std::chrono::milliseconds(asked.hold_for);
  if (asked.hold_until) {
    hold = *asked.hold_until - now;
    if (hold.count() < 0) return refusal("HOLDUNTIL is in the past");
  }
  const auto most = listener_->limits.hold_max;
  if (hold > most) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(most).count();
    return refusal(fmt::format("A message is held for {} seconds at most", seconds));
  }
  if (hold.count() > 0) plan_.release_at = now + hold;
  if (!asked.by) return std::nullopt;
  plan_.deliver_by = now + *asked.by;
  plan_.by_return = asked.by_return;
  plan_.by_trace = asked.by_trace;
  if (plan_.by_return && plan_.deliver_by <= plan_.release_at) return refusal("BY ends before the message is released");
  return std::nullopt;
}

}  // namespace gonets::smtpd
