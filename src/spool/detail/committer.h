// The one thread that writes the spool. Requests queue under a mutex; the thread takes all of them, writes one batch,
// syncs if any of them promises something, and completes them on their shards.
#pragma once
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <variant>
#include <vector>

#include "events/log_end.h"
#include "spool/spool.h"

namespace gonets::spool::detail {

// An acceptance, and what became of its charge.
struct pending_acceptance {
  acceptance what;
  bool over_quota = false;  // not written
  wall_time charged_at{};
};
struct chunk_write {
  message_id id;
  std::uint32_t number = 0;
  std::string part;
  std::size_t shard = 0;
  on_commit done;
};
struct chunk_discard {
  message_id id;
  std::uint32_t count = 0;
};
struct trim {
  storage::batch writes;
};

// How many recipients of a message are still under way; only messages with several are listed.
class live_messages {
 public:
  struct entry {
    std::uint16_t remaining;
    bool recorded;
  };
  void add(message_id id, entry e);
  // Takes `ended` off; what is left. `recorded` is kept up, and returned.
  entry take(message_id id, std::uint16_t ended, bool recorded, std::uint16_t total);

 private:
  std::mutex mutex_;
  std::unordered_map<message_id, entry> entries_;
};

// A change may have to be written again after the disk failed; what it leaves of the message is counted once.
struct pending_change {
  change what;
  std::optional<live_messages::entry> left;
  bool again = false;  // a batch with it failed, and may be on the disk all the same
};

using request = std::variant<pending_acceptance, pending_change, chunk_write, chunk_discard, trim>;

class committer {
 public:
  committer(storage::store& store, runtime::shards& on, const clock& time, std::chrono::microseconds gap,
            event_seq last, quota_ledger& quotas, pace_ledger& pace, suppression::list& suppressed,
            metrics::registry& counts);
  ~committer();  // writes what is queued first
  void drain();  // ends the thread once it has written what is queued
  void submit(request r);
  // `ok`, or what the disk last refused for, until it takes writes again.
  commit_status health() const { return health_.load(std::memory_order_relaxed); }
  bool failing() const { return health() != commit_status::ok; }
  event_seq last_event() const { return event_seq{published_.load(std::memory_order_acquire)}; }
  events::log_end& safe_events() { return safe_events_; }
  live_messages& live() { return live_; }
  announcement announce() {
    coming_.fetch_add(1, std::memory_order_relaxed);
    return announcement(&coming_);
  }
  std::size_t unwritten() const { return unwritten_.load(std::memory_order_relaxed); }

 private:
  struct group;
  void run();
  void gather(std::vector<request>& taken);
  void write_group(std::vector<request>& taken);
  void add(pending_acceptance& p, group& g);
  bool charge(pending_acceptance& p);
  void add(pending_change& p, group& g);
  void add(chunk_write& c, group& g);
  void add(chunk_discard& c, group& g);
  void add(trim& t, group& g);
  void put_message(const queued_message& m, storage::batch& to);
  bool is_stored(message_id id) const;
  void put_event(events::event& e, group& g);
  void complete(std::vector<request>& taken, commit_status status);
  void fail(std::vector<request>& taken, group& g, const storage::error& why);
  bool try_to_recover();
  void keep_changes(std::vector<request>& taken);
  void sync_when_idle();

  storage::store& store_;
  runtime::shards& shards_;
  const clock& time_;
  const std::chrono::microseconds gap_;
  live_messages live_;
  quota_ledger& quotas_;
  pace_ledger& pace_;
  suppression::list& suppressed_;

  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<request> queue_;
  bool stopping_ = false;
  enum class waiting_for : std::uint8_t { nothing, requests, signatures };
  waiting_for waits_ = waiting_for::nothing;  // of the thread

  // Of the thread alone.
  std::uint64_t next_seq_;
  std::size_t last_group_ = 0;
  storage::batch batch_;       // reused: fresh pages of memory cost more than what is written into them
  std::string key_, value_;    // reused
  std::vector<request> owed_;  // changes that the disk did not take; written before anything else
  storage::batch undo_;        // brings the keys of failed batches to a known state
  std::atomic<commit_status> health_{commit_status::ok};
  bool dirty_ = false;  // something was written after the last sync...
  steady_time dirty_since_{};
  steady_time next_recovery_{};
  std::atomic<std::size_t> unwritten_{0};  // changes
  std::atomic<std::size_t> coming_{0};     // announced
  std::atomic<std::uint64_t> published_;
  events::log_end safe_events_;  // as published_, but for what a power cut could still take back
  std::thread thread_;

  metrics::counter& commits_;
  metrics::counter& synced_messages_;
  metrics::counter& failures_;
  metrics::histogram& sync_seconds_;
};

}  // namespace gonets::spool::detail
