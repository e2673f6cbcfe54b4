// Shared by the commands: questions to the server, and what to say when it refuses.
#pragma once
#include <boost/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "app/cli/context.h"

namespace gonets::app::cli {

// The path and query of a question; parameters with an empty value are left out.
class target {
 public:
  explicit target(std::string path) : text_(std::move(path)) {}
  target& with(std::string_view name, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  char separator_ = '?';
};

// The answer when its status is 200 or 201. Otherwise says on `err` what the server said, and `status` is the exit
// status.
std::optional<api_answer> ask(const context& with, int& status, const std::string& method, const std::string& target,
                              const std::string& body = "");
void explain(const context& with, const api_failure& failure);

// Members that are absent, or of another type than the API's, read as empty or zero.
std::string_view text_of(const boost::json::object& o, std::string_view name);
std::uint64_t number_of(const boost::json::object& o, std::string_view name);
double real_of(const boost::json::object& o, std::string_view name);
bool flag_of(const boost::json::object& o, std::string_view name);
const boost::json::object& object_of(const boost::json::object& o, std::string_view name);
const boost::json::array& array_of(const boost::json::object& o, std::string_view name);
const boost::json::object& as_object(const boost::json::value& v);
std::string joined(const boost::json::array& texts);  // "a, b"; what is no text is left out

std::optional<boost::json::object> parse_answer(const context& with, const api_answer& answer);

// "in 12m", "3m ago"; empty without the member.
std::string relative_of(const boost::json::object& o, std::string_view name, wall_time now);
// "450 4.2.1 come back later"
std::string reply_of(const boost::json::object& o, std::string_view name);
std::string sender_text(std::string_view reverse_path);  // "<>" for the empty one

// Of an answer that searched the event log: says so when it did not reach back as far as was asked.
void print_log_bounds(const boost::json::object& o, const context& with);
void print_line(const context& with, std::string_view text);
// Prints a message, as it is or, on a terminal, made harmless.
int show_content(const arguments& given, const context& with, const std::string& target_text);

// For answers in JSON: with --json prints it as it came, else calls `show` with the parsed object.
template <class Show>
int ask_and_show(const arguments& given, const context& with, const std::string& method, const std::string& target_text,
                 const std::string& body, Show show) {
  int status = exit_fine;
  const auto answer = ask(with, status, method, target_text, body);
  if (!answer) return status;
  if (given.json) {
    print_line(with, answer->body);
    return exit_fine;
  }
  const auto parsed = parse_answer(with, *answer);
  if (!parsed) return exit_negative;
  show(*parsed);
  return exit_fine;
}

template <class Show>
int ask_and_show(const arguments& given, const context& with, const std::string& target_text, Show show) {
  return ask_and_show(given, with, "GET", target_text, "", std::move(show));
}

}  // namespace gonets::app::cli
