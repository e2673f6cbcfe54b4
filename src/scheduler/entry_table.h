// The in-memory index of queued recipients on one shard: a slab of small entries, found by handle or by message. A
// deferred recipient costs one entry, one heap item and its share of the index: about 130 bytes, and none of its body.
#pragma once
#include <boost/unordered/unordered_flat_map.hpp>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.h"
#include "spool/lease.h"
#include "spool/message.h"

namespace gonets::scheduler {

using handle = std::uint32_t;
inline constexpr handle no_handle = ~0u;

// resolving -> ready, paused, deferred, (gone)      the directory answers
// ready -> loading, leased, held, paused, (gone)    in a site's queue
// loading -> ready, held, paused, (gone)            its message is being read from the spool
// leased -> ready, deferred, (gone)         delivery has it
// deferred -> resolving, ready, held, (gone) waits for `due_ms`
// held -> resolving, ready, paused, (gone)  waits for an operator
// paused -> resolving, ready, held, (gone)  its account may not send now, or a standing hold keeps it; in the place of
// ready
enum class entry_state : std::uint8_t { free, resolving, ready, loading, leased, deferred, held, paused };
std::string_view to_text(entry_state s);

// Of a message whose sender gave it none.
inline constexpr std::uint32_t no_labels = ~0u;

struct site;

struct entry {
  message_id id;
  spool::message_ptr hot;   // with envelope, and with body unless it is large; null: on disk only
  site* at = nullptr;       // while ready, loading, leased
  std::int64_t due_ms = 0;  // deferred: of the next attempt; ready: since when
  // Of those whose sender set a time: when it is given up, or with `by_notice` when its sender is told that it is late
  // (RFC 2852). 0: as its stream has it.
  std::int64_t expires_ms = 0;
  std::uint32_t domain = 0;
  std::uint32_t labels = no_labels;
  handle next = no_handle;     // in a site's queue
  handle sibling = no_handle;  // the next recipient of the same message on this shard
  account_id account;
  recipient_index index;
  std::uint16_t recipients_total = 1;
  std::uint16_t attempts = 0;
  entry_state state = entry_state::free;
  std::uint8_t stream = 0;
  bool recorded : 1 = false;  // the spool has a record of this recipient
  bool delay_reported : 1 = false;
  bool linked : 1 = false;       // in a site's queue, also if its state has changed since
  bool hold_wanted : 1 = false;  // an operator asked while it was leased
  bool remove_wanted : 1 = false;
  bool by_notice : 1 = false;  // see expires_ms
  bool cleared : 1 = false;    // looked up on the suppression list and not found, for the next attempt
};

// Texts, each kept once and counted.
class name_table {
 public:
  std::uint32_t add(std::string_view name);
  void release(std::uint32_t domain);
  const std::string& name(std::uint32_t domain) const { return names_[domain].text; }

 private:
  struct named {
    std::string text;
    std::uint32_t users = 0;
  };
  std::deque<named> names_;
  std::vector<std::uint32_t> free_;
  std::unordered_map<std::string_view, std::uint32_t> numbers_;  // views into names_
};

class entry_table {
 public:
  handle add(entry e);  // and into the index of its message
  void remove(handle h);
  entry& operator[](handle h) { return entries_[h]; }
  const entry& operator[](handle h) const { return entries_[h]; }
  handle find(message_id id) const;  // the first of its recipients here; follow `sibling`
  std::size_t size() const { return entries_.size() - free_.size(); }
  std::size_t slots() const { return entries_.size(); }  // handles are below this; some are free

  name_table domains;
  name_table labels;  // as message/labels.h has them

 private:
  std::deque<entry> entries_;
  std::vector<handle> free_;
  boost::unordered_flat_map<std::uint64_t, handle> first_;
};

}  // namespace gonets::scheduler
