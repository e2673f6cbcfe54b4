#include "httpd/detail/event_stream.h"

#include <fmt/format.h>

#include <utility>

#include "httpd/access.h"

namespace gonets::httpd::detail {
namespace {

constexpr std::string_view beginning = "retry: 2000\n\n";  // milliseconds until a client comes back
constexpr std::string_view end_of_body;

}  // namespace

std::string stream_text(const event_page& page) {
  std::string text;
  if (page.log_replaced) text += "event: log_replaced\ndata: {}\n\n";
  if (page.lost != 0) text += fmt::format("event: lost\ndata: {{\"lost\":{}}}\n\n", page.lost);
  for (const auto& e : page.events)
    text += fmt::format("id: {}\nevent: {}\ndata: {}\n\n", e.seq.value, events::to_text(e.kind), e.json);
  // A block without data moves the client's cursor past what it does not want.
  if (text.empty()) text = fmt::format(": nothing new\nid: {}\n\n", page.next.value);
  return text;
}

void event_stream::next(done part) {
  if (!std::exchange(begun_, true)) return part(std::string(beginning));
  if (by_.key.empty()) return read(std::move(part));
  // A key can be revoked while its stream goes on; known ones are answered from memory.
  ask_.check_key(by_.key, by_.peer, [me = shared_from_this(), part = std::move(part)](const key_verdict& v) mutable {
    const bool good = !refuse_key(v, {needs::read, true}) && v.account == me->by_.account;
    if (!good && v.what != key_verdict::unavailable) return part(std::string(end_of_body));
    me->read(std::move(part));
  });
}

void event_stream::read(done part) {
  using answer = std::expected<event_page, response>;
  ask_.event_log().read(wanted_, [me = shared_from_this(), part = std::move(part)](answer got) mutable {
    part(got ? me->take(std::move(*got)) : std::string(end_of_body));
  });
}

std::string event_stream::take(event_page page) {
  wanted_.after = page.next;
  return stream_text(page);
}

}  // namespace gonets::httpd::detail
