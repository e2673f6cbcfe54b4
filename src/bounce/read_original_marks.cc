#include "bounce/detail/incoming.h"
#include "bounce/original_marks.h"
#include "message/header_scan.h"

namespace gonets::bounce {
namespace {

void add(std::vector<std::string>& to, std::string_view value) {
  if (!value.empty()) to.emplace_back(value);
}

// The whole original where it is attached; else its header as a text, which may be quoted in some way.
std::vector<std::string> received_of(const detail::incoming& from) {
  std::vector<std::string> all;
  if (from.original != nullptr) {
    for (const auto& f : from.original->fields) {
      if (all.size() < received_marks_max && message::same_field_name(f.name, "received")) add(all, f.value);
    }
  }
  if (!all.empty()) return all;
  for (const std::string_view copy : {from.original_header, std::string_view(from.inline_copy)}) {
    for (const auto& group : detail::read_groups(copy, 1)) {
      for (const auto& f : group) {
        if (all.size() < received_marks_max && f.name == "received") add(all, f.value);
      }
    }
  }
  return all;
}

}  // namespace

original_marks read_original_marks(std::string_view message, const report_limits& limits) {
  const auto root = message::read_mime(
      message.substr(0, limits.message_bytes_max),
      {.depth_max = limits.depth_max, .parts_max = limits.parts_max, .text_bytes_max = limits.text_bytes_max});
  const auto taken = detail::take_apart(root);
  original_marks found;
  found.is_feedback = taken.machine_is == detail::report_part::feedback;
  if (found.is_feedback) {
    for (const auto& group : detail::read_groups(taken.machine->text, limits.recipients_max))
      add(found.return_paths, detail::find_field(group, "original-mail-from"));
  }
  add(found.return_paths, taken.original_field("return-path"));
  found.feedback_id = taken.original_field("feedback-id");
  found.list_unsubscribe = taken.original_field("list-unsubscribe");
  found.message_id = taken.original_message_id();
  found.received = received_of(taken);
  return found;
}

}  // namespace gonets::bounce
