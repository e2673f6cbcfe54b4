// The recipients that wait at one site: by stream, and within a stream by account, so that whose turn it is does not
// depend on how many wait. Those whose message is in memory are `hot`; of those on disk, `cold`, a few of each account
// are read ahead. Lives on the site's shard.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/ids.h"
#include "scheduler/entry_table.h"
#include "scheduler/fifo.h"
#include "shaping/fair_share.h"

namespace gonets::scheduler {

// One account's recipients in one stream.
struct account_line {
  account_id who;
  fifo hot, cold;
  bool reading = false;  // stream_line's list of those to be read for has it
};

class stream_line {
 public:
  stream_line(std::uint8_t stream, unsigned priority) : stream_(stream), priority_(priority) {}

  std::uint8_t stream() const { return stream_; }
  unsigned priority() const { return priority_; }  // 0 goes first
  std::size_t hot_count() const { return hot_; }   // what is linked
  std::size_t cold_count() const { return cold_; }
  bool empty() const { return hot_ == 0 && cold_ == 0; }
  std::size_t accounts() const { return places_.size(); }

  // The account whose turn it is, among those with a message in memory; null: there is none. The same until taken() or
  // pass().
  account_line* turn(entry_table& entries);
  // It can't send now, for reasons of its own; its turn is over.
  void pass(account_id who) { turns_.pass(who); }
  template <class WeightOf>
  void weigh(WeightOf&& weight_of) {
    for (const auto& [who, line] : places_)
      if (turns_.contains(who)) turns_.add(who, weight_of(who));
  }
  // How many accounts can have a turn.
  std::size_t turns() const { return turns_.size(); }

  // The next recipients in `of` whose message is the same, at most `max`; at least one, if its front() is one.
  void take(entry_table& entries, account_line& of, std::size_t max, std::vector<handle>& to);

  template <class Visit>
  void for_each(const entry_table& entries, Visit&& visit) const {
    for (const auto& [who, line] : places_) {
      line->hot.for_each(entries, visit);
      line->cold.for_each(entries, visit);
    }
  }

 private:
  friend class site_queue;
  void push(entry_table& entries, handle h, std::uint32_t weight, bool front);
  void next_to_read(entry_table& entries, std::size_t max, std::vector<handle>& to);
  void want_reading(account_line& line);
  void drop_if_empty(account_line& line);
  std::size_t read_ahead() const;

  std::uint8_t stream_;
  unsigned priority_;
  std::size_t hot_ = 0, cold_ = 0;
  boost::unordered_flat_map<account_id, std::unique_ptr<account_line>, std::hash<account_id>> places_;
  shaping::fair_share turns_;       // of those with something hot
  std::deque<account_id> to_read_;  // those with something cold and little that is hot
};

class site_queue {
 public:
  // Into the line of its stream and account, which shares by `weight`; hot if its entry is.
  void push(entry_table& entries, handle h, unsigned priority, std::uint32_t weight, bool front);
  // Of the accounts that wait, from now on.
  template <class WeightOf>
  void weigh(WeightOf&& weight_of) {
    for (const auto& l : lines_)
      l->weigh(weight_of);
  }
  // The next cold recipients to be read, at most `max`: streams by priority, accounts in turn. They leave the queue.
  std::vector<handle> next_to_read(entry_table& entries, std::size_t max);

  // By priority; among equals, those come first whose turn it is.
  const std::vector<std::unique_ptr<stream_line>>& lines() const { return lines_; }
  stream_line* line(std::uint8_t stream) const;
  // Something of it was sent: others of the same priority go first now.
  void rotate(const stream_line& after);

  std::size_t hot_count() const;
  std::size_t cold_count() const;
  bool empty() const;
  template <class Visit>
  void for_each(const entry_table& entries, Visit&& visit) const {
    for (const auto& l : lines_)
      l->for_each(entries, visit);
  }

 private:
  std::vector<std::unique_ptr<stream_line>> lines_;
};

}  // namespace gonets::scheduler
