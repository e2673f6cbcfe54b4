// AUTH (RFC 4954): when it is in order, and the lines that it is made of. What they mean is between the client and the
// owner.
#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "smtp/detail/server_state.h"

namespace gonets::smtp {
namespace {

constexpr enhanced_status bad_sequence{5, 5, 1};

constexpr canned_reply not_offered{502, bad_sequence, "AUTH is not offered"};
constexpr canned_reply needs_tls{538, {5, 7, 11}, "Encryption required for requested authentication mechanism"};
constexpr canned_reply say_ehlo{503, bad_sequence, "Send EHLO first"};
constexpr canned_reply only_once{503, bad_sequence, "Already authenticated"};
constexpr canned_reply not_now{503, bad_sequence, "AUTH is not permitted during a transaction"};
constexpr canned_reply syntax{501, {5, 5, 4}, "Syntax: AUTH mechanism [initial-response]"};
constexpr canned_reply unknown_mechanism{504, {5, 5, 4}, "Authentication mechanism is not offered"};
constexpr canned_reply not_base64{501, {5, 5, 2}, "Response is not base 64"};
constexpr canned_reply line_too_long{500, {5, 5, 6}, "Authentication exchange line is too long"};
constexpr canned_reply bad_line{501, {5, 5, 2}, "Response is malformed"};
constexpr canned_reply cancelled{501, {5, 7, 0}, "Authentication cancelled"};

std::string to_upper(std::string_view text) {
  std::string upper(text);
  for (char& c : upper)
    c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return upper;
}

bool lists(std::string_view mechanisms, std::string_view wanted) {
  while (!mechanisms.empty()) {
    const auto one = mechanisms.substr(0, mechanisms.find(' '));
    if (one == wanted) return true;
    mechanisms.remove_prefix(std::min(one.size() + 1, mechanisms.size()));
  }
  return false;
}

}  // namespace

// Longer lines are read while AUTH may come: its initial response, an OAuth token say, makes long ones.
void server_session::state::set_line_limit() {
  const bool may_come = !offer.mechanisms.empty() && !authenticated;
  lines.limit(may_come ? std::max(options.limits.command_line_bytes_max, options.limits.auth_line_bytes_max)
                       : options.limits.command_line_bytes_max);
}

void server_session::state::auth(std::string_view argument) {
  if (offer.mechanisms.empty()) return say(offer.more_under_tls && !tls ? needs_tls : not_offered);
  if (!esmtp) return say(say_ehlo);
  if (authenticated) return say(only_once);
  if (transaction_open) return say(not_now);
  const auto name = argument.substr(0, argument.find(' '));
  const bool has_initial = name.size() < argument.size();
  if (name.empty()) return say(syntax);
  auth_mechanism = to_upper(name);
  if (!lists(offer.mechanisms, auth_mechanism)) return say(unknown_mechanism);
  auth_response.reset();
  if (has_initial) {
    const auto text = argument.substr(name.size() + 1);
    auth_response = text == "=" ? std::string() : decode_base64(text);
    if (!auth_response) return say(not_base64);
  }
  auth_begins = true;
  now = phase::ask_auth;
}

void server_session::state::auth_line(line_verdict verdict) {
  if (verdict == line_verdict::incomplete) return;
  now = phase::command;  // whatever is wrong ends the exchange
  if (verdict == line_verdict::too_long) return say(line_too_long);
  if (verdict != line_verdict::line) return say(bad_line);
  if (lines.line().size() + 2 > options.limits.auth_line_bytes_max) return say(line_too_long);
  if (lines.line() == "*") return say(cancelled);
  auth_response = decode_base64(lines.line());
  if (!auth_response) return say(not_base64);
  auth_begins = false;
  now = phase::ask_auth;
}

}  // namespace gonets::smtp
