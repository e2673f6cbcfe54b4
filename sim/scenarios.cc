#include "sim/scenarios.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <numeric>
#include <random>

#include "sim/server.h"

namespace gonets::sim {
namespace {

using namespace std::chrono_literals;

class stopwatch {
 public:
  double seconds() const { return std::chrono::duration<double>(std::chrono::steady_clock::now() - from_).count(); }

 private:
  std::chrono::steady_clock::time_point from_ = std::chrono::steady_clock::now();
};

double seconds_of(milliseconds t) {
  return double(t.count()) / 1000;
}

// A site that would take more than it is sent, was it not for its hidden rate.
provider_shape shape_of(std::vector<provider_shape::phase> phases) {
  provider_shape s;
  s.name = "hidden";
  s.phases = std::move(phases);
  s.connections = 20;
  s.latency = 150ms;
  return s;
}

// Jain: 1 when all have the same, 1/n when one has it all.
double jain(const std::vector<double>& shares) {
  double sum = 0, squares = 0;
  for (const auto x : shares) {
    sum += x;
    squares += x * x;
  }
  return squares > 0 ? sum * sum / (double(shares.size()) * squares) : 0;
}

// What each would have of `total` if all were served alike, and nobody got more than it wants.
std::vector<double> fair_parts(const std::vector<double>& wanted, double total) {
  std::vector<double> parts(wanted.size(), 0);
  std::vector<std::size_t> open(wanted.size());
  std::iota(open.begin(), open.end(), 0);
  while (!open.empty() && total > 1e-9) {
    const auto each = total / double(open.size());
    std::vector<std::size_t> still;
    for (const auto i : open) {
      const auto got = std::min(each, wanted[i] - parts[i]);
      parts[i] += got;
      total -= got;
      if (parts[i] < wanted[i]) still.push_back(i);
    }
    if (still.size() == open.size() && total > 1e-9 && each < 1e-9) break;
    open = std::move(still);
  }
  return parts;
}

}  // namespace

bool steps(const order& o) {
  server s(o.seed);
  const auto at = s.internet.add_site(shape_of({{600s, 50}, {600s, 20}, {600s, 100}, {600s, 40}}), {}, o.seed);
  const auto domain = s.internet.add_domain(at);
  auto& site = *s.internet.sites()[at];
  const auto fill_until = [&](milliseconds end) {
    while (s.time.now() < end) {
      while (s.spool.queued() < 6000)
        s.submit({domain, 1, bulk});
      s.run_until(s.time.now() + 1s);
    }
  };
  fill_until(10min);
  const auto accepted = site.accepted, attempts = site.attempts, limited = site.limited;
  fill_until(70min);
  s.check_all();
  const auto possible = site.limits.capacity(10min, 70min);
  const auto goodput = double(site.accepted - accepted) / possible;
  const auto deferred = double(site.limited - limited) / double(site.attempts - attempts);
  fmt::print(
      "steps --seed {}: {:.1f} % of the hidden limit (90 asked), {:.2f} % of attempts deferred by it (2 allowed)\n",
      o.seed, 100 * goodput, 100 * deferred);
  return goodput >= 0.9 && deferred <= 0.02;
}

namespace {

struct urgent_waits {
  double begin_p50, begin_p99, end_p50, end_p99, hours;
};

urgent_waits play_urgent(std::uint64_t seed, std::uint32_t campaign) {
  server s(seed);
  const auto domain = s.internet.add_domain(s.internet.add_site(shape_of({{600s, 100}}), {}, seed));
  s.measuring = false;
  for (std::uint32_t i = 0; i < campaign; ++i)
    s.submit({domain, 1, bulk});
  s.run_until(5min);
  s.measuring = true;
  // Two a second, for as long as the campaign takes; without one, for an hour.
  const auto enough = [&] {
    return campaign == 0 ? s.time.now() >= 65min : s.spool.bounced + s.spool.delivered >= campaign;
  };
  while (!enough()) {
    s.submit({domain, 2, transactional});
    s.run_until(s.time.now() + 500ms);
  }
  s.check_all();
  const auto of = [](waits& w, double part) { return seconds_of(w.share(part)); };
  return {of(s.transactional_to_begin, 0.5), of(s.transactional_to_begin, 0.99), of(s.transactional_to_end, 0.5),
          of(s.transactional_to_end, 0.99), seconds_of(s.time.now()) / 3600};
}

}  // namespace

bool urgent(const order& o) {
  const auto campaign = o.recipients == 0 ? 1'000'000 : o.recipients;
  const auto alone = play_urgent(o.seed, 0);
  const auto beside = play_urgent(o.seed, campaign);
  fmt::print("urgent --seed {}: beside {} bulk recipients, who take {:.1f} hours, transactional mail waits\n", o.seed,
             campaign, beside.hours);
  fmt::print("  until it is begun      p50 {:6.3f} s, p99 {:6.3f} s (alone: {:.3f} and {:.3f})\n", beside.begin_p50,
             beside.begin_p99, alone.begin_p50, alone.begin_p99);
  fmt::print("  until it is delivered  p50 {:6.3f} s, p99 {:6.3f} s (alone: {:.3f} and {:.3f})\n", beside.end_p50,
             beside.end_p99, alone.end_p50, alone.end_p99);
  fmt::print("  p99 {:.3f} s longer than alone (2 s allowed)\n", beside.end_p99 - alone.end_p99);
  return beside.end_p99 - alone.end_p99 <= 2;
}

bool fairness(const order& o) {
  constexpr std::uint16_t accounts = 100;
  const auto longest = o.recipients == 0 ? 1'000'000 : o.recipients;
  server s(o.seed);
  const auto domain = s.internet.add_domain(s.internet.add_site(shape_of({{600s, 100}}), {}, o.seed));
  std::vector<double> wanted;
  std::uint64_t total = 0;
  for (std::uint16_t a = 0; a < accounts; ++a) {
    const auto queued = std::uint32_t(std::lround(10 * std::pow(longest / 10.0, a / double(accounts - 1))));
    wanted.push_back(queued);
    total += queued;
  }
  // The longest first, so that the others come to a queue that is long already.
  for (auto a = accounts; a-- > 0;) {
    for (std::uint32_t i = 0; i < std::uint32_t(wanted[a]); ++i)
      s.submit({domain, a, bulk});
  }
  s.run_until(20min);
  s.check_all();
  s.delivered_by_account.resize(accounts);
  const auto delivered = std::accumulate(s.delivered_by_account.begin(), s.delivered_by_account.end(), 0.0);
  const auto fair = fair_parts(wanted, delivered);
  std::vector<double> shares;
  for (std::size_t a = 0; a < accounts; ++a)
    shares.push_back(double(s.delivered_by_account[a]) / fair[a]);
  const auto index = jain(shares);
  fmt::print(
      "fairness --seed {}: {} accounts with queues of 10 to {}, {} in all; {} delivered in 20 minutes; Jain {:.4f} "
      "(0.95 asked)\n",
      o.seed, accounts, longest, total, delivered, index);
  return index >= 0.95;
}

namespace {

// Who gets how much of the day's mail, and what stands in its way.
class day_world {
 public:
  day_world(server& s, std::uint64_t seed, std::uint32_t recipients, std::uint32_t domains)
      : server_(s), random_(seed), recipients_(recipients) {
    const auto large = std::max(1u, std::min(30u, domains / 20));
    const auto hosted = domains * 6 / 10;
    double zipf = 0;
    for (std::uint32_t i = 0; i < large; ++i)
      zipf += 1.0 / (i + 1);
    for (std::uint32_t i = 0; i < large; ++i)
      add(0.55 / zipf / (i + 1), 1, i % 5 == 4, 0);
    constexpr std::uint32_t hosts = 5;
    for (std::uint32_t i = 0; i < hosts; ++i)
      add(0.2 / hosts, hosted / hosts, false, 0);
    const auto own = domains - large - hosted / hosts * hosts;
    for (std::uint32_t i = 0; i < own; ++i)
      add(0.25 / own, 1, chance(0.05), chance(0.005) ? 2 : 0);
    pick_ = std::discrete_distribution<std::size_t>(weights_.begin(), weights_.end());
  }
  std::uint32_t domain() {
    const auto& chosen = groups_[pick_(random_)];
    return chosen.first + std::uint32_t(random_() % chosen.count);
  }
  // What the sites could have taken by `end`, and there was mail for.
  double optimum(milliseconds end) const {
    double sum = 0;
    for (std::size_t i = 0; i < groups_.size(); ++i)
      sum += std::min(groups_[i].rate * seconds_of(end), weights_[i] * recipients_);
    return sum;
  }
  std::mt19937_64& random() { return random_; }
  bool chance(double share) { return double(random_() % 100'000) < share * 100'000; }

 private:
  struct group {
    std::uint32_t first, count;
    double rate;
  };
  void add(double share, std::uint32_t domains, bool greylists, int outage_hours) {
    const auto rate = std::max(2.0, 4 * share * recipients_ / 86'400);
    auto shape = shape_of({{3600s, rate * 1.3}, {1800s, rate * 0.6}, {3600s, rate * 0.9}});
    shape.connections = 5 + unsigned(random_() % 30);
    shape.latency = milliseconds(100 + random_() % 700);
    manners how;
    how.greylists = greylists;
    how.bad_addresses = 0.02;
    how.full_mailboxes = 0.003;
    how.outage_for = std::chrono::hours(outage_hours);
    how.outage_from = std::chrono::hours(random_() % 20);
    if (chance(0.005)) how.lookup = 20s;
    const auto site = server_.internet.add_site(std::move(shape), how, random_());
    group g{std::uint32_t(server_.internet.domains()), std::max(1u, domains), rate};
    for (std::uint32_t i = 0; i < g.count; ++i)
      server_.internet.add_domain(site);
    groups_.push_back(g);
    weights_.push_back(share);
  }

  server& server_;
  std::mt19937_64 random_;
  std::uint32_t recipients_;
  std::vector<group> groups_;
  std::vector<double> weights_;
  std::discrete_distribution<std::size_t> pick_;
};

}  // namespace

bool day(const order& o) {
  const stopwatch took;
  const auto recipients = o.recipients == 0 ? 10'000'000 : o.recipients;
  const auto domains = o.domains == 0 ? 100'000 : o.domains;
  constexpr std::uint16_t accounts = 50;
  server s(o.seed);
  day_world w(s, o.seed, recipients, domains);
  struct campaign {
    std::int64_t from;  // second of the day
    std::uint32_t left, a_second;
    std::uint16_t account;
  };
  // Nine of ten recipients are those of campaigns, which begin by day and come in within ten minutes.
  std::vector<campaign> campaigns;
  for (auto left = recipients / 10 * 9; left > 0;) {
    const auto size = std::min(left, 1 + recipients / 200 + std::uint32_t(w.random()() % (1 + recipients / 50)));
    campaigns.push_back({7 * 3600 + std::int64_t(w.random()() % (12 * 3600)), size, 1 + size / 600,
                         std::uint16_t(1 + w.random()() % accounts)});
    left -= size;
  }
  std::poisson_distribution<std::uint32_t> resets(double(recipients) / 10 / 86'400);
  for (std::int64_t second = 0; second < 86'400; ++second) {
    for (auto n = resets(w.random()); n > 0; --n)
      s.submit({w.domain(), std::uint16_t(1 + w.random()() % accounts), transactional});
    for (auto& c : campaigns) {
      if (c.from > second || c.left == 0) continue;
      for (auto n = std::min(c.left, c.a_second); n > 0; --n, --c.left)
        s.submit({w.domain(), c.account, bulk});
    }
    s.run_until(std::chrono::seconds(second + 1));
  }
  const auto at_midnight = s.spool.queued();
  const auto delivered = s.spool.delivered;
  while (s.spool.queued() > s.spool.added / 10'000 && s.time.now() < 96h)
    s.run_until(s.time.now() + 10min);
  s.check_all();
  std::uint64_t attempts = 0, limited = 0;
  for (const auto& site : s.internet.sites()) {
    attempts += site->attempts;
    limited += site->limited;
  }
  auto& begin = s.transactional_to_begin;
  auto& end = s.transactional_to_end;
  fmt::print("day --seed {} --recipients {} --domains {}: {:.0f} s for {:.1f} hours\n", o.seed, recipients, domains,
             took.seconds(), seconds_of(s.time.now()) / 3600);
  fmt::print("  delivered {}, bounced {}, expired {}, queued {}; at midnight {} were left of {}\n", s.spool.delivered,
             s.spool.bounced, s.spool.expired, s.spool.queued(), at_midnight, s.spool.added);
  fmt::print("  delivered by midnight: {:.1f} % of what the sites' hidden limits allowed\n",
             100 * double(delivered) / w.optimum(24h));
  fmt::print("  attempts {}, of which {:.2f} % ran into a limit\n", attempts, 100 * double(limited) / double(attempts));
  fmt::print("  transactional mail: begun within {:.3f} s (p50), {:.1f} s (p99); delivered within {:.3f} s, {:.1f} s\n",
             seconds_of(begin.share(0.5)), seconds_of(begin.share(0.99)), seconds_of(end.share(0.5)),
             seconds_of(end.share(0.99)));
  return double(delivered) >= 0.9 * w.optimum(24h) && begin.share(0.99) <= 1min;
}

}  // namespace gonets::sim
