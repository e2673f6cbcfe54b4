// What a message that came back reports: bounces of any make, complaints, automatic answers, wishes to be left alone.
// Pure. The message is hostile: any bytes are survived, in bounded time and memory.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bounce/classifier.h"

namespace gonets::bounce {

enum class report_kind : std::uint8_t { bounce, complaint, auto_reply, unsubscribe, not_a_report };
std::string_view to_text(report_kind k);

// Of one recipient. Empty: unknown. All text is valid UTF-8 without control characters.
struct report {
  report_kind kind = report_kind::not_a_report;
  std::string recipient;
  std::string action;  // RFC 3464's: failed, delayed, delivered, relayed, expanded
  enhanced_status status;
  std::uint16_t code = 0;
  std::string diagnostic;
  std::string remote_mta;
  std::string original_message_id;  // without angle brackets
  bool has_category = false;        // a complaint and what is no report have none
  verdict what;
};

struct report_limits {
  std::size_t message_bytes_max = 8u << 20;  // what follows is not looked at
  std::size_t depth_max = 12;
  std::size_t parts_max = 100;
  std::size_t text_bytes_max = 256u << 10;  // of one part
  std::size_t recipients_max = 1000;
  std::size_t diagnostic_bytes_max = 2000;
};

// At least one; several where several recipients are reported.
std::vector<report> read_report(std::string_view message, const classifier& with, const report_limits& limits = {});

// What one reply, or a line of a log that quotes one, says.
report read_reply(std::string_view text, const classifier& with);

}  // namespace gonets::bounce
