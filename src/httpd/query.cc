#include "httpd/query.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <charconv>

#include "base/text.h"
#include "message/valid_utf8.h"

namespace gonets::httpd {
namespace {
namespace json = boost::json;

constexpr std::size_t json_depth_max = 8;
constexpr std::array<std::string_view, 4> action_names{"retry", "hold", "release", "remove"};

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::string> percent_decode(std::string_view text) {
  std::string decoded;
  decoded.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      decoded.push_back(text[i]);
      continue;
    }
    if (text.size() - i < 3) return std::nullopt;
    const int high = hex_value(text[i + 1]);
    const int low = hex_value(text[i + 2]);
    if (high < 0 || low < 0) return std::nullopt;
    decoded.push_back(static_cast<char>(high << 4 | low));
    i += 2;
  }
  return decoded;
}

// Calls `each` with the parts of `text` between separators, until one says that it is enough.
template <class Each>
bool split(std::string_view text, char separator, Each each) {
  for (;;) {
    const auto end = text.find(separator);
    if (!each(text.substr(0, end))) return false;
    if (end == std::string_view::npos) return true;
    text.remove_prefix(end + 1);
  }
}

bool add_parameter(std::string_view part, parameters& to) {
  if (part.empty()) return true;
  const auto equals = part.find('=');
  auto name = percent_decode(part.substr(0, equals));
  auto value = percent_decode(equals == std::string_view::npos ? std::string_view() : part.substr(equals + 1));
  if (!name || !value) return false;
  to.emplace_back(std::move(*name), std::move(*value));
  return true;
}

template <class Names>
std::string suggestion(std::string_view word, const Names& names) {
  const std::string near = nearest(word, {names.begin(), names.end()});
  return near.empty() ? std::string() : fmt::format("did you mean \"{}\"?", near);
}

// "unknown filter "x"; the filters are a, b and c".
template <class Names>
response unknown_word(std::string_view code, std::string_view kind, std::string_view word, const Names& names) {
  if (names.empty())
    return error_response(400, code, fmt::format("unknown {0} \"{1}\"; there is none here", kind, word));
  return error_response(400, code, fmt::format("unknown {} \"{}\"; known: {}", kind, word, fmt::join(names, ", ")),
                        suggestion(word, names));
}

or_refusal<void> set_state(std::string_view value, queue_filter& to) {
  static constexpr std::array<std::string_view, 6> states{"ready",  "deferred", "held",
                                                          "paused", "sending",  "resolving"};
  if (std::find(states.begin(), states.end(), value) == states.end()) {
    return std::unexpected(unknown_word("invalid_parameter", "state", value, states));
  }
  to.state = value;
  return {};
}

or_refusal<void> set_older_than(std::string_view value, queue_filter& to) {
  const auto duration = parse_duration(value);
  if (!duration || duration->count() <= 0) {
    return std::unexpected(
        error_response(400, "invalid_parameter",
                       fmt::format("older_than: found \"{}\", expected a duration such as 90s, 2h or 1d12h", value)));
  }
  to.older_than = *duration;
  return {};
}

or_refusal<void> set_id(std::string_view value, queue_filter& to) {
  auto id = parse_id(value);
  if (!id) return std::unexpected(std::move(id.error()));
  to.id = *id;
  return {};
}

template <std::string queue_filter::*Member>
or_refusal<void> set_text(std::string_view value, queue_filter& to) {
  to.*Member = value;
  return {};
}

struct filter_member {
  std::string_view name;
  or_refusal<void> (*set)(std::string_view value, queue_filter& to);
};
constexpr std::array<filter_member, 6> filter_members{{{"id", set_id},
                                                       {"recipient", set_text<&queue_filter::recipient>},
                                                       {"domain", set_text<&queue_filter::domain>},
                                                       {"account", set_text<&queue_filter::account>},
                                                       {"state", set_state},
                                                       {"older_than", set_older_than}}};

