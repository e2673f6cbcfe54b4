#include "smtp/reply_parser.h"

#include <fmt/format.h>

#include <algorithm>

namespace gonets::smtp {
namespace {

constexpr std::size_t excerpt_bytes_max = 80;
constexpr std::string_view cut_mark = "...";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_blank(char c) {
  return c == '\t' || c == '\r' || c == '\n';
}

bool is_plain(unsigned char c) {
  return c >= 0x20 && c < 0x7f;
}

// The length of the UTF-8 character at `text`'s start (RFC 3629), or 0: not one, or a C1 control.
std::size_t multibyte_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xc0) == 0x80; };
  const unsigned char lead = byte(0);
  if (lead >= 0xc2 && lead <= 0xdf) {
    const bool c1_control = lead == 0xc2 && byte(1) < 0xa0;
    return continues(1) && !c1_control ? 2 : 0;
  }
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && byte(1) < 0xa0;
    const bool surrogate = lead == 0xed && byte(1) > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && byte(1) < 0x90;
    const bool beyond_unicode = lead == 0xf4 && byte(1) > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond_unicode ? 4 : 0;
  }
  return 0;
}

void mark_cut(std::string& text, std::size_t bytes_max) {
  std::size_t keep = std::min(text.size(), bytes_max - std::min(bytes_max, cut_mark.size()));
  while (keep > 0 && keep < text.size() && (static_cast<unsigned char>(text[keep]) & 0xc0) == 0x80)
    --keep;
  text.resize(keep);
  text += cut_mark.substr(0, bytes_max);
}

}  // namespace

bool append_sanitized(std::string& to, std::string_view text, std::size_t bytes_max) {
  while (!text.empty()) {
    const auto plain_end = std::find_if_not(text.begin(), text.end(), [](unsigned char c) { return is_plain(c); });
    const auto plain = static_cast<std::size_t>(plain_end - text.begin());
    if (plain > bytes_max) {
      to.append(text.substr(0, bytes_max));
      return false;
    }
    to.append(text.substr(0, plain));
    bytes_max -= plain;
    text.remove_prefix(plain);
    if (text.empty()) break;
    const std::size_t length = multibyte_length(text);
    if (std::max<std::size_t>(length, 1) > bytes_max) return false;
    if (length != 0) {
      to.append(text.substr(0, length));
    } else {
      to += is_blank(text.front()) ? ' ' : '?';
    }
    bytes_max -= std::max<std::size_t>(length, 1);
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return true;
}

void cut_text(std::string& text, std::size_t bytes_max) {
  if (text.size() > bytes_max) mark_cut(text, bytes_max);
}

reply_parser::progress reply_parser::parse(std::string_view& in) {
  if (!error_.empty()) return progress::broken;
  while (!in.empty()) {
    const std::size_t end = in.find('\n');
    const std::size_t taken = end == std::string_view::npos ? in.size() : end + 1;
    if (partial_.size() + taken > limits_.line_bytes_max) {
      if (partial_.size() < excerpt_bytes_max) partial_.append(in.substr(0, excerpt_bytes_max));
      return fail("a reply line is too long", partial_);
    }
    std::string_view line = in.substr(0, taken);
    in.remove_prefix(taken);
    if (end == std::string_view::npos) {
      partial_.append(line);
      return progress::more;
    }
    if (!partial_.empty()) line = partial_.append(line);
    const progress result = take_line(line);
    partial_.clear();
    if (result != progress::more) return result;
  }
  return progress::more;
}

// `line` ends in LF. A bare LF is taken for a line end: old servers send it, and nothing here depends on the
// difference.
reply_parser::progress reply_parser::take_line(std::string_view line) {
  line.remove_suffix(1);
  if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
  const bool has_code = line.size() >= 3 && line[0] >= '2' && line[0] <= '5' && is_digit(line[1]) && is_digit(line[2]);
  const char after = line.size() > 3 ? line[3] : ' ';
  if (!has_code || (after != ' ' && after != '-')) return fail("not a reply", line);

  const auto code = static_cast<std::uint16_t>((line[0] - '0') * 100 + (line[1] - '0') * 10 + (line[2] - '0'));
  if (lines_ == 0) {
    start(code);
  } else if (code != reply_.code) {
    return fail("a reply's lines have different codes", line);
  }
  if (++lines_ > limits_.lines_max) return fail("a reply has too many lines", line);
  add_text(line.substr(std::min<std::size_t>(line.size(), 4)));
  if (after == '-') return progress::more;
  lines_ = 0;
  return progress::complete;
}

void reply_parser::start(std::uint16_t code) {
  reply_.code = code;
  reply_.status = {};
  reply_.text.clear();
  text_full_ = false;
}

void reply_parser::add_text(std::string_view text) {
  if (text_full_) return;
  // A status whose class contradicts the code (RFC 2034 forbids it) stays in the text: the code decides what we do.
  const auto status = parse_enhanced_status(text);
  if (status && status->klass == reply_.code / 100 && (lines_ == 1 || *status == reply_.status)) {
    reply_.status = *status;
    const std::size_t space = text.find(' ');
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
  }
  std::string& to = reply_.text;
  const std::size_t room = limits_.text_bytes_max - std::min(to.size(), limits_.text_bytes_max);
  const bool separate = lines_ > 1;
  if (room > 0 && separate) to += '\n';
  if (room > 0 && append_sanitized(to, text, room - (separate ? 1 : 0))) return;
  text_full_ = true;
  mark_cut(to, limits_.text_bytes_max);
}

reply_parser::progress reply_parser::fail(std::string_view what, std::string_view line) {
  std::string excerpt;
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r'))
    line.remove_suffix(1);
  if (!append_sanitized(excerpt, line, excerpt_bytes_max)) excerpt += cut_mark;
  error_ = fmt::format("{}: \"{}\"", what, excerpt);
  return progress::broken;
}

}  // namespace gonets::smtp
