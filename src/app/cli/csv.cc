#include "app/cli/csv.h"

#include <istream>

namespace gonets::app::cli {
namespace {

constexpr int ended = std::char_traits<char>::eof();

}  // namespace

void csv_reader::skip_line() {
  auto& in = *from_.rdbuf();
  for (int c = in.sbumpc(); c != ended && c != '\n';)
    c = in.sbumpc();
  ++lines_read_;
}

csv_reader::outcome csv_reader::next(std::vector<std::string>& fields) {
  auto& in = *from_.rdbuf();
  fields.assign(1, {});
  line_ = lines_read_ + 1;
  std::size_t bytes = 0;
  bool quoted = false;  // within a field in quotes
  bool begun = false;   // the record has something
  for (int c = in.sbumpc(); c != ended; c = in.sbumpc()) {
    const char at = static_cast<char>(c);
    auto& field = fields.back();
    if (++bytes > csv_record_bytes_max) {
      if (at != '\n') skip_line();
      return outcome::too_long;
    }
    if (at == '\n') ++lines_read_;
    if (quoted) {
      if (at != '"') {
        field.push_back(at);
      } else if (in.sgetc() == '"') {
        in.sbumpc();
        field.push_back('"');
      } else {
        quoted = false;
      }
    } else if (at == '\n') {
      if (field.ends_with('\r')) field.pop_back();
      if (begun && (fields.size() > 1 || !field.empty())) return outcome::record;
      line_ = lines_read_ + 1;  // an empty line
      fields.assign(1, {});
      begun = false;
      bytes = 0;
    } else if (at == '"' && field.empty()) {
      quoted = begun = true;
    } else if (separators_.find(at) != std::string::npos) {
      if (separator_ == '\0') separator_ = at;
      fields.emplace_back();
      begun = true;
    } else {
      field.push_back(at);
      begun = true;
    }
  }
  return begun && (fields.size() > 1 || !fields.back().empty()) ? outcome::record : outcome::end;
}

std::string csv_field(std::string_view text) {
  if (text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"') quoted.push_back('"');
    quoted.push_back(c);
  }
  quoted.push_back('"');
  return quoted;
}

}  // namespace gonets::app::cli
