#include "smtp/parameters.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "message/utf8.h"

namespace gonets::smtp {
namespace {

using namespace std::string_view_literals;
using refusal = std::optional<canned_reply>;

constexpr std::size_t envelope_id_bytes_max = 100;         // RFC 3461 4.4
constexpr std::size_t original_recipient_bytes_max = 500;  // RFC 3461 4.2
constexpr std::size_t auth_bytes_max = 500;                // RFC 4954 5
constexpr canned_reply unknown_parameter{555, {5, 5, 4}, "Parameter not recognized or not implemented"};
constexpr canned_reply repeated_parameter{501, {5, 5, 4}, "The same parameter is given twice"};
constexpr canned_reply bad_size{501, {5, 5, 4}, "SIZE needs a number of octets"};
constexpr canned_reply huge_size{552, {5, 3, 4}, "Message size exceeds every limit"};
constexpr canned_reply bad_body{501, {5, 5, 4}, "BODY is 7BIT or 8BITMIME"};
constexpr canned_reply bad_smtputf8{501, {5, 5, 4}, "SMTPUTF8 takes no value"};
constexpr canned_reply bad_requiretls{501, {5, 5, 4}, "REQUIRETLS takes no value"};
constexpr canned_reply bad_ret{501, {5, 5, 4}, "RET is FULL or HDRS"};
constexpr canned_reply bad_envid{501, {5, 5, 4}, "ENVID needs 1 to 100 characters of xtext (RFC 3461)"};
constexpr canned_reply bad_auth{501, {5, 5, 4}, "AUTH needs <> or xtext (RFC 4954)"};
constexpr canned_reply bad_hold_for{501, {5, 5, 4}, "HOLDFOR needs a number of seconds (RFC 4865)"};
constexpr canned_reply bad_hold_until{501, {5, 5, 4}, "HOLDUNTIL needs a time such as 2030-01-31T12:00:00Z (RFC 4865)"};
constexpr canned_reply two_holds{501, {5, 5, 4}, "HOLDFOR and HOLDUNTIL exclude each other (RFC 4865)"};
constexpr canned_reply bad_by{501, {5, 5, 4}, "BY needs seconds, a semicolon and N or R (RFC 2852)"};
constexpr canned_reply bad_notify{501, {5, 5, 4}, "NOTIFY is NEVER, or of SUCCESS, FAILURE and DELAY"};
constexpr canned_reply bad_orcpt{501, {5, 5, 4}, "ORCPT needs a type, a semicolon and xtext (RFC 3461)"};

struct parameter {
  std::string_view keyword;
  std::string_view value;
  bool has_value = false;
};

// Takes the next parameter off `text`; false at the end.
bool take_parameter(std::string_view& text, parameter& to) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  if (text.empty()) return false;
  const auto whole = text.substr(0, text.find(' '));
  text.remove_prefix(whole.size());
  const auto equals = whole.find('=');
  to.has_value = equals != std::string_view::npos;
  to.keyword = whole.substr(0, equals);
  to.value = to.has_value ? whole.substr(equals + 1) : std::string_view{};
  return true;
}

// Notes a parameter as seen; true if it was before.
bool is_repeated(unsigned& seen, unsigned bit) {
  const bool before = (seen & bit) != 0;
  seen |= bit;
  return before;
}

bool is_upper_hex(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F');
}

// RFC 3461 4: "+" and two upper-case hexadecimal digits, or any printable character but "+" and "=". RFC 6533 3 lets
// UTF-8 stand in it where SMTPUTF8 is in force.
bool is_xtext(std::string_view text, bool utf8) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<std::uint8_t>(text[i]);
    if (octet == '+') {
      if (i + 2 >= text.size() || !is_upper_hex(text[i + 1]) || !is_upper_hex(text[i + 2])) return false;
      i += 2;
    } else if (octet >= 0x80 ? !utf8 : octet < '!' || octet > '~' || octet == '=') {
      return false;
    }
  }
  return message::is_valid_utf8(text);
}

bool is_atom(std::string_view text) {
  constexpr std::string_view specials = "!#$%&'*+-/=?^_`{|}~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           specials.find(c) != std::string_view::npos;
  });
}

refusal take_size(std::string_view value, std::uint64_t& to) {
  const auto* end = value.data() + value.size();
  const auto [stop, error] = std::from_chars(value.data(), end, to);
  if (error == std::errc::result_out_of_range && stop == end) return huge_size;
  if (error != std::errc{} || stop != end) return bad_size;
  return std::nullopt;
}

refusal take_body(std::string_view value, message::body_type& to) {
  if (equals_ignoring_case(value, "8BITMIME"sv)) {
    to = message::body_type::eight_bit;
  } else if (!equals_ignoring_case(value, "7BIT"sv)) {
    return bad_body;
  }
  return std::nullopt;
}

refusal take_ret(std::string_view value, message::return_content& to) {
  if (equals_ignoring_case(value, "FULL"sv)) {
    to = message::return_content::full;
  } else if (equals_ignoring_case(value, "HDRS"sv)) {
    to = message::return_content::headers;
  } else {
    return bad_ret;
  }
  return std::nullopt;
}

refusal take_envelope_id(std::string_view value, std::string_view& to) {
  if (value.empty() || value.size() > envelope_id_bytes_max || !is_xtext(value, false)) return bad_envid;
  to = value;
  return std::nullopt;
}

// Who first submitted the message, as the client says; nothing depends on it.
refusal check_auth(std::string_view value) {
  if (value.empty() || value.size() > auth_bytes_max || !is_xtext(value, false)) return bad_auth;
  return std::nullopt;
}

