#include <algorithm>

#include "bounce/detail/phrases.h"
#include "bounce/detail/readers.h"
#include "bounce/detail/texts.h"

namespace gonets::bounce::detail {
namespace {

report answer(const incoming& from, category what) {
  report r{.kind = report_kind::auto_reply, .recipient = from.from};
  r.has_category = true;
  r.what.is = what;
  r.what.confidence = 0.9;
  r.diagnostic = clean(from.subject, 500);
  for (const std::string_view name : {"in-reply-to", "references"}) {
    if (!r.original_message_id.empty()) break;
    const auto value = from.field(name);
    const auto open = value.rfind('<');
    if (open != std::string_view::npos)
      r.original_message_id = clean(value.substr(open + 1, value.find('>', open) - open - 1), 1000);
  }
  if (r.original_message_id.empty()) r.original_message_id = from.original_message_id();
  return r;
}

bool is_bulk(const incoming& from) {
  return !from.field("list-id").empty() || !from.field("list-unsubscribe").empty() || !from.field("list-post").empty();
}

bool says_automatic(const incoming& from) {
  const std::string_view automatic = from.field("auto-submitted");
  if (!automatic.empty() && !starts_ci(trim(automatic), "no")) return true;
  for (const std::string_view name :
       {"x-autoreply", "x-autorespond", "x-autoresponder", "x-auto-reply", "x-auto-response", "x-autoreply-from",
        "x-mail-autoreply", "x-autorespond-to", "x-vacation", "auto-reply"}) {
    if (!from.field(name).empty()) return true;
  }
  const std::string_view precedence = trim(from.field("precedence"));
  return starts_ci(precedence, "auto_reply") || starts_ci(precedence, "auto-reply") ||
         contains_ci(from.field("x-precedence"), "auto");
}

bool is_daemon_path(const incoming& from) {
  return trim(from.field("return-path")) == "<>";
}

// "Re: your mail" with two words and a signature is a command; a page that mentions it is not.
bool is_short(std::string_view text) {
  constexpr std::size_t words_max = 60;
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), ' ')) <= words_max;
}

// What the sender wrote, without what they quoted.
std::string own_words(std::string_view text) {
  std::string to;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = trim(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.starts_with('>')) continue;
    if (line == "--" || line.ends_with("wrote:") || line.ends_with("пишет:") || line.ends_with("schrieb:") ||
        line.starts_with("-----"))
      break;
    to += line;
    to += '\n';
  }
  return to;
}

}  // namespace

std::vector<report> read_auto_reply(const incoming& from, const reading& by) {
  if (from.machine_is == report_part::disposition) {
    report r = answer(from, category::auto_reply);
    for (const field_group& g : read_groups(from.machine->text, by.limits.recipients_max)) {
      if (const auto id = find_field(g, "original-message-id"); !id.empty())
        r.original_message_id = bare_message_id(id);
      if (r.recipient.empty()) r.recipient = address_in(find_field(g, "final-recipient"));
    }
    return {r};
  }
  const bool subject = absence_subjects().in(from.subject_shape);
  const bool text = absence_texts().in(from.text_shape);
  const bool asks = challenge_texts().in(from.text_shape) || challenge_texts().in(from.subject_shape);
  const bool automatic = says_automatic(from);
  const std::string_view precedence = trim(from.field("precedence"));
  const bool bulk_precedence = starts_ci(precedence, "bulk") || starts_ci(precedence, "junk");
  const bool suppressed = !from.field("x-auto-response-suppress").empty();
  const bool reply = !from.field("in-reply-to").empty() || starts_ci(from.subject, "re:") ||
                     starts_ci(from.subject, "auto") || is_daemon_path(from);
  if (is_bulk(from) && !reply) return {};
  if (asks && (automatic || bulk_precedence || reply || suppressed || is_daemon_path(from) ||
               challenge_texts().in(from.subject_shape))) {
    return {answer(from, category::challenge)};
  }
  const bool machine = automatic || bulk_precedence || suppressed;
  if ((automatic && (reply || subject || text)) || (subject && (machine || text)) || (text && machine && reply)) {
    return {answer(from, category::auto_reply)};
  }
  static const phrases plain(
      "automatic reply|out of office|out of the office|autoreply|auto reply|автоответ*|"
      "abwesenheitsnotiz|automatische antwort|reponse automatique|respuesta automatica|resposta automatica|"
      "risposta automatica|automatisch antwoord|autoodpowiedz|odpowiedz automatyczna|自動応答|"
      "自動返信|自动回复|自動回覆");
  if (plain.in(from.subject_shape)) return {answer(from, category::auto_reply)};
  return {};
}

std::vector<report> read_unsubscribe(const incoming& from, const reading&) {
  if (from.machine_is != report_part::none || is_bulk(from)) return {};
  const std::string own = normalised(own_words(from.text));
  const bool subject = unsubscribe_words().in(from.subject_shape) && is_short(from.subject_shape);
  const bool text = unsubscribe_words().in(own);
  constexpr std::ptrdiff_t command_words_max = 8;
  const bool command = std::count(from.subject_shape.begin(), from.subject_shape.end(), ' ') <= command_words_max;
  if (!(subject && is_short(own) && command) && !(text && is_short(own))) return {};
  report r{.kind = report_kind::unsubscribe, .recipient = from.from};
  r.diagnostic = clean(from.subject, 500);
  r.original_message_id = from.field("in-reply-to").empty() ? std::string() : from.original_message_id();
  return {r};
}

}  // namespace gonets::bounce::detail