or_refusal<void> set_filter(std::string_view name, std::string_view value, queue_filter& to) {
  const auto* found =
      std::find_if(filter_members.begin(), filter_members.end(), [&](const auto& m) { return m.name == name; });
  if (found == filter_members.end()) {
    return std::unexpected(unknown_word("unknown_parameter", "filter", name, filter_names()));
  }
  // An empty value would match everything, and who writes one meant something.
  if (value.empty()) {
    return std::unexpected(error_response(400, "invalid_parameter", fmt::format("the filter \"{}\" is empty", name)));
  }
  return found->set(value, to);
}

response bad_body(std::string_view message, std::string_view hint = "") {
  return error_response(400, "invalid_body", message, hint);
}

or_refusal<std::string_view> text_of(std::string_view name, const json::value& value) {
  if (const auto* text = value.if_string()) return std::string_view(*text);
  return std::unexpected(bad_body(fmt::format("{}: expected a string", name)));
}

or_refusal<void> read_filter(const json::value& from, queue_filter& to) {
  const auto* members = from.if_object();
  if (members == nullptr) return std::unexpected(bad_body("filter: expected an object"));
  for (const auto& [name, value] : *members) {
    const auto text = text_of(std::string("filter.").append(name), value);
    if (!text) return std::unexpected(text.error());
    if (auto set = set_filter(name, *text, to); !set) return set;
  }
  return {};
}

or_refusal<void> read_action(const json::value& from, queue_action& to) {
  const auto name = text_of("action", from);
  if (!name) return std::unexpected(name.error());
  const auto* found = std::find(action_names.begin(), action_names.end(), *name);
  if (found == action_names.end()) return std::unexpected(unknown_word("invalid_body", "action", *name, action_names));
  to = static_cast<queue_action>(found - action_names.begin());
  return {};
}

or_refusal<void> read_reason(const json::value& from, std::string& to) {
  const auto text = text_of("reason", from);
  if (!text) return std::unexpected(text.error());
  auto reason = checked_reason(*text);
  if (!reason) return std::unexpected(std::move(reason.error()));
  to = std::move(*reason);
  return {};
}

or_refusal<void> read_member(std::string_view name, const json::value& value, action_request& to, bool& all) {
  static constexpr std::array<std::string_view, 4> names{"action", "filter", "reason", "all"};
  if (name == "action") return read_action(value, to.action);
  if (name == "filter") return read_filter(value, to.filter);
  if (name == "reason") return read_reason(value, to.reason);
  if (name != "all") return std::unexpected(unknown_word("invalid_body", "member", name, names));
  if (!value.is_bool()) return std::unexpected(bad_body("all: expected true or false"));
  all = value.get_bool();
  return {};
}

}  // namespace

response error_response(unsigned status, std::string_view code, std::string_view message, std::string_view hint) {
  json::object error{{"code", code}, {"message", message}};
  if (!hint.empty()) error["hint"] = hint;
  return {.status = status, .body = message::valid_utf8(json::serialize(json::object{{"error", std::move(error)}}))};
}

std::optional<target> parse_target(std::string_view text) {
  if (!text.starts_with('/')) return std::nullopt;
  target found;
  const auto question = text.find('?');
  const auto path_part = [&found](std::string_view part) {
    auto decoded = percent_decode(part);
    if (decoded) found.path.push_back(std::move(*decoded));
    return decoded.has_value();
  };
  if (!split(text.substr(1, question == std::string_view::npos ? question : question - 1), '/', path_part)) {
    return std::nullopt;
  }
  if (question == std::string_view::npos) return found;
  const auto query_part = [&found](std::string_view part) { return add_parameter(part, found.query); };
  if (!split(text.substr(question + 1), '&', query_part)) return std::nullopt;
  return found;
}

or_refusal<void> check_parameters(const parameters& given, const std::vector<std::string_view>& known) {
  for (auto at = given.begin(); at != given.end(); ++at) {
    const auto& name = at->first;
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return std::unexpected(unknown_word("unknown_parameter", "parameter", name, known));
    }
    if (std::any_of(given.begin(), at, [&](const auto& earlier) { return earlier.first == name; })) {
      return std::unexpected(error_response(400, "invalid_parameter", fmt::format("{}: given twice", name)));
    }
  }
  return {};
}

