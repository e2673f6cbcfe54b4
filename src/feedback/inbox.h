// Takes what comes back to our return paths, and to the addresses that unsubscribe: finds the recipient that it is
// about, by the address alone, and records what the report says of it. Blocking: for the blocking pool; safe from
// several of its threads.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "accounts/directory.h"
#include "base/clock.h"
#include "base/id_source.h"
#include "base/status.h"
#include "bounce/report.h"
#include "feedback/original.h"
#include "feedback/unsubscriber.h"
#include "message/verp.h"
#include "metrics/metrics.h"
#include "spool/spool.h"

namespace gonets::feedback {

struct options {
  bool forward = true;  // what came back also goes to the return path that the sender gave
  std::string stream;   // by which that leaves
};

struct environment {
  spool::spool& store;
  const bounce::classifier& bounces;
  const message::verp_signer& return_paths;
  unsubscriber& unsubscribes;
  const clock& time;
  id_source& ids;
  metrics::registry& counts;
  std::size_t shard;                              // on which `admit` is called
  std::function<void(spool::message_ptr)> admit;  // a message that was just made safe
  // A message that left by that egress was complained of, at that provider (empty: none that is known).
  std::function<void(std::string egress, std::string provider)> complained;
  const accounts::directory_source& accounts;
};

class inbox {
 public:
  inbox(options with, environment env);
  void reconfigure(options with);  // from any thread

  // `m`, for one of its recipients, whose domain is that of the return paths. Gives what a server would say to it: 250
  // when all that it says is with the spool, 550 5.1.1 for an address that we did not make, 451 when the disk can't be
  // read.
  reply take(const spool::queued_message& m, std::string_view recipient);

 private:
  reply take_wish(const spool::queued_message& m, const message::verp& who);
  std::optional<std::string> read(const spool::queued_message& m) const;
  void note(const original& of, const message::verp& who, const bounce::report& what, message_id came_as,
            spool::change& to) const;
  void suppress(const original& of, const bounce::report& what, const events::event& told, spool::change& to) const;
  void forward(const original& of, const spool::queued_message& m, std::string content, spool::change& to) const;

  std::atomic<std::shared_ptr<const options>> with_;
  environment env_;
  metrics::counter& bounces_;
  metrics::counter& complaints_;
  metrics::counter& others_;
  metrics::counter& forged_;
};

}  // namespace gonets::feedback
