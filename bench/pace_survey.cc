// How well the adaptive rate does against modelled providers: an hour, after ten minutes to learn.
//
//   cmake --build build/release --target gonets_pace_survey && build/release/gonets_pace_survey [SEEDS] [SHAPE]
//
// With a SHAPE every change of its first seed is printed as well.
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "shaping/modelled_provider_test_support.h"

namespace {

using namespace gonets;
using namespace gonets::shaping;
using namespace gonets::shaping::testing;
using namespace std::chrono_literals;

constexpr wall_time start{1'700'000'000'000ms};

std::vector<provider_shape> all_shapes() {
  const std::vector<provider_shape::phase> steps{{600s, 20}, {600s, 5}, {600s, 60}, {600s, 20}};
  const std::vector<provider_shape::phase> short_steps{{300s, 20}, {300s, 5}, {300s, 60}, {300s, 20}};
  const auto steady = [](double rate) { return std::vector<provider_shape::phase>{{600s, rate}}; };
  return {
      {.name = "1 a second", .phases = steady(1)},
      {.name = "5 a second", .phases = steady(5)},
      {.name = "20 a second", .phases = steady(20)},
      {.name = "200 a second", .phases = steady(200)},
      {.name = "steps of 20, 5, 60, 20 each 10 min", .phases = steps},
      {.name = "steps each 5 min", .phases = short_steps},
      {.name = "steps, bucket of 10 s", .phases = steps, .bucket_seconds = 10},
      {.name = "20 a second, blocks for 60 s", .phases = steady(20), .penalty = 60s},
      {.name = "20 a second, blocks for 300 s", .phases = steady(20), .penalty = 300s},
      {.name = "steps, blocks for 60 s", .phases = steps, .penalty = 60s},
      {.name = "600 a minute", .quota = 600, .quota_window = 60s},
      {.name = "30 a minute", .quota = 30, .quota_window = 60s},
      {.name = "7200 an hour", .quota = 7200, .quota_window = 3600s},
      {.name = "500 an hour", .quota = 500, .quota_window = 3600s},
      {.name = "5 connections", .connections = 5},
      {.name = "2 connections", .connections = 2},
      {.name = "20 a second, tarpit", .phases = steady(20), .tarpits = true},
      {.name = "steps of 20, 5, 30, 20, tarpit",
       .phases = {{600s, 20}, {600s, 5}, {600s, 30}, {600s, 20}},
       .tarpits = true},
      {.name = "20 a second, 5 % deferred at random", .phases = steady(20), .random_deferrals = 0.05},
      {.name = "5 a second, replies after 2 s", .phases = steady(5), .latency = 2000ms},
  };
}

void print(const rate_change& c) {
  fmt::print("{:9.1f} s  {:8.2f} -> {:8.2f}  {:3} -> {:3}  {}\n", double((c.at - start).count()) / 1000, c.old_rate,
             c.new_rate, c.old_connections, c.new_connections, to_text(c.why));
}

void survey(const provider_shape& shape, unsigned seeds, bool trace) {
  double goodput = 0, goodput_least = 1e9, deferred = 0, deferred_most = 0;
  std::uint64_t changes = 0;
  for (unsigned seed = 1; seed <= seeds; ++seed) {
    adaptive_rate pace({.connections_max = 100}, start);
    modelled_sender sender(shape, pace, start, seed);
    sender.on_change([&](const rate_change& c) {
      ++changes;
      if (trace && seed == 1) print(c);
    });
    sender.run(start, start + 10min);
    const auto tally = sender.run(start + 10min, start + 70min);
    goodput += tally.goodput() / seeds;
    goodput_least = std::min(goodput_least, tally.goodput());
    deferred += tally.deferred_share() / seeds;
    deferred_most = std::max(deferred_most, tally.deferred_share());
  }
  fmt::print("| {:36} | {:5.1f} % | {:5.1f} % | {:5.2f} % | {:5.2f} % | {:4} | {} |\n", shape.name, 100 * goodput,
             100 * goodput_least, 100 * deferred, 100 * deferred_most, changes / seeds,
             goodput_least >= 0.9 && deferred_most <= 0.02 ? "yes" : "no");
}

}  // namespace

int main(int argc, char** argv) {
  const auto seeds = argc > 1 ? unsigned(std::max(1, std::atoi(argv[1]))) : 20;
  const std::string_view only = argc > 2 ? argv[2] : "";
  fmt::print("| hidden limit | goodput, mean | worst seed | refused, mean | worst seed | changes | ≥ 90 %, ≤ 2 % |\n");
  for (const auto& shape : all_shapes())
    if (only.empty() || only == shape.name) survey(shape, seeds, !only.empty());
}
