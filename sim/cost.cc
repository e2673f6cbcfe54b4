// What scheduling a recipient costs, in a queue of a million: CPU time on this machine, not virtual time.
#include <fmt/format.h>

#include <chrono>
#include <vector>

#include "sim/scenarios.h"
#include "sim/server.h"

namespace gonets::sim {
namespace {

constexpr std::uint32_t sites = 1000;

// Nothing is sent but what the scenario takes by itself.
class nobody final : public spool::transport {
 public:
  bool resume(spool::site_id) override { return false; }
  void open(spool::site_id site, spool::destination_ptr) override { opened.push_back(site); }
  std::vector<spool::site_id> opened;
};

template <class Work>
double microseconds_each(std::size_t count, Work work) {
  const auto from = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < count; ++i)
    work(i);
  return std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - from).count() / double(count);
}

}  // namespace

bool cost(const order& o) {
  const std::uint32_t recipients = o.recipients == 0 ? 1'000'000 : o.recipients;
  server s(o.seed);
  for (std::uint32_t i = 0; i < sites; ++i)
    s.internet.add_domain(s.internet.add_site({}, {}, o.seed));
  nobody out;
  scheduler::options with;
  with.streams = {{"transactional", 0, shaping::default_retry_policy()}, {"bulk", 1, shaping::bulk_retry_policy()}};
  with.hot_bytes_max = std::uint64_t(8) << 30;
  with.pace.adaptive = false;
  id_source ids{0, {}};
  scheduler::scheduler sched(std::move(with), scheduler::environment{s.spool, s.time, s.time, s.time, ids, s.internet,
                                                                     out, s.counts, s.limits, s.warm_ups});
  sched.join({&sched});
  for (std::uint32_t i = 0; i < sites; ++i)
    s.internet.find(world::domain_name(i), [](const auto&, const auto&) {});
  s.time.run_until(std::chrono::seconds(1), [] {});
  std::vector<spool::message_ptr> mail;
  for (std::uint32_t i = 0; i < recipients; ++i)
    mail.push_back(s.spool.add(ids.next(s.time.wall()), {i % sites, std::uint16_t(i % 100), bulk}));
  const auto enqueue = microseconds_each(recipients, [&](std::size_t i) { sched.admit(std::move(mail[i])); });
  const std::size_t some = recipients / 5;
  std::vector<spool::lease> leases;
  leases.reserve(some);
  const auto pick = microseconds_each(some, [&](std::size_t i) {
    if (auto l = sched.take(out.opened[i % out.opened.size()], 100)) leases.push_back(std::move(*l));
  });
  spool::attempt_result later;
  later.recipients.push_back({smtp::disposition::deferred, stage::rcpt, {452, {4, 2, 2}, "mailbox full"}, true});
  const auto defer =
      microseconds_each(leases.size(), [&](std::size_t i) { sched.settle(std::move(leases[i]), later); });
  fmt::print(
      "cost: in a queue of {} for {} sites, a recipient is enqueued in {:.2f} us, picked in {:.2f}, deferred in {:.2f} "
      "(3 allowed for each); {} were picked\n",
      recipients, sites, enqueue, pick, defer, leases.size());
  return leases.size() == some && enqueue <= 3 && pick <= 3 && defer <= 3;
}

}  // namespace gonets::sim
