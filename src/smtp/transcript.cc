#include "smtp/transcript.h"

#include <fmt/format.h>

#include <iterator>
#include <utility>

#include "smtp/reply_parser.h"

namespace gonets::smtp {

void transcript::mark(recipient_ptr about) {
  const auto now = changes_.empty() ? nullptr : changes_.back().about;
  if (about != now) changes_.push_back({static_cast<std::uint32_t>(text_.size()), about});
}

void transcript::client(std::string_view command, recipient_ptr about) {
  mark(about);
  if (command.ends_with("\r\n")) command.remove_suffix(2);
  text_ += "C: ";
  text_ += command;
  text_ += '\n';
}

void transcript::server(const reply& r, recipient_ptr about) {
  mark(about);
  const fmt::format_int code(r.code);
  const std::string_view digits(code.data(), code.size());
  std::string_view rest = r.text;
  for (bool more = true; more;) {
    const auto end = rest.find('\n');
    more = end != std::string_view::npos;
    text_ += "S: ";
    text_ += digits;
    text_ += more ? '-' : ' ';
    if (r.status.present()) {
      text_ += to_text(r.status);
      text_ += ' ';
    }
    text_ += rest.substr(0, end);
    text_ += '\n';
    if (more) rest.remove_prefix(end + 1);
  }
}

void transcript::aside(std::string_view what) {
  mark(nullptr);
  fmt::format_to(std::back_inserter(text_), "({})\n", what);
}

void transcript::append(transcript more) {
  if (text_.empty()) {
    *this = std::move(more);
    return;
  }
  mark(nullptr);
  for (const auto& c : more.changes_)
    changes_.push_back({static_cast<std::uint32_t>(c.at + text_.size()), c.about});
  text_ += more.text_;
}

std::string transcript::of(recipient_ptr who) const {
  std::string lines;
  if (changes_.empty()) {
    lines = text_;
  } else {
    lines.assign(text_, 0, changes_.front().at);
    for (std::size_t i = 0; i < changes_.size(); ++i) {
      if (changes_[i].about != nullptr && changes_[i].about != who) continue;
      const std::size_t end = i + 1 < changes_.size() ? changes_[i + 1].at : text_.size();
      lines.append(text_, changes_[i].at, end - changes_[i].at);
    }
  }
  if (lines.size() > bytes_max) {
    cut_text(lines, bytes_max);
    lines += '\n';
  }
  return lines;
}

}  // namespace gonets::smtp
