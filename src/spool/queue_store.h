// What the scheduler asks of the spool, so that a simulation can stand in for the disk.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "events/event.h"
#include "spool/message.h"
#include "spool/pace_ledger.h"
#include "suppression/list.h"

namespace gonets::spool {

enum class commit_status : std::uint8_t {
  ok,
  over_quota,  // 452 4.2.2, 550 5.7.1; quotas() says of which
  no_space,    // 452 4.3.1
  failed       // 451 4.3.0
};
using on_commit = std::move_only_function<void(commit_status)>;

struct recipient_change {
  recipient_index index;
  recipient_record record;
};

// What happens to some recipients of one message, in one atomic batch.
struct change {
  message_id id;
  std::uint16_t recipients_total = 1;
  std::uint32_t chunks = 1;
  bool recorded = false;  // some recipient of it has a record already
  std::vector<recipient_change> recipients;
  std::vector<events::event> events;
  std::vector<std::shared_ptr<queued_message>> reports;  // DSNs that this causes, accepted in the same batch...
  std::vector<events::event> report_events;              // ...each with its `accepted`
  std::vector<pace_fact> facts;                          // synced before `done`
  std::vector<suppression::change> suppressions;
  std::vector<suppression::soft_change> soft_bounces;
  std::size_t shard = 0;
  on_commit done;  // may be empty; `ok` always, as soon as it is safe
};

class queue_store {
 public:
  virtual ~queue_store() = default;
  // Never refused: while the disk fails it is kept in memory.
  virtual void settle(change request) = 0;
  // Changes not yet written: what a crash would repeat. Any thread.
  virtual std::size_t unwritten() const = 0;
  // Blocking reads. Nothing: it has ended, or can't be read.
  virtual message_ptr fetch(message_id id, bool with_body) const = 0;
  virtual std::optional<std::string> fetch_chunk(message_id id, std::uint32_t number) const = 0;
  virtual const pace_ledger& pace() const = 0;
  // Whether find_suppression() must be asked: false is certain. Does not block.
  virtual bool may_be_suppressed(account_id of, std::string_view address) const = 0;
  // Blocking. Why such mail of the account is not sent there now; nothing: it is, or the disk can't tell.
  virtual std::optional<suppression::entry> find_suppression(account_id of, std::string_view address,
                                                             const suppression::mail& what, wall_time now) const = 0;

  // Whether a delivery to that address must be told in change::soft_bounces: false is certain. Does not block.
  virtual bool may_have_soft_bounces(account_id of, std::string_view address) const = 0;

  // Something that happened to no message: a domain's records, a certificate. Its `message` is zero. Not synced by
  // itself.
  void record(events::event happened);
  // `done` (may be empty): the facts are safe.
  void keep(std::vector<pace_fact> facts, std::size_t shard, on_commit done);
};

}  // namespace gonets::spool