std::string_view parameter(const parameters& given, std::string_view name) {
  const auto found = std::find_if(given.begin(), given.end(), [&](const auto& p) { return p.first == name; });
  return found == given.end() ? std::string_view() : std::string_view(found->second);
}

or_refusal<std::uint64_t> number_parameter(const parameters& given, std::string_view name, std::uint64_t fallback,
                                           std::uint64_t low, std::uint64_t high) {
  const auto found = std::find_if(given.begin(), given.end(), [&](const auto& p) { return p.first == name; });
  if (found == given.end()) return fallback;
  const auto& text = found->second;
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc{} && stop == text.data() + text.size() && value >= low && value <= high) return value;
  return std::unexpected(
      error_response(400, "invalid_parameter",
                     fmt::format("{}: found \"{}\", expected a whole number from {} to {}", name, text, low, high)));
}

or_refusal<std::optional<std::chrono::milliseconds>> age_parameter(const parameters& given, std::string_view name) {
  const auto text = parameter(given, name);
  if (text.empty()) return std::nullopt;
  if (const auto age = parse_duration(text); age && age->count() >= 0) return *age;
  return std::unexpected(
      error_response(400, "invalid_parameter",
                     fmt::format("{}: found \"{}\", expected a duration such as 90m, 24h or 7d", name, text)));
}

or_refusal<message_id> parse_id(std::string_view text) {
  if (const auto id = parse_message_id(text)) return *id;
  return std::unexpected(error_response(400, "invalid_id", fmt::format("\"{}\" is not a message id", text),
                                        "an id is twelve letters and digits, as in our 250 replies"));
}

const std::vector<std::string_view>& filter_names() {
  static const std::vector<std::string_view> names = [] {
    std::vector<std::string_view> all(filter_members.size());
    std::transform(filter_members.begin(), filter_members.end(), all.begin(), [](const auto& m) { return m.name; });
    return all;
  }();
  return names;
}

or_refusal<queue_filter> filter_from_query(const parameters& given) {
  queue_filter filter;
  for (const auto& [name, value] : given) {
    const auto& known = filter_names();
    if (std::find(known.begin(), known.end(), name) == known.end()) continue;
    if (auto set = set_filter(name, value, filter); !set) return std::unexpected(std::move(set.error()));
  }
  return filter;
}

or_refusal<std::string> checked_reason(std::string_view text) {
  if (text.size() > reason_bytes_max) {
    return std::unexpected(
        error_response(400, "invalid_parameter", fmt::format("reason: longer than {} bytes", reason_bytes_max)));
  }
  if (std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; })) {
    return std::unexpected(error_response(400, "invalid_parameter", "reason: control characters in it"));
  }
  return std::string(text);
}

or_refusal<action_request> parse_action(std::string_view body) {
  json::error_code error;
  json::parse_options options;
  options.max_depth = json_depth_max;
  const auto parsed = json::parse(body, error, {}, options);
  if (error || !parsed.is_object()) {
    return std::unexpected(bad_body(error ? "the body is not JSON: " + error.message() : "the body is not an object",
                                    R"(such as {"action":"retry","filter":{"domain":"example.com"}})"));
  }
  const auto& members = parsed.get_object();
  if (!members.contains("action")) {
    return std::unexpected(bad_body(fmt::format("action: missing; one of {}", fmt::join(action_names, ", "))));
  }
  action_request wanted;
  bool all = false;
  for (const auto& [name, value] : members) {
    if (auto read = read_member(name, value, wanted, all); !read) return std::unexpected(std::move(read.error()));
  }
  if (wanted.action == queue_action::remove && wanted.filter.empty() && !all) {
    return std::unexpected(bad_body("removing without a filter would remove the whole queue",
                                    R"(give a filter, or "all": true if that is what you want)"));
  }
  return wanted;
}

}  // namespace gonets::httpd
