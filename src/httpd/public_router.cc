#include "httpd/public_router.h"

#include <memory>

#include "httpd/detail/unsubscribe_page.h"

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

}  // namespace

void handle_public(const request& asked, public_control& ask, on_response done) {
  const auto speaks = detail::language_of(asked.accept_language);
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

request_handler handler_of(public_control& ask) {
  return [&ask](const request& asked, on_response done) { handle_public(asked, ask, std::move(done)); };
}

}  // namespace gonets::httpd
