#include "httpd/public_router.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "httpd/detail/unsubscribe_page.h"
#include "message/header_scan.h"

namespace gonets::httpd {
namespace {

using detail::unsubscribe_page;

constexpr std::size_t token_bytes_max = 64;
constexpr std::string_view resubscribe = "/resubscribe";

// "/u/TOKEN" and "/u/TOKEN/resubscribe".
struct place {
  std::string token;
  bool again = false;
};
std::optional<place> place_of(std::string_view target) {
  constexpr std::string_view root = "/u/";
  target = target.substr(0, target.find_first_of("?#"));
  if (!target.starts_with(root)) return std::nullopt;
  target.remove_prefix(root.size());
  place at;
  at.again = target.ends_with(resubscribe);
  if (at.again) target.remove_suffix(resubscribe.size());
  if (target.empty() || target.size() > token_bytes_max || target.find('/') != target.npos) return std::nullopt;
  at.token = target;
  return at;
}

// RFC 8058 3.2: in a form of either encoding. What else a POST may bring makes no difference to the wish.
feedback::said_by way_of(std::string_view body) {
  const bool by_click = body.find("List-Unsubscribe") != body.npos && body.find("One-Click") != body.npos;
  return by_click ? feedback::said_by::one_click : feedback::said_by::page;
}

std::string visitor_address(const request& asked, const networks& proxies) {
  const bool by_proxy = std::ranges::any_of(proxies, [&](const network& n) { return n.contains(asked.peer); });
  if (!by_proxy) return to_text(asked.peer);
  const std::string_view all = asked.forwarded_for;
  const auto last = message::trim_field_value(all.substr(all.rfind(',') + 1));
  const auto address = parse_address(last);
  return address ? to_text(*address) : std::string();
}

// The least that is a picture: GIF, one transparent pixel.
constexpr std::string_view pixel(
    "GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,"
    "\x00\x00\x00\x00\x01\x00\x01\x00"
    "\x00\x02\x02"
    "D\x01\x00;",
    43);

// What a field of a response may bear: URLs that senders wrote in other letters are encoded, as browsers do it.
std::string location_of(std::string_view url) {
  std::string field;
  for (const char c : url) {
    if (c > ' ' && c <= '~')
      field += c;
    else
      field += fmt::format("%{:02X}", static_cast<unsigned char>(c));
  }
  return field;
}

// Answers without waiting for what is told of it.
void handle_visit(const request& asked, std::string_view path, detail::language speaks, public_control& ask,
                  const networks& proxies, on_response done) {
  if (asked.method != "GET" && asked.method != "HEAD") {
    auto refusal = detail::public_page(speaks, 405, {});
    refusal.allow = "GET, HEAD";
    return done(std::move(refusal));
  }
  auto visit = ask.read_visit(path);
  if (!visit) return done(detail::unknown_link_page(speaks));
  response answer;
  answer.fields.emplace_back("Cache-Control", "no-store");
  if (visit->url.empty()) {
    answer.content_type = "image/gif";
    answer.body = pixel;
  } else {
    answer.status = 302;
    answer.content_type = "text/plain";
    answer.fields.emplace_back("Location", location_of(visit->url));
  }
  // Who only asks for the header looks at where a link leads, as scanners do.
  if (asked.method == "GET") ask.visited(std::move(*visit), {visitor_address(asked, proxies), asked.user_agent});
  done(std::move(answer));
}

}  // namespace

void handle_public(const request& asked, public_control& ask, const networks& proxies, on_response done) {
  const auto speaks = detail::language_of(asked.accept_language);
  const auto path = std::string_view(asked.target).substr(0, asked.target.find_first_of("?#"));
  if (path.starts_with("/o/") || path.starts_with("/c/"))
    return handle_visit(asked, path, speaks, ask, proxies, std::move(done));
  const auto at = place_of(asked.target);
  if (!at) return done(unsubscribe_page(speaks, {}, std::unexpected(feedback::no_subscription::unknown)));
  const bool looks = asked.method == "GET" || asked.method == "HEAD";
  if (!looks && asked.method != "POST") {
    auto refusal = detail::public_page(speaks, 405, {});
    refusal.allow = "GET, HEAD, POST";
    return done(std::move(refusal));
  }
  auto answer = [speaks, at = *at, changed = !looks,
                 done = std::move(done)](const feedback::subscription_result& found) mutable {
    done(unsubscribe_page(speaks, {.token = at.token, .below = at.again, .changed = changed}, found));
  };
  if (looks) return ask.subscription(at->token, std::move(answer));
  if (at->again) {
    return ask.change_subscription(at->token, feedback::wish::resubscribe, feedback::said_by::page, std::move(answer));
  }
  ask.change_subscription(at->token, feedback::wish::unsubscribe, way_of(asked.body), std::move(answer));
}

request_handler handler_of(public_control& ask, networks proxies) {
  return [&ask, proxies = std::move(proxies)](const request& asked, on_response done) {
    handle_public(asked, ask, proxies, std::move(done));
  };
}

}  // namespace gonets::httpd
