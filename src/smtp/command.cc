#include "smtp/command.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "message/address.h"
#include "smtp/parameters.h"

namespace gonets::smtp {
namespace {

using namespace std::string_view_literals;

constexpr canned_reply mail_syntax{501, {5, 1, 7}, "Syntax: MAIL FROM:<address>, with the angle brackets"};
constexpr canned_reply rcpt_syntax{501, {5, 1, 3}, "Syntax: RCPT TO:<address>, with the angle brackets"};
constexpr canned_reply no_parameters{555, {5, 5, 4}, "Parameters need EHLO"};

constexpr std::array<std::pair<std::string_view, verb>, 26> verbs = {{
    {"HELO", verb::helo},           {"EHLO", verb::ehlo},
    {"MAIL", verb::mail},           {"RCPT", verb::rcpt},
    {"DATA", verb::data},           {"BDAT", verb::bdat},
    {"RSET", verb::rset},           {"NOOP", verb::noop},
    {"QUIT", verb::quit},           {"VRFY", verb::vrfy},
    {"EXPN", verb::expn},           {"HELP", verb::help},
    {"STARTTLS", verb::starttls},   {"AUTH", verb::auth},
    {"GET", verb::foreign},         {"POST", verb::foreign},
    {"PUT", verb::foreign},         {"HEAD", verb::foreign},
    {"OPTIONS", verb::foreign},     {"CONNECT", verb::foreign},
    {"DELETE", verb::foreign},      {"PATCH", verb::foreign},
    {"TRACE", verb::foreign},       {"HOST:", verb::foreign},
    {"USER-AGENT:", verb::foreign}, {"CONTENT-LENGTH:", verb::foreign},
}};

// The path `<...>` at the front of an argument: the text between its brackets, and what follows them.
struct path_text {
  std::string_view inside;
  std::string_view rest;
};

std::string_view without_leading_spaces(std::string_view text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return text;
}

// A quoted local-part may hold brackets, so the first '>' is not always the end.
std::size_t path_end(std::string_view text) {
  bool quoted = false;
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (quoted && text[i] == '\\') {
      ++i;
    } else if (text[i] == '"') {
      quoted = !quoted;
    } else if (text[i] == '>' && !quoted) {
      return i;
    }
  }
  return std::string_view::npos;
}

// RFC 5321 appendix C: a source route is accepted and ignored.
std::string_view without_source_route(std::string_view inside) {
  if (inside.empty() || inside.front() != '@') return inside;
  const auto colon = inside.find(':');
  if (colon == std::string_view::npos || colon + 1 == inside.size()) return inside;
  const auto route = inside.substr(0, colon);
  const auto is_route = [](char c) {
    return c == '@' || c == ',' || c == '.' || c == '-' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
           (c >= 'A' && c <= 'Z');
  };
  return std::all_of(route.begin(), route.end(), is_route) ? inside.substr(colon + 1) : inside;
}

bool take_path(std::string_view argument, std::string_view keyword, path_text& to) {
  if (!equals_ignoring_case(argument.substr(0, keyword.size()), keyword)) return false;
  const auto text = without_leading_spaces(argument.substr(keyword.size()));
  if (text.empty() || text.front() != '<') return false;
  const auto end = path_end(text);
  if (end == std::string_view::npos) return false;
  to.inside = without_source_route(text.substr(1, end - 1));
  to.rest = text.substr(end + 1);
  return to.rest.empty() || to.rest.front() == ' ';
}

canned_reply refusal_of(message::address_error e, enhanced_status status) {
  if (e == message::address_error::non_ascii) return {553, {5, 6, 7}, message::to_text(e)};
  return {501, status, message::to_text(e)};
}

std::string postmaster_at(std::string_view hostname) {
  std::string address = "postmaster@";
  for (const char c : hostname)
    address += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return address;
}

}  // namespace

command split_command(std::string_view line) {
  while (!line.empty() && line.back() == ' ')
    line.remove_suffix(1);
  const auto name = line.substr(0, line.find(' '));
  const auto argument = name.size() < line.size() ? line.substr(name.size() + 1) : std::string_view{};
  for (const auto& [text, what] : verbs) {
    if (equals_ignoring_case(name, text)) return {what, argument};
  }
  return {verb::unknown, argument};
}

std::expected<mail_arguments, canned_reply> parse_mail(std::string_view argument, const argument_rules& rules) {
  path_text path;
  if (!take_path(argument, "FROM:"sv, path)) return std::unexpected(mail_syntax);
  mail_arguments parsed;
  if (!rules.esmtp && !without_leading_spaces(path.rest).empty()) return std::unexpected(no_parameters);
  if (const auto error = parse_mail_parameters(path.rest, rules, parsed)) return std::unexpected(*error);
  if (path.inside.empty()) return parsed;
  auto address = message::parse_address(path.inside, parsed.smtputf8);
  if (!address) return std::unexpected(refusal_of(address.error(), {5, 1, 7}));
  parsed.reverse_path = std::move(address->text);
  return parsed;
}

std::expected<rcpt_arguments, canned_reply> parse_rcpt(std::string_view argument, const argument_rules& rules) {
  path_text path;
  if (!take_path(argument, "TO:"sv, path)) return std::unexpected(rcpt_syntax);
  rcpt_arguments parsed;
  if (!rules.esmtp && !without_leading_spaces(path.rest).empty()) return std::unexpected(no_parameters);
  if (const auto error = parse_rcpt_parameters(path.rest, rules.smtputf8, parsed)) return std::unexpected(*error);
  if (equals_ignoring_case(path.inside, "postmaster"sv)) {
    parsed.address = postmaster_at(rules.hostname);
    return parsed;
  }
  auto address = message::parse_address(path.inside, rules.smtputf8);
  if (!address) return std::unexpected(refusal_of(address.error(), {5, 1, 3}));
  parsed.address = std::move(address->text);
  return parsed;
}

std::expected<bdat_arguments, bdat_error> parse_bdat(std::string_view argument) {
  bdat_arguments parsed;
  const auto* end = argument.data() + argument.size();
  const auto [stop, error] = std::from_chars(argument.data(), end, parsed.size_bytes);
  if (error != std::errc{} || (stop != end && *stop != ' ')) return std::unexpected(bdat_error{});
  const auto marker = without_leading_spaces(argument.substr(static_cast<std::size_t>(stop - argument.data())));
  parsed.last = equals_ignoring_case(marker, "LAST"sv);
  if (!parsed.last && !marker.empty()) return std::unexpected(bdat_error{true, parsed.size_bytes});
  return parsed;
}

}  // namespace gonets::smtp
