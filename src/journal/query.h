// What is asked of the journal, and what it answers. Values.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
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
  std::string recipient;  // the whole address, or "*@" and a domain; case does not count
  std::string sender, header_message_id, campaign, tag;
  std::string status, category, provider;
  std::optional<wall_time> since, until;  // accepted then or later; before then
  std::optional<position> before;         // older than this one alone
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

// Recipients by what happened to them, in hours that begin at `since` or later, and before `until`.
enum class statistics_by : std::uint8_t { hour, day, account, stream, provider, campaign, egress, category };
std::string_view to_text(statistics_by by);
std::optional<statistics_by> parse_statistics_by(std::string_view text);

struct statistics_query {
  statistics_by by = statistics_by::stream;
  std::optional<account_id> account;
  wall_time since{}, until{};
};

struct statistics_row {
  std::string name;                             // of an account its number, of an hour or day its first millisecond
  std::map<std::string, std::uint64_t> counts;  // by the kind of event
};
using statistics = std::vector<statistics_row>;

// Of "*@example.com".
std::optional<std::string> recipient_domain(const query& q);

}  // namespace gonets::journal
