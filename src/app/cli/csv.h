// Comma-separated values (RFC 4180): records of fields, read one by one whatever the size of the file, and written.
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::app::cli {

inline constexpr std::size_t csv_record_bytes_max = 65'536;

class csv_reader {
 public:
  // Any of `separators` ends a field. `from` must outlive it.
  csv_reader(std::istream& from, std::string separators) : from_(from), separators_(std::move(separators)) {}

  enum class outcome : std::uint8_t {
    record,
    too_long,  // over csv_record_bytes_max: passed over to the end of the line where that was seen
    end
  };
  // Lines end in CRLF or LF, empty ones are passed over. A quote that begins no field is a character like others.
  outcome next(std::vector<std::string>& fields);
  std::uint64_t line() const { return line_; }  // at which the last record began, from 1
  // The first that ended a field; a comma as long as none has.
  char separator() const { return separator_ == '\0' ? ',' : separator_; }
  void separate_by(char only) { separators_.assign(1, only); }

 private:
  void skip_line();

  std::istream& from_;
  std::string separators_;
  char separator_ = '\0';
  std::uint64_t line_ = 0;
  std::uint64_t lines_read_ = 0;
};

// `text` as a field, in quotes where it needs them.
std::string csv_field(std::string_view text);

}  // namespace gonets::app::cli
