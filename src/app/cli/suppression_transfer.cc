// `gonets suppression import` and `export`: lists of millions, in bounded memory.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <fstream>
#include <iostream>
#include <ostream>
#include <utility>

#include "app/cli/csv.h"
#include "app/cli/suppression_pages.h"
#include "app/cli/text.h"
#include "base/ids.h"
#include "base/text.h"
#include "httpd/query.h"
#include "message/address.h"
#include "message/list_id.h"
#include "suppression/list.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

constexpr std::size_t entries_a_request = 2000;
constexpr std::size_t request_bytes_max = 500'000;
constexpr std::size_t rows_a_page = 5000;
constexpr std::size_t bad_lines_shown = 10;
// Until a line with names of columns says which one it is.
constexpr const char* any_separator = ",;\t";

enum class column_kind : std::uint8_t { address, scope, list, reason, source, since, expires, passed_over };
using enum column_kind;
struct column_name {
  std::string_view name;
  column_kind what;
};
constexpr std::array<column_name, 9> column_names{{{"address", address},
                                                   {"scope", scope},
                                                   {"reason", reason},
                                                   {"source", source},
                                                   {"since", since},
                                                   {"expires", expires},
                                                   {"email", address},
                                                   {"stream", scope},
                                                   {"list", list}}};
constexpr std::string_view header_line = "address,scope,reason,source,since,expires\r\n";

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

column_kind kind_of(std::string_view name) {
  const auto word = to_lower(trimmed(name));
  const auto found = std::ranges::find(column_names, word, &column_name::name);
  return found == column_names.end() ? passed_over : found->what;
}

// Reads entries of a file, as POST /v1/suppressions takes them, and says on `err` what can't be read.
class entry_file {
 public:
  entry_file(std::istream& from, const suppression_arguments& given, const context& with)
      : given_(given), with_(with), records_(from, any_separator) {
    constexpr int byte_order_mark = 0xEF;
    if (from.peek() == byte_order_mark) from.ignore(3);
    read_header();
  }

  // The next ones, as many as go into a request; empty: that was all.
  json::array next() {
    json::array found;
    std::size_t bytes = 0;
    while (found.size() < entries_a_request && bytes < request_bytes_max) {
      if (!kept_) {
        const auto read = records_.next(fields_);
        if (read == csv_reader::outcome::end) break;
        if (read == csv_reader::outcome::too_long) {
          leave_out("the line is too long");
          continue;
        }
      }
      kept_ = false;
      for (const auto& field : fields_)
        bytes += field.size();
      if (auto e = entry_of()) found.push_back(std::move(*e));
    }
    return found;
  }

  std::uint64_t line() const { return records_.line(); }
  std::uint64_t bad() const { return bad_; }

 private:
  void read_header() {
    const auto read = records_.next(fields_);
    kept_ = read == csv_reader::outcome::record;
    if (!kept_) return;
    for (const auto& field : fields_)
      columns_.push_back(kind_of(field));
    const bool named = std::ranges::find(columns_, address) != columns_.end();
    // A first line without an address has names of columns, be they none of ours.
    if (named || fields_.front().find('@') == std::string::npos) kept_ = false;
    if (!named) {
      columns_.assign(1, address);
      return;
    }
    records_.separate_by(records_.separator());
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i] == passed_over)
        with_.err << fmt::format("column \"{}\" is passed over\n", printable(trimmed(fields_[i])));
    }
  }

  std::optional<json::object> entry_of() {
    json::object e;
    for (std::size_t i = 0; i < std::min(columns_.size(), fields_.size()); ++i) {
      const auto text = columns_[i] == reason ? std::string_view(fields_[i]) : trimmed(fields_[i]);
      if (auto wrong = take(columns_[i], text, e); !wrong.empty()) {
        leave_out(wrong);
        return std::nullopt;
      }
    }
    if (!e.contains("address")) {
      if (fields_.size() > 1 || !trimmed(fields_.front()).empty()) leave_out("there is no address");
      return std::nullopt;
    }
    if (!given_.stream.empty() || !given_.list.empty()) {
      e.erase("stream");
      e.erase("list");
      add_scope(given_, e);
    }
    if (!given_.reason.empty()) e["reason"] = given_.reason;
    if (!given_.expires.empty()) e.erase("expires");
    return e;
  }

  // What is wrong with it; empty: nothing.
  static std::string take(column_kind what, std::string_view text, json::object& to) {
    if (text.empty()) return {};
    const auto is_not = [&](std::string_view wanted) { return fmt::format("\"{}\" is not {}", text, wanted); };
    switch (what) {
      case address:
        if (!message::parse_address(text, true)) return is_not("an address");
        to["address"] = text;
        break;
      case scope:
        if (const auto id = suppression::list_in(text); !id.empty()) return take(list, id, to);
        to["stream"] = text;
        break;
      case list:
        if (!message::is_list_id(to_lower(text))) return is_not("the identifier of a List-ID");
        to["list"] = text;
        break;
      case reason:
        if (!httpd::checked_reason(text)) return is_not("a reason of at most 500 printable characters");
        to["reason"] = text;
        break;
      case source:
        if (!parse_message_id(text)) return is_not("a message id");
        to["message_id"] = text;
        break;
      case since:
      case expires:
        if (!parse_time(text)) return is_not("a time such as 2026-11-25T08:00:00Z");
        to[what == since ? "since" : "expires"] = text;
        break;
      case passed_over:
        break;
    }
    return {};
  }

  void leave_out(std::string_view why) {
    if (++bad_ <= bad_lines_shown) with_.err << fmt::format("line {}: {}: left out\n", records_.line(), printable(why));
  }

  const suppression_arguments& given_;
  const context& with_;
  csv_reader records_;
  std::vector<column_kind> columns_;
  std::vector<std::string> fields_;
  bool kept_ = false;  // fields_ are still to be taken
  std::uint64_t bad_ = 0;
};

