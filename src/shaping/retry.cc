#include "shaping/retry.h"

#include <algorithm>

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;
using std::chrono::milliseconds;

// splitmix64's finalizer: neighbouring ids and attempts give unrelated numbers.
std::uint64_t mix(std::uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

// From -1 to 1. A hash of the message and not of the recipient, so that the recipients of a message at one site stay in
// one transaction.
double swing(message_id id, unsigned attempts_made) {
  constexpr double two_to_53 = 9007199254740992.0;
  const auto hash = mix(mix(id.value) ^ attempts_made);
  return static_cast<double>(hash >> 11) / two_to_53 * 2 - 1;
}

milliseconds jittered(milliseconds delay, double jitter, double swing) {
  const double factor = 1 + std::clamp(jitter, 0.0, 1.0) * swing;
  return milliseconds(static_cast<milliseconds::rep>(static_cast<double>(delay.count()) * factor));
}

}  // namespace

retry_policy default_retry_policy() {
  return {.delays = {1min, 5min, 15min, 30min, 1h, 2h, 4h}, .expires_after = 5 * 24h, .delay_notice_after = 4h};
}

retry_policy bulk_retry_policy() {
  auto policy = default_retry_policy();
  policy.expires_after = 2 * 24h;
  return policy;
}

std::optional<wall_time> next_attempt(const retry_policy& policy, message_id id, unsigned attempts_made,
                                      wall_time accepted, wall_time now) {
  const auto expiry = accepted + policy.expires_after;
  if (now >= expiry) return std::nullopt;
  if (policy.delays.empty()) return expiry;
  const auto last = policy.delays.size() - 1;
  const auto index = std::min<std::size_t>(attempts_made > 0 ? attempts_made - 1 : 0, last);
  const auto delay = jittered(policy.delays[index], policy.jitter, swing(id, attempts_made));
  // Compared as durations: a delay that means "never" must not overflow a time.
  return delay < expiry - now ? now + delay : expiry;
}

}  // namespace gonets::shaping
