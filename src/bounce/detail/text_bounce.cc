#include <algorithm>
#include <array>

#include "bounce/detail/phrases.h"
#include "bounce/detail/readers.h"
#include "bounce/detail/texts.h"
#include "bounce/reply_text.h"

namespace gonets::bounce::detail {
namespace {

constexpr std::size_t block_bytes_max = 4096;

bool is_daemon(const incoming& from) {
  const std::string_view sender = from.field("from");
  for (const std::string_view name : {"mailer-daemon",
                                      "mailerdaemon",
                                      "mail delivery s",
                                      "mdaemon",
                                      "postmaster",
                                      "mail-daemon",
                                      "microsoftexchange",
                                      "mail daemon",
                                      "mailer daemon",
                                      "mail administrator",
                                      "system administrator",
                                      "mail system",
                                      "mail router",
                                      "internet mail delivery",
                                      "bounce",
                                      "mail.daemon",
                                      "devnull",
                                      "administrator",
                                      "mail-delivery",
                                      "maildelivery",
                                      "noreply-dsn",
                                      "почтов",
                                      "delivery subsystem"}) {
    if (contains_ci(sender, name)) return true;
  }
  const std::string_view path = trim(from.field("return-path"));
  return path == "<>" || contains_ci(path, "mailer-daemon");
}

// How much speaks for a failure that a server reports.
int evidence(const incoming& from) {
  int points = 0;
  if (is_daemon(from)) points += 2;
  if (!from.field("x-failed-recipients").empty()) points += 3;
  if (from.header->report_type == "delivery-status") points += 3;
  if (bounce_subjects().in(from.subject_shape)) points += 2;
  if (bounce_texts().in(from.text_shape)) points += 1;
  if (find_codes(from.text).code != 0 || find_codes(from.text).status.present()) points += 1;
  if (from.original != nullptr || !from.original_header.empty() || !from.inline_copy.empty()) points += 1;
  if (absence_subjects().in(from.subject_shape) && !bounce_subjects().in(from.subject_shape)) points -= 2;
  if (!from.field("list-id").empty() || !from.field("list-unsubscribe").empty()) points -= 2;
  return points;
}

struct block {
  std::string recipient;
  std::string text;
};

bool is_named(std::string_view line, std::size_t at) {
  const auto before = line.substr(0, at);
  if (trim(before).find_first_not_of("<'\"*-[(: \t>") == std::string_view::npos) return true;
  for (const std::string_view word :
       {"recipient", "rcpt to", "to:",  "to <",      "user",       "address",      "mailbox",  "account",
        "for <",     "for ",    "кому", "получател", "адрес",      "empf",         "adresse",  "destinat",
        "收件人",    "宛先",    "地址", "deliver",   "sending to", "delivered to", "доставить"}) {
    if (contains_ci(before, word)) return true;
  }
  return false;
}

// The text cut before each line that begins to speak of another recipient.
std::vector<block> blocks_of(std::string_view text, const std::vector<std::string>& others, std::size_t max) {
  std::vector<block> all;
  block* open = nullptr;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    for (const std::string& address : find_addresses(line, 4)) {
      if (std::find(others.begin(), others.end(), address) != others.end()) continue;
      const auto at = line.find(address);
      if (open != nullptr && open->recipient == address) break;
      if (at == std::string_view::npos || !is_named(line, at)) continue;
      const auto known = std::find_if(all.begin(), all.end(), [&](const block& b) { return b.recipient == address; });
      if (known != all.end()) {
        open = &*known;
      } else if (all.size() < max) {
        all.push_back({address, {}});
        open = &all.back();
      }
      break;
    }
    if (open == nullptr || open->text.size() + line.size() > block_bytes_max) continue;
    open->text += line;
    open->text += '\n';
  }
  return all;
}

// From where a server is quoted; without a quotation, the words after the address.
std::string diagnostic_in(std::string_view text, const std::string& recipient) {
  std::size_t best = std::string_view::npos;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    if (find_codes(line).code != 0 || find_codes(line).status.present()) {
      best = at;
      break;
    }
    at = end + 1;
  }
  auto from = best == std::string_view::npos ? text : text.substr(best);
  // To the end of the paragraph.
  const auto stop = std::min(from.find("\n\n"), from.find("\n\r\n"));
  std::string_view said = trim(from.substr(0, stop));
  if (best == std::string_view::npos) {
    if (const auto at = said.find(recipient); at != std::string_view::npos && !recipient.empty() && at < 200) {
      const auto rest = trim(said.substr(at + recipient.size()));
      const auto words = rest.substr(std::min(rest.find_first_not_of(">:'\",;.) \t\r\n"), rest.size()));
      if (words.size() > 8) return std::string(words);
      if (stop != std::string_view::npos) {
        const auto next = trim(from.substr(stop));
        return std::string(next.substr(0, std::min(next.find("\n\n"), next.size())));
      }
    }
  }
  return std::string(said);
}

