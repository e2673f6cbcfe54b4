// A whole session fed by a hostile client. The first octet chooses the options, the second how the bytes are cut. For
// any bytes: replies are well-formed lines; no message has what could smuggle another; a body that was begun ends or is
// abandoned; and how the bytes are cut makes no difference to anything said or taken.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "check.h"
#include "message/address.h"
#include "smtp/testing/scripted_owner.h"

namespace {

using namespace gonets::smtp;
using gonets::fuzz::check;
using gonets::smtp::testing::scripted_owner;
using gonets::smtp::testing::taken_message;

server_options options_of(std::uint8_t bits) {
  server_options o;
  o.hostname = "mx.example.com";
  o.newlines = (bits & 1) != 0 ? newline_policy::normalize : newline_policy::refuse;
  o.body_chunk_bytes = (bits & 2) != 0 ? 8 : 262'144;
  if ((bits & 4) != 0) {
    o.limits = {.command_line_bytes_max = 80,
                .text_line_bytes_max = 40,
                .recipients_max = 2,
                .message_bytes_max = 200,
                .messages_max = 3,
                .auth_line_bytes_max = 120,
                .errors_max = 8};
  }
  return o;
}

void check_replies(std::string_view output) {
  while (!output.empty()) {
    const auto end = output.find("\r\n");
    check(end != std::string_view::npos && end >= 4 && end <= 510);
    const auto line = output.substr(0, end);
    check(line[0] >= '2' && line[0] <= '5' && (line[3] == ' ' || line[3] == '-'));
    for (const char c : line)
      check(c >= ' ' && c <= '~');
    output.remove_prefix(end + 2);
  }
}

void check_message(const taken_message& m, const server_options& o) {
  check(m.body.size() <= o.limits.message_bytes_max);
  check(m.body.find('\0') == std::string::npos);
  for (std::size_t i = 0; i < m.body.size(); ++i) {
    if (m.body[i] == '\r') check(i + 1 < m.body.size() && m.body[i + 1] == '\n');
    if (m.body[i] == '\n') check(i > 0 && m.body[i - 1] == '\r');
  }
  const bool dot = m.body.starts_with('.') || m.body.find("\r\n.") != std::string::npos;
  check(m.leading_dot == dot);
  check(m.eight_bit == std::any_of(m.body.begin(), m.body.end(), [](char c) { return (c & 0x80) != 0; }));
  check(!m.envelope.recipients.empty() && m.envelope.recipients.size() <= o.limits.recipients_max);
  for (const auto& r : m.envelope.recipients) {
    check(gonets::message::parse_address(r.address, m.envelope.smtputf8).has_value());
  }
}

struct transcript {
  std::string output;
  std::vector<taken_message> messages;
};

transcript converse(const server_options& o, std::string_view wire, std::size_t step, const auth_offer& offer) {
  scripted_owner owner(o);
  owner.session().offer_auth(offer);
  transcript t;
  for (; !wire.empty() && !owner.closed(); wire.remove_prefix(std::min(step, wire.size()))) {
    t.output += owner.feed(wire.substr(0, step));
    check(owner.closed() || !owner.holds_parts() || owner.session().in_transaction());
  }
  t.messages = owner.messages();
  return t;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const auto o = options_of(data[0]);
  const std::string_view wire(reinterpret_cast<const char*>(data) + 2, size - 2);
  const auto offer = (data[0] & 8) != 0 ? auth_offer{"PLAIN LOGIN SCRAM-SHA-256"} : auth_offer{"", (data[0] & 16) != 0};
  const auto whole = converse(o, wire, size, offer);
  check_replies(whole.output);
  for (const auto& m : whole.messages)
    check_message(m, o);
  for (const std::size_t step : {std::size_t{1}, std::size_t{data[1]} + 2}) {
    const auto cut = converse(o, wire, step, offer);
    check(cut.output == whole.output && cut.messages.size() == whole.messages.size());
    for (std::size_t i = 0; i < cut.messages.size(); ++i) {
      check(cut.messages[i].body == whole.messages[i].body);
      check(cut.messages[i].envelope == whole.messages[i].envelope);
    }
  }
  return 0;
}
