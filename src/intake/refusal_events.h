// Tells the event log what was refused to senders that are known, and which quotas are used up. What strangers are
// refused is in the log alone: it is nobody's mail. Safe from any thread.
#pragma once
#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "base/clock.h"
#include "base/status.h"
#include "intake/source.h"
#include "message/envelope.h"
#include "metrics/metrics.h"
#include "shaping/quota.h"
#include "spool/spool.h"

namespace gonets::intake {

class refusal_events {
 public:
  // A client that is refused all day must not fill the disk: in a second, all clients together.
  static constexpr std::uint32_t a_second_max = 100;

  refusal_events(spool::spool& store, const clock& time, metrics::registry& counts);

  // At MAIL, at RCPT (`who`), or of the whole message.
  void rejected(const source& from, stage at, const message::envelope& of, const message::recipient* who,
                const reply& r);
  // Told once for each quota and window.
  void over_quota(account_id of, const shaping::quota_excess& e);

 private:
  bool within_bound(wall_time now);

  // The account, and the quota's stream, window and measure.
  using quota_name = std::tuple<account_id, std::string, shaping::quota_window, shaping::quota_measure>;

  spool::spool& store_;
  const clock& time_;
  metrics::counter& untold_;
  std::atomic<std::uint64_t> this_second_{0};  // the second since the epoch, shifted by 32, and how many in it
  std::mutex mutex_;
  std::map<quota_name, wall_time> told_;  // until when
};

}  // namespace gonets::intake
