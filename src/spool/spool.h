// The durable queue: every message that was answered 250 and has not ended. All changes go through one committer
// thread, which groups what many sessions ask for into one synced batch (group commit), in the order of asking.
//
// Durability: a completion with `ok` runs only after the batch was synced. A change of recipients (settle) is never
// refused: while the disk fails it is kept in memory and written as soon as the disk takes it.
#pragma once
#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "events/event.h"
#include "events/log_end.h"
#include "metrics/metrics.h"
#include "runtime/shards.h"
#include "spool/message.h"
#include "spool/queue_store.h"
#include "spool/quota_ledger.h"
#include "storage/store.h"

namespace gonets::spool {

// One message to be made safe.
// Held while a message is on its way to spool::accept(), for longer than it takes to copy it: what is to be synced
// waits a moment for such messages. Given up with the message.
struct end_announcement {
  void operator()(std::atomic<std::size_t>* coming) const { coming->fetch_sub(1, std::memory_order_relaxed); }
};
using announcement = std::unique_ptr<std::atomic<std::size_t>, end_announcement>;

struct acceptance {
  std::shared_ptr<queued_message> message;  // not changed after the call
  events::event event;
  std::uint32_t chunks_written = 0;  // by append_chunk: 0 when the whole body is in memory
  std::string first_chunk;           // the chunk 0 of a body in chunks: what stands in front of those that were written
  // Quotas of its account that it must fit in, and is counted against in the same batch; null: it is not counted.
  std::shared_ptr<const std::vector<shaping::quota>> quotas;
  announcement announced;  // or null
  std::size_t shard = 0;   // where `done` runs
  on_commit done;
};

struct options {
  std::string path;
  std::uint64_t free_bytes_min = 1'073'741'824;
  std::chrono::microseconds commit_gap{500};  // waited under load, so that more sessions share a sync
  std::chrono::milliseconds event_retention{std::chrono::hours(720)};
  std::shared_ptr<rocksdb::FileSystem> file_system;  // tests only
};

class spool final : public queue_store {
 public:
  // Opens or makes the spool; does not load it. `shards` must outlive it.
  static storage::result<std::unique_ptr<spool>> open(const options& with, runtime::shards& on, const clock& time,
                                                      metrics::registry& counts);
  // Writes what was asked for, then closes.
  ~spool() override;

  // Ends the committer after it has written what was asked for; what comes later is not written. Completions still run
  // on their shards, which must not have been stopped yet.
  void drain();

  announcement announce();
  void accept(acceptance request);
  void settle(change request) override;
  std::size_t unwritten() const override;

  // A body that is larger than memory should hold: its parts, numbered from 1, are written as they come (not yet
  // synced), and acceptance::chunks_written names how many; chunk 0 comes with the acceptance, since a signature in
  // front is known only at the end. discard_chunks forgets them; a crash does too.
  void append_chunk(message_id id, std::uint32_t number, std::string part, std::size_t shard, on_commit done);
  void discard_chunks(message_id id, std::uint32_t count);

  // Visits every message that has not ended, as of the time of begin_load(), without bodies, in the order of
  // acceptance; only recipients that have not ended. Blocks: not for shards. Records that can't be read are counted and
  // logged.
  using load_visitor = std::function<void(message_ptr, std::vector<loaded_recipient>)>;
  void begin_load();
  storage::result<std::uint64_t> load(const load_visitor& visit);

  // Blocking reads, for the blocking pool. Nothing: it has ended, or can't be read (logged).
  message_ptr fetch(message_id id, bool with_body) const override;
  std::optional<std::string> fetch_chunk(message_id id, std::uint32_t number) const override;
  std::vector<loaded_recipient> fetch_records(message_id id) const;

  // Whether a message may be accepted now; false when the disk is nearly full or failing.
  commit_status admission() const;
  message_id highest_id() const;  // ever given out before this start
  const quota_ledger& quotas() const;
  const pace_ledger& pace() const override;
  bool may_be_suppressed(account_id of, std::string_view address) const override;
  std::optional<suppression::entry> find_suppression(account_id of, std::string_view address,
                                                     const suppression::mail& what, wall_time now) const override;
  bool may_have_soft_bounces(account_id of, std::string_view address) const override;
  storage::store& store();
  event_seq last_event() const;
  events::log_end& safe_events();  // what readers follow
  // For a timer: events older than the retention, counts of soft bounces that have expired.
  void trim();
  void reconfigure(std::uint64_t free_bytes_min, std::chrono::milliseconds event_retention);  // from any thread

 private:
  struct impl;
  explicit spool(std::unique_ptr<impl> i);
  void trim_events();
  std::unique_ptr<impl> impl_;
};

// Keys; shared with the audit and the event log. docs/formats/spool.md
std::string message_key(message_id id);
std::string body_key(message_id id, std::uint32_t chunk);
std::string recipient_key(message_id id, recipient_index index);
std::string event_key(event_seq seq);
std::string history_key(message_id id, event_seq seq);

}  // namespace gonets::spool
