// The kinds of messages that come back, one reader each. A reader that does not know the message gives nothing.
#pragma once
#include <vector>

#include "bounce/detail/incoming.h"
#include "bounce/report.h"

namespace gonets::bounce::detail {

struct reading {
  const classifier& with;
  const report_limits& limits;
};

// RFC 3464, as machines write it and as they should have.
std::vector<report> read_delivery_status(const incoming& from, const reading& by);
// Bounces that are written for people only.
std::vector<report> read_text_bounce(const incoming& from, const reading& by);
// ARF (RFC 5965), and reports of abuse in other forms.
std::vector<report> read_complaint(const incoming& from, const reading& by);
// Absence, receipts, challenges: what software answers in the name of a recipient.
std::vector<report> read_auto_reply(const incoming& from, const reading& by);
std::vector<report> read_unsubscribe(const incoming& from, const reading& by);

// The code, status and category of a text; what is known already stays.
void classify(report& r, std::string_view text, const reading& by);

// The server that a text names: "host mx.example.com[192.0.2.1] said", "while talking to mx.example.com".
std::string find_remote_host(std::string_view text);

}  // namespace gonets::bounce::detail
