#include "httpd/detail/unsubscribe_page.h"

#include <fmt/format.h>

#include "base/base64.h"
#include "base/html.h"
#include "base/secret.h"
#include "base/text.h"
#include "message/address.h"
#include "message/valid_utf8.h"

namespace gonets::httpd::detail {
namespace {

struct words {
  std::string_view code, title;
  // {0}: the recipient's address, {1}: the sender's domain
  std::string_view gets, gets_again, gets_no_more;
  std::string_view unsubscribe, changed_mind, subscribe_again;
  std::string_view unknown, unavailable, link_title, not_ours;
};
constexpr words in_english{
    .code = "en",
    .title = "Unsubscribe",
    .gets = "{0} gets this kind of mail from {1}.",
    .gets_again = "Done. {0} will get this kind of mail from {1} again.",
    .gets_no_more = "Done. {0} will get no more of this kind of mail from {1}.",
    .unsubscribe = "Unsubscribe",
    .changed_mind = "Was that a mistake?",
    .subscribe_again = "Subscribe again",
    .unknown = "This link is not known, or it is too old. To unsubscribe, answer the message that it came with.",
    .unavailable = "That is not possible at the moment. Please try again in a few minutes.",
    .link_title = "A link that is not known",
    .not_ours = "This link is not as it was made here. Try the link in the message again.",
};
constexpr words in_russian{
    .code = "ru",
    .title = "Отписка от рассылки",
    .gets = "На адрес {0} приходит эта рассылка от {1}.",
    .gets_again = "Готово. Эта рассылка от {1} снова будет приходить на адрес {0}.",
    .gets_no_more = "Готово. Эта рассылка от {1} больше не будет приходить на адрес {0}.",
    .unsubscribe = "Отписаться",
    .changed_mind = "Отписались по ошибке?",
    .subscribe_again = "Подписаться снова",
    .unknown = "Ссылка неизвестна или устарела. Чтобы отписаться, ответьте на письмо, в котором она была.",
    .unavailable = "Сейчас это не получается. Попробуйте ещё раз через несколько минут.",
    .link_title = "Неизвестная ссылка",
    .not_ours = "Ссылка не такая, какой её здесь создали. Попробуйте ещё раз открыть её из письма.",
};

const words& words_of(language l) {
  return l == language::russian ? in_russian : in_english;
}

constexpr std::string_view style =
    "body{font:18px/1.5 sans-serif;max-width:34em;margin:15vh auto;padding:0 1em;text-align:center}"
    "button{font:inherit;padding:.4em 1.4em}";

std::string security_policy() {
  return fmt::format(
      "default-src 'none'; style-src 'sha256-{}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
      encode_base64(sha256(style)));
}

std::string escaped(std::string_view text) {
  return escape_html(message::valid_utf8(std::string(text)));
}

std::string sentence(std::string_view form, const feedback::subscription& about) {
  const auto bold = [](std::string_view text) { return "<b>" + escaped(text) + "</b>"; };
  return fmt::format("<p>{}</p>\n",
                     fmt::format(fmt::runtime(form), bold(about.recipient), bold(message::domain_of(about.sender))));
}

std::string button(std::string_view action, std::string_view label) {
  return fmt::format("<form method=\"post\" action=\"{}\"><button>{}</button></form>\n", escaped(action), label);
}

}  // namespace

language language_of(std::string_view accept_language) {
  while (!accept_language.empty()) {
    const auto one = accept_language.substr(0, accept_language.find(','));
    accept_language.remove_prefix(std::min(accept_language.size(), one.size() + 1));
    auto tag = to_lower(one.substr(0, one.find_first_of("-;")));
    std::erase_if(tag, [](char c) { return c == ' ' || c == '\t'; });
    if (tag == "ru") return language::russian;
    if (tag == "en") return language::english;
  }
  return language::english;
}

namespace {

response page_titled(std::string_view title, language speaks, unsigned status, std::string_view content) {
  static const std::string policy = security_policy();
  const auto& say = words_of(speaks);
  response made;
  made.status = status;
  made.content_type = "text/html; charset=utf-8";
  made.body = fmt::format(
      "<!DOCTYPE html>\n<html lang=\"{}\">\n<head><meta charset=\"utf-8\">"
      "<meta name=\"viewport\" content=\"width=device-width\"><title>{}</title><style>{}</style></head>\n"
      "<body>\n<h1>{}</h1>\n{}</body>\n</html>\n",
      say.code, title, style, title, content);
  made.fields = {{"Content-Security-Policy", policy}, {"Content-Language", std::string(say.code)},
                 {"Referrer-Policy", "no-referrer"},  {"Vary", "Accept-Language"},
                 {"X-Frame-Options", "DENY"},         {"X-Robots-Tag", "noindex, nofollow"}};
  return made;
}

}  // namespace

response public_page(language speaks, unsigned status, std::string_view content) {
  return page_titled(words_of(speaks).title, speaks, status, content);
}

response unknown_link_page(language speaks) {
  const auto& say = words_of(speaks);
  return page_titled(say.link_title, speaks, 404, fmt::format("<p>{}</p>\n", say.not_ours));
}

response unsubscribe_page(language speaks, const page_place& at, const feedback::subscription_result& found) {
  const auto& say = words_of(speaks);
  if (!found) {
    const bool unknown = found.error() == feedback::no_subscription::unknown;
    return public_page(speaks, unknown ? 404 : 503,
                       fmt::format("<p>{}</p>\n", unknown ? say.unknown : say.unavailable));
  }
  const std::string up = at.below ? "../" : "";
  if (found->now == feedback::subscribed::yes) {
    const bool again = at.below && at.changed;
    return public_page(speaks, 200,
                       sentence(again ? say.gets_again : say.gets, *found) + button(up + at.token, say.unsubscribe));
  }
  auto content = sentence(say.gets_no_more, *found);
  if (found->now == feedback::subscribed::no) {
    content += fmt::format("<p>{}</p>\n", say.changed_mind);
    content += button(at.below ? "resubscribe" : at.token + "/resubscribe", say.subscribe_again);
  }
  return public_page(speaks, 200, content);
}

}  // namespace gonets::httpd::detail
