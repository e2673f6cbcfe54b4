// What shaping costs on the hot path, in nanoseconds a call, by the steady clock and on one thread.
//
//   cmake --build build/release --target gonets_shaping_cost && build/release/gonets_shaping_cost
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <random>

#include "shaping/adaptive_rate.h"
#include "shaping/fair_share.h"
#include "shaping/limit_set.h"

namespace {

using namespace gonets;
using namespace gonets::shaping;
using namespace std::chrono_literals;

constexpr wall_time start{1'700'000'000'000ms};

// The best of five runs: what disturbs can only add.
template <class Call>
void measure(const char* what, std::size_t calls, Call&& call) {
  auto best = 1e18;
  for (int run = 0; run != 5; ++run) {
    const auto from = std::chrono::steady_clock::now();
    for (std::size_t i = 0; i != calls; ++i)
      call(i);
    const std::chrono::duration<double, std::nano> took = std::chrono::steady_clock::now() - from;
    best = std::min(best, took.count() / double(calls));
  }
  fmt::print("{:<60} {:8.1f} ns\n", what, best);
}

void limits() {
  constexpr auto plenty = 1'000'000'000u;
  std::vector<limit_node> nodes;
  for (std::size_t l = 0; l != limit_levels; ++l) {
    auto& n = nodes.emplace_back(limit_level(l), "name");
    n.configure({{.what = limit_kind::connections, .max = plenty, .source = "bench"},
                 {.what = limit_kind::in_flight, .max = plenty, .source = "bench"},
                 {.what = limit_kind::messages_a_minute, .max = plenty, .source = "bench"},
                 {.what = limit_kind::messages_a_day, .max = plenty, .source = "bench"}});
  }
  limit_chain chain{};
  for (auto& n : nodes)
    chain.add(&n);
  auto now = start;
  measure("8 levels x (in flight, a minute, a day): admit and end", 1'000'000, [&](std::size_t i) {
    if (i % 50 == 0) now += 1ms;
    if (chain.admit(limited_action::send, 1, now)) std::abort();
    chain.end(limited_action::send, 1);
  });
  measure("8 levels x connections: admit and end", 1'000'000, [&](std::size_t i) {
    if (chain.admit(limited_action::connect, std::uint32_t(i % 100), now)) std::abort();
    chain.end(limited_action::connect, std::uint32_t(i % 100));
  });
  nodes[7].hold(start + 10'000h, "bench");
  measure("the same, refused by the last level", 1'000'000, [&](std::size_t) {
    if (!chain.admit(limited_action::send, 1, now)) std::abort();
  });
}

void shares() {
  fair_share f;
  for (std::uint32_t i = 0; i != 100'000; ++i)
    f.add(account_id{i + 1}, 1 + i % 3);
  measure("fair share, 100,000 accounts: pick and charge 1", 1'000'000, [&](std::size_t) { f.charge(*f.pick(), 1); });
  std::mt19937 random(1);
  measure("fair share, 100,000 accounts: pick and charge 1 to 50", 1'000'000,
          [&](std::size_t) { f.charge(*f.pick(), 1 + random() % 50); });
}

void adaptive() {
  adaptive_rate pace({.ceiling = 1000, .start = 1000}, start);
  auto now = start;
  measure("adaptive rate: next_send, on_send, on_result", 1'000'000, [&](std::size_t) {
    now = std::max(now, pace.next_send(now));
    pace.on_send(now, 1);
    if (pace.on_result({.now = now + 20ms, .began = now})) now += 1ms;
  });
}

}  // namespace

int main() {
  limits();
  shares();
  adaptive();
  fmt::print("sizes: rate_limit {}, limit_node {}, adaptive_rate {} bytes\n", sizeof(rate_limit), sizeof(limit_node),
             sizeof(adaptive_rate));
}
