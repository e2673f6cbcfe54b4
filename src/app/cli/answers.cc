#include "app/cli/answers.h"

#include <fmt/format.h>

#include <ostream>

#include "app/cli/text.h"

namespace gonets::app::cli {
namespace json = boost::json;

namespace {

void say(const context& with, std::string_view message, std::string_view hint) {
  with.err << "gonets: " << printable(message);
  if (!hint.empty()) with.err << "; " << printable(hint);
  with.err << '\n';
}

}  // namespace

target& target::with(std::string_view name, std::string_view value) {
  if (value.empty()) return *this;
  text_ += fmt::format("{}{}={}", separator_, name, percent_encode(value));
  separator_ = '&';
  return *this;
}

void explain(const context& with, const api_failure& failure) {
  say(with, failure.text, "");
}

void print_line(const context& with, std::string_view text) {
  with.out << text << '\n';
}

std::optional<api_answer> ask(const context& with, int& status, const std::string& method, const std::string& target,
                              const std::string& body) {
  auto got = with.ask(method, target, body);
  if (!got) {
    explain(with, got.error());
    status = exit_negative;
    return std::nullopt;
  }
  if (got->status == 200 || got->status == 201) return std::move(*got);
  json::error_code error;
  const auto parsed = json::parse(got->body, error);
  const auto& refusal = error ? object_of({}, "") : object_of(as_object(parsed), "error");
  const auto message = text_of(refusal, "message");
  say(with, message.empty() ? fmt::format("the server answered with status {}", got->status) : std::string(message),
      text_of(refusal, "hint"));
  status = got->status == 400 ? exit_bad_usage : exit_negative;
  return std::nullopt;
}

std::optional<json::object> parse_answer(const context& with, const api_answer& answer) {
  json::error_code error;
  auto parsed = json::parse(answer.body, error);
  if (!error && parsed.is_object()) return std::move(parsed.get_object());
  say(with, "the server's answer is not understood", "is it of the same version? `gonets version` tells ours");
  return std::nullopt;
}

std::string_view text_of(const json::object& o, std::string_view name) {
  const auto* found = o.if_contains(name);
  const auto* text = found == nullptr ? nullptr : found->if_string();
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

std::uint64_t number_of(const json::object& o, std::string_view name) {
  const auto* found = o.if_contains(name);
  if (found == nullptr || !found->is_number()) return 0;
  json::error_code error;
  const auto number = found->to_number<std::uint64_t>(error);
  return error ? 0 : number;
}

double real_of(const json::object& o, std::string_view name) {
  const auto* found = o.if_contains(name);
  json::error_code error;
  const auto number = found == nullptr ? 0 : found->to_number<double>(error);
  return error ? 0 : number;
}

bool flag_of(const json::object& o, std::string_view name) {
  const auto* found = o.if_contains(name);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::string joined(const json::array& texts) {
  std::vector<std::string> all;
  for (const auto& t : texts)
    if (t.is_string()) all.emplace_back(t.get_string());
  return fmt::format("{}", fmt::join(all, ", "));
}

const json::object& as_object(const json::value& v) {
  static const json::object none;
  const auto* found = v.if_object();
  return found == nullptr ? none : *found;
}

const json::object& object_of(const json::object& o, std::string_view name) {
  static const json::value none;
  const auto* found = o.if_contains(name);
  return as_object(found == nullptr ? none : *found);
}

const json::array& array_of(const json::object& o, std::string_view name) {
  static const json::array none;
  const auto* found = o.if_contains(name);
  const auto* array = found == nullptr ? nullptr : found->if_array();
  return array == nullptr ? none : *array;
}

std::string relative_of(const json::object& o, std::string_view name, wall_time now) {
  const auto t = parse_time(text_of(o, name));
  return t ? relative_time(*t, now) : std::string();
}

std::string reply_of(const json::object& o, std::string_view name) {
  const auto& reply = object_of(o, name);
  if (reply.empty()) return {};
  const auto status = text_of(reply, "status");
  return fmt::format("{} {}{}{}", number_of(reply, "code"), status, status.empty() ? "" : " ", text_of(reply, "text"));
}

void print_log_bounds(const json::object& o, const context& with) {
  if (!flag_of(o, "log_cut")) return;
  const auto from = parse_time(text_of(o, "log_from"));
  with.out << fmt::format("Only the last {} events were searched, from {} on.\n", number_of(o, "log_events"),
                          from ? full_time(*from) : "their beginning");
}

std::string sender_text(std::string_view reverse_path) {
  return reverse_path.empty() ? "<>" : std::string(reverse_path);
}

}  // namespace gonets::app::cli
