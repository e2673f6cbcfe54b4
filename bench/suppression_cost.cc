// What a suppression list costs: memory and a look-up, with ten million addresses of an account on the disk.
//
//   cmake --build build/release --target gonets_suppression_cost
//   build/release/gonets_suppression_cost [ADDRESSES [FOLDER]]
#include <fmt/format.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

#include "suppression/list.h"

namespace {

using namespace gonets;
using steady = std::chrono::steady_clock;

constexpr account_id shop{7};
constexpr std::size_t addresses_a_batch = 2000;

std::string address(std::string_view who, std::uint64_t number) {
  return fmt::format("{}{}@example{}.test", who, number * 2654435761u % 4294967291u, number % 50'000);
}

double resident_mib() {
  std::ifstream status("/proc/self/statm");
  std::uint64_t size = 0, resident = 0;
  status >> size >> resident;
  return double(resident) * 4096 / 1'048'576;
}

double seconds_since(steady::time_point began) {
  return std::chrono::duration<double>(steady::now() - began).count();
}

template <class T>
T or_fail(storage::result<T> r) {
  if (!r) throw std::runtime_error(r.error().detail);
  return std::move(*r);
}

void fill(storage::store& store, std::uint64_t count) {
  suppression::list list;
  for (std::uint64_t at = 0; at < count;) {
    std::vector<suppression::change> some;
    for (std::size_t i = 0; i < addresses_a_batch && at < count; ++i, ++at)
      some.push_back({{shop, address("user", at), {}, "user_unknown", message_id{at + 1}, wall_time{}, {}}});
    storage::batch b;
    list.put(some, b);
    if (auto written = store.write(b, storage::durability::buffered); !written)
      throw std::runtime_error(written.error().detail);
  }
}

// Nanoseconds a call, of addresses that were made before.
template <class Call>
double measure(std::string_view who, std::uint64_t count, std::size_t calls, Call&& call) {
  std::mt19937_64 random(1);
  std::vector<std::string> all;
  for (std::size_t i = 0; i < calls; ++i)
    all.push_back(address(who, random() % count));
  const auto began = steady::now();
  for (const auto& a : all)
    call(a);
  return seconds_since(began) * 1e9 / double(calls);
}

void run(std::uint64_t count, const std::string& folder) {
  auto store = or_fail(storage::store::open({.path = folder}));
  auto began = steady::now();
  fill(*store, count);
  fmt::print("{} addresses written in {:.1f} s\n", count, seconds_since(began));
  const auto before = resident_mib();
  suppression::list list;
  began = steady::now();
  or_fail(list.load(*store));
  fmt::print("loaded in {:.1f} s, {:.0f} MiB, {} fingerprints\n", seconds_since(began), resident_mib() - before,
             list.fingerprints());
  constexpr std::size_t calls = 1'000'000;
  std::size_t maybe = 0;
  const auto miss = measure("nobody", count, calls, [&](const auto& a) { maybe += list.may_have(shop, a); });
  fmt::print("not on the list: {:.0f} ns; {} of {} have to be looked up\n", miss, maybe, calls);
  std::size_t found = 0;
  const auto hit = measure("user", count, calls, [&](const auto& a) { found += list.may_have(shop, a); });
  fmt::print("on it: {:.0f} ns until that is known", hit);
  constexpr std::size_t reads = 20'000;
  std::size_t read = 0;
  const auto disk = measure("user", count, reads, [&](const auto& a) {
    read += or_fail(suppression::find(*store, shop, a, {"bulk", {}}, wall_time{})).has_value();
  });
  fmt::print(", {:.1f} us to read why\n", disk / 1000);
  if (found != calls || read != reads) throw std::runtime_error("an address is missing");
}

}  // namespace

int main(int argc, char** argv) {
  const auto count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000'000;
  char made[] = "/tmp/gonets-suppression-cost-XXXXXX";
  const std::string folder = argc > 2 ? argv[2] : ::mkdtemp(made);
  try {
    run(count, folder);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    std::filesystem::remove_all(folder);
    return 1;
  }
  std::filesystem::remove_all(folder);
  return 0;
}
