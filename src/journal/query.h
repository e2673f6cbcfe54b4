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
  std::string subject;  // a part of it; ASCII case does not count
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
  std::string subject;                                            // empty: none, or not kept
  wall_time accepted{};
  std::uint64_t message_bytes = 0;
  std::string recipient;  // as it was given; when `hashed`, a text that only tells it from others
  bool hashed = false;
  std::string provider;
  std::string status;           // the kind of its latest event
  std::string category, reply;  // of its latest attempt
  wall_time at{};               // of its latest event
  std::uint32_t attempts = 0;
};

struct page {
  std::vector<row> rows;         // newest first
  std::optional<position> next;  // nothing: there are no more
};

// Recipients by what happened to them, in periods that begin at `since` or later, and before `until`.
enum class statistics_by : std::uint8_t {
  minute,  // of the last two days
  hour,
  day,
  account,
  stream,
  provider,
  campaign,
  egress,
  category,
  tag  // counted for each tag of a message, and not at all when it has none
};
std::string_view to_text(statistics_by by);
std::optional<statistics_by> parse_statistics_by(std::string_view text);
bool is_time(statistics_by by);

inline constexpr std::size_t statistics_rows_max = 50'000;

struct statistics_query {
  std::vector<statistics_by> by{statistics_by::stream};  // each once
  std::optional<account_id> account;
  wall_time since{}, until{};
};

struct statistics_row {
  std::vector<std::string> names;  // one for each that is asked by; of an account its number, of a time its first ms
  std::map<std::string, std::uint64_t> counts;  // by the kind of event
};
using statistics = std::vector<statistics_row>;

// Of "*@example.com".
std::optional<std::string> recipient_domain(const query& q);

}  // namespace gonets::journal
