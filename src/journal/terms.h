// What the journal finds by way of an index: an entry for each thing that is known of a recipient, under a number made
// of it, within a slot of the day. In an index of the texts alone each new message would fall on pages of its own all
// over the day's file; by slots, those of the present one fit into memory and get many at once. Numbers may collide:
// whoever looks one up must compare the texts, too.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/ids.h"

namespace gonets::journal {

// Stored; never change one.
enum class term_kind : char {
  recipient = 'r',  // in lower case, as the domain and the sender
  domain = 'd',     // of a recipient
  sender = 's',
  header_message_id = 'h',
  campaign = 'c',
  tag = 't'
};

std::int64_t term_of(term_kind kind, std::string_view text);

// The slots of a day, in the order of the messages' ids: one an hour (UTC), and hours that have much mail are divided
// further. A message's follows from its id and from where hours were divided: a part begins with the id of a split.
class slots {
 public:
  slots() = default;
  explicit slots(std::vector<message_id> splits);  // in order
  unsigned of(message_id id) const;
  // Those that messages between these two may be in, both included, the latest first; and all of them.
  std::vector<unsigned> between(message_id first, message_id last) const;
  std::vector<unsigned> all() const;

 private:
  unsigned parts_of(unsigned hour) const;
  std::vector<message_id> splits_;
};
unsigned hour_of(message_id id);  // of its day (UTC), 0 to 23

// Of 2^bits slices of all terms, in their order: in which one a term is, and the first and last that may be in one.
std::uint64_t merge_slice_of(std::int64_t term, unsigned bits);
std::pair<std::int64_t, std::int64_t> merge_slice(std::uint64_t slice, unsigned bits);

}  // namespace gonets::journal
