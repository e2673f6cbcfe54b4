// The part of a delivery report that is for people. Pure; used by dsn.cc only.
#pragma once
#include <string>
#include <vector>

#include "message/dsn.h"

namespace gonets::message::detail {

// "Delivery failed: bob@b.test", or "Delivery failed: 3 recipients".
std::string dsn_subject(const dsn_facts& facts, const std::vector<dsn_recipient>& recipients);

// Appends the text, wrapped, CRLF line ends: for each recipient what happened, what was answered, what to do. No line
// of it begins with a hyphen.
void append_dsn_text(std::string& to, const dsn_facts& facts, const std::vector<dsn_recipient>& recipients);

}  // namespace gonets::message::detail
