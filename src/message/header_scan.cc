#include "message/header_scan.h"

#include <array>
#include <cstring>

namespace gonets::message {
namespace {

// ftext of RFC 5322 3.6.8: printable ASCII but the colon.
constexpr auto name_bytes = [] {
  std::array<bool, 256> table{};
  for (int c = 33; c <= 126; ++c)
    table[static_cast<std::size_t>(c)] = c != ':';
  return table;
}();

bool is_name_byte(char c) {
  return name_bytes[static_cast<unsigned char>(c)];
}
bool is_blank(char c) {
  return c == ' ' || c == '\t';
}

// Whether it begins with `lower`, which is in lower case, made of letters and hyphens only, and no longer than `name`:
// then setting bit 5 folds the case of letters, and takes no other name byte to a letter or a hyphen.
bool is_name(std::string_view name, std::string_view lower) {
  for (std::size_t i = 0; i < lower.size(); ++i) {
    if ((name[i] | 0x20) != lower[i]) return false;
  }
  return true;
}

const char* after_line(const char* at, const char* end) {
  const auto* newline = static_cast<const char*>(std::memchr(at, '\n', static_cast<std::size_t>(end - at)));
  return newline ? newline + 1 : end;
}

std::string_view without_line_end(const char* begin, const char* end) {
  if (end != begin && end[-1] == '\n') {
    --end;
    if (end != begin && end[-1] == '\r') --end;
  }
  return {begin, static_cast<std::size_t>(end - begin)};
}

// The field at `begin`, and the first byte after it; null when no field starts there.
inline const char* parse_field(const char* begin, const char* end, field& out) {
  const char* at = begin;
  while (at != end && is_name_byte(*at))
    ++at;
  if (at == begin) return nullptr;
  out.name = {begin, static_cast<std::size_t>(at - begin)};
  while (at != end && is_blank(*at))
    ++at;
  if (at == end || *at != ':') return nullptr;
  const char* value = ++at;
  do {
    at = after_line(at, end);
  } while (at != end && is_blank(*at));
  out.value = without_line_end(value, at);
  return at;
}

void set_first(std::string_view& to, const field& f) {
  if (to.data() == nullptr) to = trim_field_value(f.value);
}

void note(header_summary& s, const field& f) {
  const auto name = f.name;
  constexpr std::string_view ours = "x-gonets-";
  if (name.size() > ours.size() && is_name(name, ours)) ++s.gonets_fields;
  switch (name.size()) {
    case 2:
      if (is_name(name, "to")) set_first(s.to, f);
      break;
    case 4:
      if (is_name(name, "from")) {
        ++s.from_fields;
        set_first(s.from, f);
      } else if (is_name(name, "date")) {
        set_first(s.date, f);
      }
      break;
    case 6:
      if (is_name(name, "sender")) {
        ++s.sender_fields;
        set_first(s.sender, f);
      }
      break;
    case 7:
      if (is_name(name, "subject"))
        set_first(s.subject, f);
      else if (is_name(name, "list-id"))
        set_first(s.list_id, f);
      break;
    case 8:
      if (is_name(name, "received")) ++s.received;
      break;
    case 10:
      if (is_name(name, "message-id")) set_first(s.message_id, f);
      break;
    case 11:
      if (is_name(name, "feedback-id")) set_first(s.feedback_id, f);
      break;
    case 12:
      if (is_name(name, "tls-required")) set_first(s.tls_required, f);
      break;
    case 16:
      if (is_name(name, "list-unsubscribe")) {
        s.unsubscribes = true;
        set_first(s.list_unsubscribe, f);
      }
      break;
    case 21:
      if (is_name(name, "list-unsubscribe-post")) s.unsubscribes = true;
      break;
    default:
      break;
  }
}

bool starts_empty_line(const char* at, const char* end) {
  if (at == end) return false;
  return *at == '\n' || (*at == '\r' && end - at > 1 && at[1] == '\n');
}

// Whether all that is left could be the beginning of a field's name.
bool is_name_begun(const char* at, const char* end) {
  while (at != end && is_name_byte(*at))
    ++at;
  while (at != end && is_blank(*at))
    ++at;
  return at == end;
}

}  // namespace

std::string_view trim_field_value(std::string_view value) {
  constexpr std::string_view blanks = " \t\r\n";
  const char* begin = value.data();
  const char* end = begin + value.size();
  while (begin != end && blanks.find(*begin) != std::string_view::npos)
    ++begin;
  while (begin != end && blanks.find(end[-1]) != std::string_view::npos)
    --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

bool same_field_name(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; };
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

bool take_field(std::string_view& rest, field& out) {
  const char* begin = rest.data();
  const char* next = parse_field(begin, begin + rest.size(), out);
  if (!next) return false;
  rest.remove_prefix(static_cast<std::size_t>(next - begin));
  return true;
}

std::expected<header_summary, header_error> scan_header(std::string_view text, const header_limits& limits) {
  // The empty line is two bytes more; one byte of a field beyond the limit is enough to know that it is exceeded.
  const bool cut = text.size() >= limits.header_bytes_max + 4;
  const char* const begin = text.data();
  const char* const end = begin + (cut ? limits.header_bytes_max + 4 : text.size());

  header_summary summary;
  const char* at = begin;
  field f;
  while (const char* next = parse_field(at, end, f)) {
    if (++summary.fields > limits.fields_max) return std::unexpected(header_error::too_many_fields);
    note(summary, f);
    if (summary.received > limits.hops_max) return std::unexpected(header_error::loop);
    at = next;
  }
  summary.header_bytes = static_cast<std::size_t>(at - begin);
  summary.has_body = starts_empty_line(at, end);
  const bool name_goes_on = cut && !summary.has_body && is_name_begun(at, end);
  if (summary.header_bytes > limits.header_bytes_max || name_goes_on) {
    return std::unexpected(header_error::too_large);
  }
  return summary;
}

}  // namespace gonets::message
