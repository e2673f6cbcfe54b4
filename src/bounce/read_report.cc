#include "bounce/detail/incoming.h"
#include "bounce/detail/phrases.h"
#include "bounce/detail/readers.h"
#include "bounce/detail/texts.h"
#include "bounce/report.h"

namespace gonets::bounce {
namespace {

// The order matters: a bounce may call itself an automatic answer, and a challenge looks like a refusal.
using reader = std::vector<report> (*)(const detail::incoming&, const detail::reading&);
constexpr reader readers[] = {detail::read_complaint, detail::read_delivery_status, detail::read_text_bounce,
                              detail::read_auto_reply, detail::read_unsubscribe};

}  // namespace

std::string_view to_text(report_kind k) {
  switch (k) {
    case report_kind::bounce:
      return "bounce";
    case report_kind::complaint:
      return "complaint";
    case report_kind::auto_reply:
      return "auto_reply";
    case report_kind::unsubscribe:
      return "unsubscribe";
    case report_kind::not_a_report:
      break;
  }
  return "not_a_report";
}

std::vector<report> read_report(std::string_view message, const classifier& with, const report_limits& limits) {
  message = message.substr(0, limits.message_bytes_max);
  const auto root = message::read_mime(
      message, {.depth_max = limits.depth_max, .parts_max = limits.parts_max, .text_bytes_max = limits.text_bytes_max});
  const auto taken = detail::take_apart(root);
  const detail::reading by{with, limits};
  for (const reader read : readers) {
    if (auto found = read(taken, by); !found.empty()) return found;
  }
  return {report{}};
}

}  // namespace gonets::bounce
