#include "dkim/canonical.h"

namespace gonets::dkim {
namespace {

// What a body of nothing but line ends may make of memory.
constexpr std::size_t lines_at_once = 4096;

bool is_blank(char c) {
  return c == ' ' || c == '\t';
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

void append_relaxed_value(std::string& to, std::string_view value) {
  bool blank = false;
  bool begun = false;
  while (!value.empty()) {
    if (value.starts_with("\r\n")) {
      value.remove_prefix(2);  // a fold
      continue;
    }
    if (is_blank(value.front())) {
      blank = true;
      value.remove_prefix(1);
      continue;
    }
    if (blank && begun) to += ' ';
    blank = false;
    begun = true;
    const auto word = value.substr(0, value.find_first_of(" \t\r", 1));
    to += word;
    value.remove_prefix(word.size());
  }
}

// How much of the front of `text` has no byte that relaxed form changes or that ends a line. By blocks of a fixed
// length, so that the compiler makes vector code of it; what is left is for the caller to look at byte by byte.
std::size_t unchanged_blocks(std::string_view text) {
  constexpr std::size_t block = 32;
  std::size_t at = 0;
  for (; at + block < text.size(); at += block) {
    const char* const p = text.data() + at;
    unsigned char found = 0;
    for (std::size_t i = 0; i < block; ++i) {
      const unsigned char c = static_cast<unsigned char>(p[i]);
      const unsigned char next = static_cast<unsigned char>(p[i + 1]);
      const unsigned char ends = next == ' ' || next == '\t' || next == '\r';
      found |= static_cast<unsigned char>((c == '\r') | (c == '\t') | ((c == ' ') & ends));
    }
    if (found != 0) break;
  }
  return at;
}

}  // namespace

std::string_view to_text(canonicalization how) {
  return how == canonicalization::simple ? "simple" : "relaxed";
}

void append_field(std::string& to, canonicalization how, std::string_view name, std::string_view value) {
  if (how == canonicalization::simple) {
    // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): both are views into one text
    to.append(name.data(), value.data() + value.size());
  } else {
    for (const char c : name)
      to += lower(c);
    to += ':';
    append_relaxed_value(to, value);
  }
  to += "\r\n";
}

// As much of the front of `text` as stays as it is; a blank after one that is held back does not.
std::size_t body_canonicalizer::plain_run(std::string_view text) const {
  if (how_ == canonicalization::simple) {
    const auto at = text.find('\r');
    return at == text.npos ? text.size() : at;
  }
  if (held_blank_ && is_blank(text.front())) return 0;
  auto i = unchanged_blocks(text);
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\r' || c == '\t') break;
    if (c != ' ') continue;
    if (i + 1 == text.size() || text[i + 1] == '\r' || is_blank(text[i + 1])) break;
  }
  return i;
}

// False when there is more to release, and `to` should be taken away first.
bool body_canonicalizer::release(std::string& to) {
  for (std::size_t lines = 0; held_lines_ > 0; --held_lines_) {
    if (++lines > lines_at_once) return false;
    to += "\r\n";
  }
  if (held_blank_) to += ' ';
  held_blank_ = false;
  has_content_ = true;
  return true;
}

std::size_t body_canonicalizer::update(std::string_view part, std::string& to) {
  const auto given = part.size();
  while (!part.empty()) {
    const char c = part.front();
    if (held_cr_ && c == '\n') {
      held_cr_ = held_blank_ = false;
      ++held_lines_;
      part.remove_prefix(1);
      continue;
    }
    if (held_cr_) {
      if (!release(to)) break;
      held_cr_ = false;
      to += '\r';
    }
    if (c == '\r') {
      held_cr_ = true;
      part.remove_prefix(1);
    } else if (const auto run = plain_run(part); run > 0) {
      if (!release(to)) break;
      to += part.substr(0, run);
      part.remove_prefix(run);
    } else {
      held_blank_ = true;
      part.remove_prefix(1);
    }
  }
  return given - part.size();
}

bool body_canonicalizer::finish(std::string& to) {
  if (held_cr_) {
    if (!release(to)) return false;
    held_cr_ = false;
    to += '\r';
  }
  // An empty body is one CRLF in simple form and nothing in relaxed (RFC 6376 3.4.3, 3.4.4).
  if (has_content_ || how_ == canonicalization::simple) to += "\r\n";
  return true;
}

}  // namespace gonets::dkim