void show_progress(const context& with, std::uint64_t done, std::string_view what) {
  if (with.watched) with.err << fmt::format("\r{} {}", done, what) << std::flush;
}

void end_progress(const context& with) {
  if (with.watched) with.err << '\n';
}

int import_from(std::istream& in, json::object body, const arguments& given, const context& with) {
  entry_file file(in, given.suppression, with);
  std::uint64_t added = 0;
  for (;;) {
    const auto began = file.line();
    auto some = file.next();
    if (some.empty()) break;
    const auto count = some.size();
    body["entries"] = std::move(some);
    int status = exit_fine;
    if (!ask(with, status, "POST", "/v1/suppressions", json::serialize(body))) {
      with.err << fmt::format("stopped behind line {}; what came before is on the list, and may be given again\n",
                              began);
      return status;
    }
    added += count;
    show_progress(with, added, "added");
  }
  end_progress(with);
  if (given.json) {
    print_line(with, json::serialize(json::object{{"added", added}, {"left_out", file.bad()}}));
  } else {
    with.out << fmt::format("{} on the list, {} left out\n",
                            added == 1 ? "1 address" : fmt::format("{} addresses", added), file.bad());
  }
  return file.bad() == 0 ? exit_fine : exit_negative;
}

void write_record(const json::object& e, std::ostream& to) {
  const auto list = text_of(e, "list");
  const auto of = list.empty() ? std::string(text_of(e, "stream")) : suppression::of_list(list);
  to << csv_field(text_of(e, "address")) << ',' << csv_field(of) << ',' << csv_field(text_of(e, "reason")) << ','
     << text_of(e, "message_id") << ',' << text_of(e, "since") << ',' << text_of(e, "expires") << "\r\n";
}

}  // namespace

int suppression_import(const arguments& given, const context& with) {
  auto body = suppression_body(given, with);
  if (!body) return exit_bad_usage;
  if (given.suppression.file == "-") return import_from(std::cin, std::move(*body), given, with);
  std::ifstream file(given.suppression.file);
  if (!file) {
    with.err << fmt::format("{}: can't be read\n", printable(given.suppression.file));
    return exit_bad_usage;
  }
  return import_from(file, std::move(*body), given, with);
}

int suppression_export(const arguments& given, const context& with) {
  const bool csv = given.suppression.format == "csv";
  suppression_pages pages(given.suppression, rows_a_page);
  std::uint64_t written = 0;
  bool begun = false;
  while (!pages.over()) {
    int status = exit_fine;
    const auto rows = pages.next(with, status);
    if (!rows) {
      with.err << fmt::format("stopped after {} of them\n", written);
      return status;
    }
    if (csv && !std::exchange(begun, true)) with.out << header_line;
    for (const auto& each : *rows) {
      if (csv) {
        write_record(as_object(each), with.out);
      } else {
        with.out << json::serialize(each) << '\n';
      }
    }
    written += rows->size();
    if (!with.out.flush()) {
      with.err << fmt::format("can't be written, after {} of them\n", written);
      return exit_negative;
    }
    show_progress(with, written, "exported");
  }
  end_progress(with);
  return exit_fine;
}

}  // namespace gonets::app::cli
