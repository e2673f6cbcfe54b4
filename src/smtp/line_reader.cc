#include "smtp/line_reader.h"

#include <algorithm>

namespace gonets::smtp {
namespace {

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == '\x7f';
}

}  // namespace

line_verdict line_reader::next(std::string_view& in) {
  for (;;) {
    if (kept_is_done_) start_line();
    const auto end = in.find('\n');
    if (end == std::string_view::npos) {
      keep(in);
      in = {};
      return line_verdict::incomplete;
    }
    auto whole = in.substr(0, end + 1);
    in.remove_prefix(end + 1);
    if (!kept_.empty()) {
      keep(whole);
      whole = kept_;
    }
    kept_is_done_ = true;
    const bool ends_in_crlf = whole.size() >= 2 && whole[whole.size() - 2] == '\r';
    if (skipping_) {
      skipping_ = !ends_in_crlf;
      continue;
    }
    if (!ends_in_crlf) {
      skipping_ = true;
      return line_verdict::bare_lf;
    }
    return judge(whole);
  }
}

void line_reader::reset() {
  start_line();
  skipping_ = false;
}

void line_reader::start_line() {
  kept_.clear();
  line_ = {};
  too_long_ = false;
  kept_is_done_ = false;
}

void line_reader::keep(std::string_view part) {
  if (kept_.size() + part.size() <= line_bytes_max_ && !too_long_) {
    kept_ += part;
    return;
  }
  // Nothing of the line will be used; its end must still be recognised, also when it is CR | LF.
  too_long_ = true;
  const char before = kept_.empty() ? '\0' : kept_.back();
  if (part.empty()) return;
  kept_.clear();
  kept_ += part.size() >= 2 ? part[part.size() - 2] : before;
  kept_ += part.back();
}

line_verdict line_reader::judge(std::string_view whole) {
  if (too_long_ || whole.size() > line_bytes_max_) return line_verdict::too_long;
  line_ = whole.substr(0, whole.size() - 2);
  return std::none_of(line_.begin(), line_.end(), is_control) ? line_verdict::line : line_verdict::bad_octet;
}

}  // namespace gonets::smtp
