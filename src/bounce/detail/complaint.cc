#include <algorithm>

#include "bounce/detail/phrases.h"
#include "bounce/detail/readers.h"
#include "bounce/detail/texts.h"

namespace gonets::bounce::detail {
namespace {

std::string lower(std::string_view text) {
  std::string to(trim(text));
  std::transform(to.begin(), to.end(), to.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return to;
}

std::string first_of(const field_group& in, std::initializer_list<std::string_view> names) {
  for (const std::string_view name : names) {
    if (std::string found = address_in(find_field(in, name)); !found.empty()) return found;
  }
  return {};
}

// Whom the mail went to, as far as its header tells. Providers leave it in fields of their own.
std::string recipient_of_original(const incoming& from) {
  for (const std::string_view name : {"x-hmxmroriginalrecipient", "x-original-rcpt-to", "original-rcpt-to",
                                      "delivered-to", "x-original-to", "envelope-to", "to"}) {
    if (std::string found = address_in(from.original_field(name)); !found.empty()) return found;
  }
  return {};
}

std::vector<report> read_arf(const incoming& from, const reading& by) {
  const auto groups = read_groups(from.machine->text, by.limits.recipients_max);
  field_group all;
  for (const field_group& g : groups)
    all.insert(all.end(), g.begin(), g.end());
  const std::string type = lower(find_field(all, "feedback-type"));
  report r{.kind = report_kind::complaint};
  if (type == "not-spam" || type == "auth-failure" || type == "dmarc" || type == "dkim")
    r.kind = report_kind::not_a_report;
  if (type == "opt-out" || type == "opt-out-list" || type == "unsubscribe") r.kind = report_kind::unsubscribe;
  std::string remote(trim(find_field(all, "reporting-mta")));
  if (const auto semicolon = remote.find(';'); semicolon != std::string::npos) remote.erase(0, semicolon + 1);
  r.remote_mta = clean(remote, 255);
  r.diagnostic = clean(type, 100);
  r.original_message_id = from.original_message_id();
  std::vector<report> reports;
  for (const text_field& f : all) {
    if (f.name != "original-rcpt-to" && f.name != "removal-recipient") continue;
    std::string recipient = address_in(f.value);
    const bool known =
        std::any_of(reports.begin(), reports.end(), [&](const report& k) { return k.recipient == recipient; });
    if (recipient.empty() || known || reports.size() == by.limits.recipients_max) continue;
    reports.push_back(r);
    reports.back().recipient = std::move(recipient);
  }
  if (!reports.empty()) return reports;
  r.recipient = first_of(all, {"original-recipient", "final-recipient", "redacted-address"});
  if (r.recipient.empty()) r.recipient = recipient_of_original(from);
  return {r};
}

// Abuse desks and feedback loops that were before ARF, or don't care.
bool is_other_complaint(const incoming& from) {
  const bool with_original = from.original != nullptr || !from.original_header.empty() || !from.inline_copy.empty();
  if (!from.field("x-xarf").empty() || contains_ci(from.field("auto-submitted"), "xarf")) return true;
  if (!from.original_field("x-hmxmroriginalrecipient").empty()) return true;
  const std::string& sender = from.from;
  const bool desk = starts_ci(sender, "staff@") || starts_ci(sender, "scomp@") || starts_ci(sender, "fbl@") ||
                    starts_ci(sender, "fbl-") || starts_ci(sender, "feedback@") || starts_ci(sender, "feedbackloop@") ||
                    starts_ci(sender, "complaints@") || starts_ci(sender, "abuse@") || starts_ci(sender, "abuse-") ||
                    contains_ci(sender, "feedbackloop") || contains_ci(sender, "-fbl@") ||
                    contains_ci(sender, "@fbl.") || contains_ci(sender, "abuse") || contains_ci(sender, "spamcop");
  const bool subject = complaint_subjects().in(from.subject_shape);
  static const phrases says(
      "reported as spam|reported it as spam|marked as spam|marked it as spam|marked this message as spam|"
      "this is spam|spam complaint|complaint about|abuse report|considers this message|unsolicited|"
      "пожаловал*|жалоб*|как спам|als spam|comme spam|como spam|come spam|jako spam|"
      "迷惑メール|垃圾邮件|report spam|email abuse");
  const bool text = says.in(from.text_shape) || says.in(from.subject_shape);
  return with_original && ((desk && (subject || text)) || (subject && text));
}

}  // namespace

std::vector<report> read_complaint(const incoming& from, const reading& by) {
  if (from.machine_is == report_part::feedback) return read_arf(from, by);
  if (from.machine_is != report_part::none || !is_other_complaint(from)) return {};
  report r{.kind = report_kind::complaint};
  r.recipient = recipient_of_original(from);
  r.original_message_id = from.original_message_id();
  r.diagnostic = clean(from.subject, 500);
  return {r};
}

}  // namespace gonets::bounce::detail
