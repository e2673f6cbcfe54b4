#include "sinks/detail/jetstream.h"

#include <fmt/format.h>

#include <boost/json.hpp>

namespace gonets::sinks::detail {
namespace {

constexpr std::string_view kind_mark = "{kind}";

std::string_view take_token(std::string_view& rest) {
  const auto token = rest.substr(0, rest.find('.'));
  rest.remove_prefix(std::min(rest.size(), token.size() + 1));
  return token;
}

}  // namespace

bool covers_subject(std::string_view pattern, std::string_view subject) {
  while (!pattern.empty() && !subject.empty()) {
    const auto wanted = take_token(pattern);
    if (wanted == ">") return true;
    const auto token = take_token(subject);
    if (wanted != "*" && wanted != token) return false;
  }
  return pattern.empty() && subject.empty();
}

std::string subject_for(std::string_view subject, std::string_view kind) {
  std::string made(subject);
  if (const auto at = made.find(kind_mark); at != made.npos) made.replace(at, kind_mark.size(), kind);
  return made;
}

outcome<void> read_publish_ack(std::string_view text) {
  boost::system::error_code failed;
  const auto parsed = boost::json::parse(text, failed);
  const auto* ack = failed ? nullptr : parsed.if_object();
  if (ack == nullptr) return std::unexpected(fmt::format("an answer of {} bytes that is no JSON", text.size()));
  if (const auto* error = ack->if_contains("error")) {
    const auto* details = error->if_object();
    const auto* description = details == nullptr ? nullptr : details->if_contains("description");
    const auto* words = description == nullptr ? nullptr : description->if_string();
    return std::unexpected(words == nullptr ? "refused" : std::string(words->data(), words->size()));
  }
  if (!ack->contains("stream")) return std::unexpected("an answer that is no acknowledgment: no stream listens there");
  return {};
}

}  // namespace gonets::sinks::detail
