// /v1/events: the event log behind a cursor, page by page or as a stream.
#include <fmt/format.h>

#include <charconv>

#include "base/text.h"
#include "events/filter.h"
#include "httpd/detail/event_stream.h"
#include "httpd/detail/route.h"
#include "httpd/json.h"

namespace gonets::httpd::detail {
namespace {

constexpr std::uint64_t page_max = 1000;
constexpr std::uint64_t page_by_default = 100;
constexpr std::uint64_t streamed_at_once = 100;
constexpr std::uint64_t cursor_max = 9'223'372'036'854'775'807;  // JSON readers hold no more
constexpr std::uint64_t wait_seconds_max = 60;
constexpr std::chrono::seconds stream_silence_max{15};  // so that proxies keep it, and a client that went is noticed
constexpr std::size_t words_max = 50;
constexpr unsigned retry_after_seconds = 5;
constexpr std::string_view latest = "latest";

response invalid(std::string_view name, std::string_view found, std::string_view expected) {
  return error_response(400, "invalid_parameter", fmt::format("{}: found \"{}\", expected {}", name, found, expected));
}

or_refusal<std::vector<std::string>> words_of(const call& c, std::string_view name) {
  std::vector<std::string> words;
  for (std::string_view rest = parameter(c.query, name); !rest.empty();) {
    const auto comma = rest.find(',');
    words.emplace_back(rest.substr(0, comma));
    if (words.back().empty() || words.size() > words_max)
      return std::unexpected(invalid(name, parameter(c.query, name), "at most 50 words with commas between them"));
    rest.remove_prefix(comma == rest.npos ? rest.size() : comma + 1);
  }
  return words;
}

or_refusal<std::vector<events::kind>> kinds_of(const call& c) {
  const auto words = words_of(c, "kind");
  if (!words) return std::unexpected(words.error());
  std::vector<events::kind> kinds;
  for (const auto& word : *words) {
    const auto kind = events::parse_kind(word);
    if (!kind) {
      const auto known = events::kind_words();
      const auto near = nearest(word, {known.begin(), known.end()});
      return std::unexpected(error_response(400, "invalid_parameter", fmt::format("kind: there is none \"{}\"", word),
                                            near.empty() ? near : fmt::format("did you mean \"{}\"?", near)));
    }
    kinds.push_back(*kind);
  }
  return kinds;
}

// Nothing: from now on.
or_refusal<std::optional<event_seq>> cursor_of(std::string_view name, std::string_view text) {
  if (text == latest) return std::nullopt;
  event_seq at;
  const auto* end = text.data() + text.size();
  const auto read = std::from_chars(text.data(), end, at.value);
  if (text.empty()) return event_seq{0};
  if (read.ec != std::errc() || read.ptr != end || at.value > cursor_max)
    return std::unexpected(invalid(name, text, "the `next` of a page before, or `latest`"));
  return at;
}

or_refusal<event_question> question_of(const call& c) {
  event_question wanted;
  const auto after = cursor_of("after", parameter(c.query, "after"));
  if (!after) return std::unexpected(after.error());
  wanted.after = *after;
  const auto max = number_parameter(c.query, "max", page_by_default, 1, page_max);
  if (!max) return std::unexpected(max.error());
  wanted.max = *max;
  const auto wait = number_parameter(c.query, "wait", 0, 0, wait_seconds_max);
  if (!wait) return std::unexpected(wait.error());
  wanted.wait = std::chrono::seconds(*wait);
  auto kinds = kinds_of(c);
  if (!kinds) return std::unexpected(std::move(kinds.error()));
  wanted.kinds = std::move(*kinds);
  auto streams = words_of(c, "stream");
  if (!streams) return std::unexpected(std::move(streams.error()));
  wanted.streams = std::move(*streams);
  wanted.account = parameter(c.query, "account");
  if (!c.as.account.empty()) {
    if (!wanted.account.empty() && wanted.account != c.as.account)
      return std::unexpected(error_response(403, "forbidden", "this key sees the events of its own account only"));
    wanted.account = c.as.account;
  }
  return wanted;
}

response all_places_taken() {
  auto refusal = error_response(503, "busy", "too many clients wait for events",
                                "try again later; one client can read the events of all streams and kinds");
  refusal.fields.emplace_back("Retry-After", std::to_string(retry_after_seconds));
  return refusal;
}

void begin_stream(const call& c, event_question wanted, on_response done) {
  if (!c.asked.last_event_id.empty()) {
    const auto after = cursor_of("Last-Event-ID", c.asked.last_event_id);
    if (!after) return done(after.error());
    wanted.after = *after;
  }
  auto place = c.ask.event_log().take_place(c.as.account);
  if (!place) return done(all_places_taken());
  wanted.max = streamed_at_once;
  wanted.wait = stream_silence_max;
  stream_reader by{c.asked.over_tcp ? std::string(bearer_of(c.asked.authorization)) : std::string(), c.asked.peer,
                   c.as.account};
  response answer{.content_type = "text/event-stream"};
  answer.parts = std::make_shared<event_stream>(c.ask, std::move(place), std::move(wanted), std::move(by));
  done(std::move(answer));
}

void events(const call& c, on_response done) {
  auto wanted = question_of(c);
  if (!wanted) return done(std::move(wanted.error()));
  if (c.asked.accept.find("text/event-stream") != std::string::npos)
    return begin_stream(c, std::move(*wanted), std::move(done));
  event_source::place place;
  if (wanted->wait.count() != 0) {
    place = c.ask.event_log().take_place(c.as.account);
    if (!place) return done(all_places_taken());
  }
  using answer = std::expected<event_page, response>;
  c.ask.event_log().read(std::move(*wanted), [done = std::move(done), place = std::move(place)](answer got) mutable {
    place.reset();
    if (!got) return done(std::move(got.error()));
    done(json_response(events_json(*got)));
  });
}

}  // namespace

std::vector<route> event_routes() {
  return {{"GET", "/v1/events", events, {"after", "max", "wait", "kind", "stream", "account"}, {needs::read, true}}};
}

}  // namespace gonets::httpd::detail
