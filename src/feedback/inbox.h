// Takes what comes back: to our return paths, to the addresses that unsubscribe, and to those that are the same for
// everybody (message/fixed_addresses.h). Finds the recipient that it is about, by the address where that names one, and
// records what the report says of it. Blocking: for the blocking pool; safe from several of its threads.
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
#include "feedback/complaint_search.h"
#include "feedback/original.h"
#include "feedback/report_keeper.h"
#include "feedback/unsubscriber.h"
#include "message/fixed_addresses.h"
#include "message/verp.h"
#include "metrics/metrics.h"
#include "spool/spool.h"

namespace gonets::feedback {

struct options {
  bool forward = true;  // what came back also goes to the return path that the sender gave
  std::string stream;   // by which that leaves
  // Who gets what comes to a fixed address and is no report: providers write there to confirm it.
  std::string postmaster;
};

struct environment {
  spool::spool& store;
  const bounce::classifier& bounces;
  const message::verp_signer& return_paths;
  unsubscriber& unsubscribes;
  complaint_search complaints;
  report_keeper& reports;
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
  reply take_complaint(const spool::queued_message& m, std::string content);
  reply take_report(const spool::queued_message& m, std::string content);
  reply take_letter(const spool::queued_message& m, std::string content);
  reply take_opt_out(const complained_of& found, message_id came_as);
  reply unsubscribe(const message::verp& who, message_id came_as);
  std::optional<std::string> read(const spool::queued_message& m) const;
  struct finding {
    const original& of;
    message::verp who;
    std::optional<trace_mark> by;  // nothing: the address that it came to
  };
  void note(const finding& about, const bounce::report& what, message_id came_as, spool::change& to) const;
  void suppress(const original& of, const bounce::report& what, const events::event& told, spool::change& to) const;
  struct forwarding {
    account_id account;
    std::string to, origin;
  };
  void forward(forwarding where, const spool::queued_message& m, std::string content, spool::change& to) const;
  void settle(spool::change c) const;

  std::atomic<std::shared_ptr<const options>> with_;
  environment env_;
  metrics::counter& bounces_;
  metrics::counter& complaints_;
  metrics::counter& others_;
  metrics::counter& forged_;
};

}  // namespace gonets::feedback