// A hold in either form; RFC 4865 lets one of them be given.
refusal take_hold(std::string_view keyword, std::string_view value, mail_schedule& to) {
  if (equals_ignoring_case(keyword, "HOLDFOR"sv)) {
    if (to.hold_until) return two_holds;
    return parse_hold_for(value, to) ? refusal() : bad_hold_for;
  }
  if (to.hold_for.count() != 0) return two_holds;
  to.hold_until = parse_utc_time(value);
  return to.hold_until ? refusal() : bad_hold_until;
}

refusal take_notify(std::string_view value, message::notify_flags& to) {
  for (;;) {
    const auto comma = value.find(',');
    const auto word = value.substr(0, comma);
    if (equals_ignoring_case(word, "NEVER"sv)) {
      to.never = true;
    } else if (equals_ignoring_case(word, "SUCCESS"sv)) {
      to.success = true;
    } else if (equals_ignoring_case(word, "FAILURE"sv)) {
      to.failure = true;
    } else if (equals_ignoring_case(word, "DELAY"sv)) {
      to.delay = true;
    } else {
      return bad_notify;
    }
    if (comma == std::string_view::npos) break;
    value.remove_prefix(comma + 1);
  }
  if (to.never && (to.success || to.failure || to.delay)) return bad_notify;
  return std::nullopt;
}

refusal take_original_recipient(std::string_view value, bool smtputf8, std::string_view& to) {
  const auto semicolon = value.find(';');
  if (semicolon == std::string_view::npos || value.size() > original_recipient_bytes_max) return bad_orcpt;
  const auto type = value.substr(0, semicolon);
  const auto text = value.substr(semicolon + 1);
  const bool utf8 = smtputf8 && equals_ignoring_case(type, "utf-8"sv);
  if (!is_atom(type) || text.empty() || !is_xtext(text, utf8)) return bad_orcpt;
  to = value;
  return std::nullopt;
}

}  // namespace

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](char x, char y) { return upper(x) == upper(y); });
}

refusal parse_mail_parameters(std::string_view text, const argument_rules& rules, mail_arguments& to) {
  enum : unsigned {
    size = 1,
    body = 2,
    smtputf8 = 4,
    ret = 8,
    envid = 16,
    auth_of = 32,
    requiretls = 64,
    hold_for = 128,
    hold_until = 256,
    by = 512
  };
  unsigned seen = 0;
  for (parameter p; take_parameter(text, p);) {
    refusal error;
    bool repeated = false;
    if (equals_ignoring_case(p.keyword, "SIZE"sv)) {
      repeated = is_repeated(seen, size);
      error = take_size(p.value, to.size_bytes);
    } else if (equals_ignoring_case(p.keyword, "BODY"sv)) {
      repeated = is_repeated(seen, body);
      error = take_body(p.value, to.body);
    } else if (equals_ignoring_case(p.keyword, "SMTPUTF8"sv)) {
      repeated = is_repeated(seen, smtputf8);
      if (p.has_value) error = bad_smtputf8;
      to.smtputf8 = true;
    } else if (equals_ignoring_case(p.keyword, "REQUIRETLS"sv)) {
      repeated = is_repeated(seen, requiretls);
      if (p.has_value) error = bad_requiretls;
      to.require_tls = true;
    } else if (equals_ignoring_case(p.keyword, "RET"sv)) {
      repeated = is_repeated(seen, ret);
      error = take_ret(p.value, to.ret);
    } else if (equals_ignoring_case(p.keyword, "ENVID"sv)) {
      repeated = is_repeated(seen, envid);
      error = take_envelope_id(p.value, to.envelope_id);
    } else if (rules.auth && equals_ignoring_case(p.keyword, "AUTH"sv)) {
      repeated = is_repeated(seen, auth_of);
      error = check_auth(p.value);
    } else if (rules.schedule && equals_ignoring_case(p.keyword, "HOLDFOR"sv)) {
      repeated = is_repeated(seen, hold_for);
      error = take_hold(p.keyword, p.value, to.schedule);
    } else if (rules.schedule && equals_ignoring_case(p.keyword, "HOLDUNTIL"sv)) {
      repeated = is_repeated(seen, hold_until);
      error = take_hold(p.keyword, p.value, to.schedule);
    } else if (rules.schedule && equals_ignoring_case(p.keyword, "BY"sv)) {
      repeated = is_repeated(seen, by);
      if (!parse_by(p.value, to.schedule)) error = bad_by;
    } else {
      return unknown_parameter;
    }
    if (repeated) return repeated_parameter;
    if (error) return error;
  }
  return std::nullopt;
}

refusal parse_rcpt_parameters(std::string_view text, bool smtputf8, rcpt_arguments& to) {
  enum : unsigned { notify = 1, orcpt = 2 };
  unsigned seen = 0;
  for (parameter p; take_parameter(text, p);) {
    refusal error;
    bool repeated = false;
    if (equals_ignoring_case(p.keyword, "NOTIFY"sv)) {
      repeated = is_repeated(seen, notify);
      error = take_notify(p.value, to.notify);
    } else if (equals_ignoring_case(p.keyword, "ORCPT"sv)) {
      repeated = is_repeated(seen, orcpt);
      error = take_original_recipient(p.value, smtputf8, to.original_recipient);
    } else {
      return unknown_parameter;
    }
    if (repeated) return repeated_parameter;
    if (error) return error;
  }
  return std::nullopt;
}

}  // namespace gonets::smtp