std::vector<std::string> addresses_of_mail(const incoming& from) {
  std::vector<std::string> all;
  for (const std::string_view name : {"to", "from", "cc", "reply-to", "delivered-to", "return-path", "x-original-to"}) {
    for (std::string& each : find_addresses(from.field(name), 20))
      all.push_back(std::move(each));
  }
  for (std::string& each : find_addresses(from.original_field("from"), 1))
    all.push_back(std::move(each));
  return all;
}

std::vector<block> find_recipients(const incoming& from, const report_limits& limits) {
  const auto others = addresses_of_mail(from);
  auto all = blocks_of(from.text, others, limits.recipients_max);
  const auto failed = find_addresses(from.field("x-failed-recipients"), limits.recipients_max);
  if (!failed.empty()) {
    std::vector<block> named;
    for (const std::string& each : failed) {
      const auto at = std::find_if(all.begin(), all.end(), [&](const block& b) { return b.recipient == each; });
      named.push_back(at == all.end() ? block{each, from.text.substr(0, block_bytes_max)} : *at);
    }
    return named;
  }
  if (!all.empty()) return all;
  for (const std::string& each : find_addresses(from.text, 50)) {
    if (std::find(others.begin(), others.end(), each) != others.end()) continue;
    if (starts_ci(each, "postmaster@") || starts_ci(each, "abuse@") || starts_ci(each, "support@")) continue;
    all.push_back({each, from.text.substr(0, block_bytes_max)});
    return all;
  }
  std::string to = address_in(from.original_field("to"));
  if (to.empty()) to = address_in(from.original_field("x-original-to"));
  all.push_back({std::move(to), from.text.substr(0, block_bytes_max)});
  return all;
}

}  // namespace

std::vector<report> read_text_bounce(const incoming& from, const reading& by) {
  // People write about bounces, too.
  const bool by_machine =
      is_daemon(from) || from.header->report_type == "delivery-status" || !from.field("x-failed-recipients").empty();
  const int enough = by_machine ? 4 : 5;
  if (evidence(from) < enough) return {};
  const bool delayed = delay_texts().in(from.subject_shape) || delay_texts().in(from.text_shape);
  const std::string id = from.original_message_id();
  std::vector<report> all;
  const auto blocks = find_recipients(from, by.limits);
  for (const block& b : blocks) {
    report r{.kind = report_kind::bounce, .recipient = b.recipient, .action = delayed ? "delayed" : "failed"};
    const std::string said = diagnostic_in(b.text, b.recipient);
    r.diagnostic = clean(said, by.limits.diagnostic_bytes_max);
    r.remote_mta = find_remote_host(b.text);
    classify(r, said, by);
    constexpr double sure = 0.5;
    if (r.what.confidence < sure) {
      for (const std::string_view wider :
           {std::string_view(b.text), blocks.size() == 1 ? std::string_view(from.text) : std::string_view(),
            blocks.size() == 1 ? std::string_view(from.subject) : std::string_view()}) {
        report more = r;
        classify(more, wider, by);
        if (more.what.confidence > r.what.confidence) r = more;
      }
    }
    r.original_message_id = id;
    all.push_back(std::move(r));
  }
  return all;
}

}  // namespace gonets::bounce::detail
