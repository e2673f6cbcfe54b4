// What is asked of the journal, and what it answers. Values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"

namespace gonets::journal {

// Where a page ended: the recipient that was its last.
struct position {
  message_id message;
  recipient_index index;
};

// All that are given must match; empty: any.
struct query {
  std::optional<account_id> account;
  std::optional<message_id> message;
  std::string recipient;  // the whole address; case does not count
  std::string sender, header_message_id, campaign, tag;
  std::string status, category, provider;
  std::optional<position> before;  // older than this one alone
  std::size_t max = 100;
};

struct row {
  message_id message;
  recipient_index index;
  account_id account;
  std::string stream, sender, campaign, tags, header_message_id;  // tags: a line each
  wall_time accepted{};
  std::uint64_t message_bytes = 0;
  std::string recipient, provider;
  std::string status;           // the kind of its latest event
  std::string category, reply;  // of its latest attempt
  wall_time at{};               // of its latest event
  std::uint32_t attempts = 0;
};

struct page {
  std::vector<row> rows;         // newest first
  std::optional<position> next;  // nothing: there are no more
};

}  // namespace gonets::journal
