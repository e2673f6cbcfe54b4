// The spool in memory: enough of each message to make it again, as the disk would give it back.
#pragma once
#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "sim/loop.h"
#include "spool/queue_store.h"
#include "storage/store.h"

namespace gonets::sim {

struct letter {
  std::uint32_t domain = 0;
  std::uint16_t account = 0;
  std::uint8_t stream = 0;
  bool begun = false;
};

class store final : public spool::queue_store {
 public:
  // `streams`: their names, by number.
  store(loop& time, std::vector<std::string> streams) : time_(time), streams_(std::move(streams)) {}

  spool::message_ptr add(message_id id, letter what);
  void settle(spool::change request) override;
  std::size_t unwritten() const override { return 0; }  // this disk is never behind
  spool::message_ptr fetch(message_id id, bool with_body) const override;
  std::optional<std::string> fetch_chunk(message_id, std::uint32_t) const override { return std::nullopt; }
  const spool::pace_ledger& pace() const override { return pace_; }
  bool may_be_suppressed(account_id, std::string_view) const override { return false; }
  bool may_have_soft_bounces(account_id, std::string_view) const override { return false; }
  std::optional<suppression::entry> find_suppression(account_id, std::string_view, const suppression::mail&,
                                                     wall_time) const override {
    return std::nullopt;
  }

  std::size_t queued() const { return letters_.size(); }
  const letter* find(message_id id) const;
  bool begin(message_id id);  // whether this is its first attempt

  // Totals of recipients; every one that was added is in exactly one of these, or queued.
  std::uint64_t added = 0, delivered = 0, bounced = 0, expired = 0;
  std::uint64_t deferrals = 0, pace_changes = 0;

 private:
  spool::message_ptr make(message_id id, letter what) const;

  loop& time_;
  std::vector<std::string> streams_;
  std::unordered_map<std::uint64_t, letter> letters_;
  spool::pace_ledger pace_;
  storage::batch ignored_;
};

}  // namespace gonets::sim
