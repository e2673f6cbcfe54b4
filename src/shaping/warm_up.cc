#include "shaping/warm_up.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/wire.h"

namespace gonets::shaping {
namespace {

using namespace std::chrono_literals;

constexpr auto day_length = 24h;
// Fewer results say nothing about a share.
constexpr std::uint32_t evidence_min = 20;
constexpr std::uint32_t complaints_min = 3;

std::string counts_of(const warm_up_day& at) {
  auto text = fmt::format("{} accepted, {} deferred", at.accepted, at.deferred);
  if (at.complained > 0) text += fmt::format(", {} complained of", at.complained);
  return text;
}

bool is_bad(const warm_up_plan& plan, const warm_up_day& at, std::uint32_t cap) {
  const auto tried = at.accepted + at.deferred;
  const auto enough = std::min(evidence_min, std::max(1u, cap / 2));
  if (tried >= enough && at.deferred > plan.deferred_max * tried) return true;
  return at.complained >= complaints_min && at.complained > plan.complained_max * at.accepted;
}

}  // namespace

void count(warm_up_day& at, warm_up_result r) {
  switch (r) {
    case warm_up_result::accepted:
      ++at.accepted;
      break;
    case warm_up_result::deferred:
      ++at.deferred;
      break;
    case warm_up_result::complained:
      ++at.complained;
      break;
  }
}

std::optional<std::uint32_t> cap_of(const warm_up_plan& plan, std::uint32_t day) {
  if (day > plan.days) return std::nullopt;
  if (plan.days <= 1 || day <= 1) return plan.first_day;
  const double part = double(day - 1) / double(plan.days - 1);
  const double first = plan.first_day, last = plan.last_day;
  const double cap =
      plan.curve == warm_up_curve::linear ? first + (last - first) * part : first * std::pow(last / first, part);
  return static_cast<std::uint32_t>(std::lround(cap));
}

std::optional<warm_up_step> review(const warm_up_plan& plan, const warm_up_day& at, wall_time now) {
  const auto cap = cap_of(plan, at.day);
  if (!cap || at.accepted + at.deferred + at.complained == 0) return std::nullopt;
  const bool over = now - at.since >= day_length;
  warm_up_step step{{.day = at.day, .since = now}, counts_of(at)};
  if (is_bad(plan, at, *cap)) {
    if (at.fell_back && !over) return std::nullopt;
    step.next.day = std::max(1u, at.day - 1);
    step.next.fell_back = true;
    return step;
  }
  if (!over) return std::nullopt;
  if (2ull * at.accepted >= *cap) {
    ++step.next.day;
  } else {
    step.why += ": less than half of the cap was used";
  }
  return step;
}

// ---- on the disk ------------------------------------------------------------------------------------------------

std::string warm_up_value(const warm_up_day& at) {
  std::string value;
  wire::put_varint(value, at.day);
  wire::put_be64(value, static_cast<std::uint64_t>(at.since.time_since_epoch().count()));
  for (const std::uint32_t n : {at.accepted, at.deferred, at.complained})
    wire::put_varint(value, n);
  wire::put_varint(value, at.fell_back ? 1 : 0);
  return value;
}

std::optional<warm_up_day> read_warm_up(std::string_view value) {
  wire::reader in(value);
  warm_up_day at;
  const auto number = [&in] { return static_cast<std::uint32_t>(in.varint()); };
  at.day = number();
  at.since = wall_time(std::chrono::milliseconds(static_cast<std::int64_t>(in.be64())));
  at.accepted = number();
  at.deferred = number();
  at.complained = number();
  at.fell_back = in.varint() != 0;
  if (!in.ok() || at.day == 0) return std::nullopt;
  return at;
}

}  // namespace gonets::shaping
