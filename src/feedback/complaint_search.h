// Which of our messages a complaint is about that came to the fixed address, where no return path names it. Blocking.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bounce/original_marks.h"
#include "bounce/report.h"
#include "feedback/original.h"
#include "message/verp.h"
#include "storage/store.h"

namespace gonets::feedback {

// By what a message was found: what providers leave differs, so each is tried, the surest first. The signed ones name
// the recipient and prove that the report was made by somebody who had the message.
enum class trace_mark : std::uint8_t { return_path, feedback_id, list_unsubscribe, queue_id, message_id };
std::string_view to_text(trace_mark m);
bool is_signed(trace_mark m);

struct complained_of {
  message::verp who;
  original of;
  trace_mark by = trace_mark::return_path;
};

struct complaint_search {
  const storage::store& log;
  const message::verp_signer& return_paths;
  const message::verp_signer& feedback_ids;
  const message::verp_signer& unsubscribes;
  // The latest message with that Message-ID (without brackets); nothing: there is none, or nobody can say.
  std::function<std::optional<message_id>(std::string_view header_message_id)> by_header;

  // `reports`: of bounce::read_report. Nothing: it is of none of our messages, or of none whose events are still kept.
  storage::result<std::optional<complained_of>> find(const bounce::original_marks& marks,
                                                     const std::vector<bounce::report>& reports) const;
};

}  // namespace gonets::feedback
