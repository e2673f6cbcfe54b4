#include "httpd/detail/json_body.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"

namespace gonets::httpd::detail {
namespace json = boost::json;
namespace {
constexpr std::size_t depth_max = 8;
}

json_body::json_body(std::string_view body) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = depth_max;
  root_ = json::parse(body, error, {}, options);
  if (error)
    refuse("the body is not JSON: " + error.message());
  else if (!root_.is_object())
    refuse("the body is not an object");
}

json_body::json_body(const json::value& nested, std::string where) : root_(nested), where_(std::move(where)) {
  if (!root_.is_object()) refuse(fmt::format("{}: expected an object", where_));
  where_ += '.';
}

const json::value* json_body::take(std::string_view name) {
  taken_.emplace_back(name);
  const auto* members = root_.if_object();
  const auto* found = members != nullptr ? members->if_contains(name) : nullptr;
  return found == nullptr || found->is_null() ? nullptr : found;
}

std::optional<std::string> json_body::text(std::string_view name) {
  const auto* v = take(name);
  if (v == nullptr) return std::nullopt;
  if (v->is_string()) return std::string(v->get_string());
  expect(name, "a text");
  return std::nullopt;
}

std::optional<std::uint64_t> json_body::number(std::string_view name, std::uint64_t max) {
  const auto* v = take(name);
  if (v == nullptr) return std::nullopt;
  json::error_code error;
  const auto n = v->is_number() && !v->is_double() ? v->to_number<std::uint64_t>(error) : max + 1;
  if (!error && n <= max) return n;
  expect(name, fmt::format("a whole number from 0 to {}", max));
  return std::nullopt;
}

std::optional<bool> json_body::flag(std::string_view name) {
  const auto* v = take(name);
  if (v == nullptr) return std::nullopt;
  if (v->is_bool()) return v->get_bool();
  expect(name, "true or false");
  return std::nullopt;
}

const json::array* json_body::list(std::string_view name) {
  const auto* v = take(name);
  if (v == nullptr) return nullptr;
  if (v->is_array()) return &v->get_array();
  expect(name, "a list");
  return nullptr;
}

const json::value* json_body::object(std::string_view name) {
  const auto* v = take(name);
  if (v == nullptr || v->is_object()) return v;
  expect(name, "an object");
  return nullptr;
}

std::optional<std::vector<std::string>> json_body::texts(std::string_view name) {
  const auto* items = list(name);
  if (items == nullptr) return std::nullopt;
  std::vector<std::string> all;
  for (const auto& item : *items) {
    if (item.is_string())
      all.emplace_back(item.get_string());
    else
      expect(name, "a list of texts");
  }
  return all;
}

void json_body::refuse(std::string message) {
  if (message_.empty()) message_ = std::move(message);
}

void json_body::expect(std::string_view name, std::string_view expected) {
  refuse(fmt::format("{}{}: expected {}", where_, name, expected));
}

void json_body::adopt(json_body& nested) {
  if (nested.refusal()) refuse(nested.message_);
}

std::optional<response> json_body::refusal() {
  if (const auto* members = root_.if_object()) {
    for (const auto& m : *members) {
      const std::string name(m.key());
      if (std::ranges::find(taken_, name) != taken_.end()) continue;
      const auto near = nearest(name, taken_);
      refuse(fmt::format("{}{}: an unknown member{}", where_, name,
                         near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)));
    }
  }
  if (message_.empty()) return std::nullopt;
  return error_response(400, "invalid_body", message_);
}

}  // namespace gonets::httpd::detail
