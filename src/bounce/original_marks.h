// By what a report can be traced to a message that we sent: fields of its own, and of the header of the original that
// it has with it. Taken as they came; nothing of it is proved. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bounce/report.h"

namespace gonets::bounce {

// Empty: the report doesn't say.
struct original_marks {
  bool is_feedback = false;               // ARF (RFC 5965), of whatever type
  std::vector<std::string> return_paths;  // Original-Mail-From, and Return-Path of the original
  std::string feedback_id, list_unsubscribe;
  std::string message_id;             // without angle brackets
  std::vector<std::string> received;  // of the original, the latest first
};

inline constexpr std::size_t received_marks_max = 50;

original_marks read_original_marks(std::string_view message, const report_limits& limits = {});

}  // namespace gonets::bounce
