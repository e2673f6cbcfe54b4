#include <algorithm>
#include <array>

#include "bounce/detail/phrases.h"
#include "bounce/detail/readers.h"
#include "bounce/detail/texts.h"
#include "message/xtext.h"

namespace gonets::bounce::detail {
namespace {

std::string lower(std::string_view text) {
  std::string to(text);
  std::transform(to.begin(), to.end(), to.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return to;
}

// Without "smtp;" or "dns;" before it.
std::string_view without_type(std::string_view value) {
  const auto semicolon = value.find(';');
  if (semicolon > 20) return value;  // or there is none: npos
  const auto type = trim(value.substr(0, semicolon));
  const bool is_type = std::all_of(type.begin(), type.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  });
  return is_type ? trim(value.substr(semicolon + 1)) : value;
}

// "rfc822; user@example.com", with or without brackets, type, xtext.
std::string recipient_in(std::string_view value) {
  const bool unicode = starts_ci(trim(value), "utf-8");
  value = trim(without_type(value));
  if (value.find("+40") != std::string_view::npos && value.find('@') == std::string_view::npos) {
    if (const auto decoded = message::decode_xtext(value)) return address_in(*decoded);
  }
  if (unicode) {
    // "\x{431}" of RFC 6533 is left as it is; UTF-8 itself is taken.
    const auto end = std::min(value.find_first_of(" \t<>"), value.size());
    if (value.find('@') < end) return clean(value.substr(0, end), 320);
  }
  return address_in(value);
}

bool is_recipient_group(const field_group& g) {
  return std::any_of(g.begin(), g.end(), [](const text_field& f) {
    return f.name == "final-recipient" || f.name == "original-recipient" || f.name == "action" ||
           f.name == "diagnostic-code" || f.name == "x-actual-recipient";
  });
}

// Groups that were not parted by an empty line are parted where a recipient begins again.
std::vector<field_group> recipient_groups(const std::vector<field_group>& all, std::size_t max) {
  std::vector<field_group> to;
  for (const field_group& g : all) {
    if (!is_recipient_group(g)) {
      // What a server wrote after an empty line that has no place there.
      if (!to.empty() && find_field(g, "reporting-mta").empty()) to.back().insert(to.back().end(), g.begin(), g.end());
      continue;
    }
    to.emplace_back();
    for (const text_field& f : g) {
      const bool again =
          (f.name == "final-recipient" || f.name == "original-recipient") && !find_field(to.back(), f.name).empty();
      if (again) to.emplace_back();
      to.back().push_back(f);
    }
    if (to.size() >= max) break;
  }
  if (to.size() > max) to.resize(max);
  return to;
}

std::string action_of(std::string_view value, enhanced_status status) {
  std::string word = lower(trim(value).substr(0, trim(value).find_first_of(" \t(;")));
  constexpr std::array known{"failed", "delayed", "delivered", "relayed", "expanded"};
  for (const char* each : known) {
    if (word == each) return word;
  }
  if (word == "failure" || word == "fail" || word == "error") return "failed";
  if (word == "delay" || word == "warning") return "delayed";
  if (word == "deliverable" || word == "success") return "delivered";
  if (status.klass == 2) return "delivered";
  if (status.klass == 4) return "delayed";
  return "failed";
}

enhanced_status status_in(std::string_view value) {
  value = trim(value);
  const auto from = value.find_first_of("245");
  if (from == std::string_view::npos) return {};
  const auto end = std::min(value.find_first_not_of("0123456789.", from), value.size());
  return parse_enhanced_status(value.substr(from, end - from)).value_or(enhanced_status{});
}

// The human part may name the reason where the machine's part has none. Of several recipients, what is said near this
// one.
std::string_view words_about(const incoming& from, const std::string& recipient, bool only_one) {
  const std::string_view text = from.text;
  const auto at = recipient.empty() ? std::string_view::npos : text.find(recipient);
  if (at == std::string_view::npos || only_one) return only_one ? text : std::string_view();
  const auto end = text.find('@', at + recipient.size());
  return text.substr(at, end == std::string_view::npos ? end : end - at);
}

report read_group(const field_group& g, const incoming& from, const reading& by, bool only_one) {
  report r{.kind = report_kind::bounce};
  for (const std::string_view name : {"final-recipient", "original-recipient", "x-actual-recipient"}) {
    if (r.recipient.empty()) r.recipient = recipient_in(find_field(g, name));
  }
  if (r.recipient.empty()) r.recipient = clean(without_type(find_field(g, "final-recipient")), 320);
  r.status = status_in(find_field(g, "status"));
  r.action = action_of(find_field(g, "action"), r.status);
  auto diagnostic = without_type(find_field(g, "diagnostic-code"));
  if (trim(diagnostic).empty()) diagnostic = without_type(find_field(g, "x-supplementary-info"));
  r.remote_mta = clean(without_type(find_field(g, "remote-mta")), 255);
  if (const auto end = r.remote_mta.find_first_of(" ["); end != std::string::npos && end > 0) r.remote_mta.resize(end);
  if (r.remote_mta.ends_with('.')) r.remote_mta.pop_back();
  if (r.remote_mta.empty()) r.remote_mta = find_remote_host(diagnostic);
  r.diagnostic = clean(diagnostic, by.limits.diagnostic_bytes_max);
  classify(r, diagnostic, by);
  constexpr double sure = 0.5;
  if (r.what.confidence < sure) {
    report by_words = r;
    const auto words = words_about(from, r.recipient, only_one);
    classify(by_words, words, by);
    if (by_words.what.confidence > r.what.confidence && by_words.what.confidence >= sure) {
      if (by_words.diagnostic.empty()) by_words.diagnostic = clean(words, 500);
      r = by_words;
    }
  }
  return r;
}

}  // namespace

std::vector<report> read_delivery_status(const incoming& from, const reading& by) {
  if (from.machine_is != report_part::delivery_status) return {};
  const auto groups = read_groups(from.machine->text, by.limits.recipients_max + 1);
  const field_group whole = groups.empty() || is_recipient_group(groups.front()) ? field_group() : groups.front();
  const auto recipients = recipient_groups(groups, by.limits.recipients_max);
  std::vector<report> all;
  const std::string id = from.original_message_id();
  for (const field_group& g : recipients) {
    report r = read_group(g, from, by, recipients.size() == 1);
    if (r.recipient.empty() && recipients.size() == 1) {
      const auto failed = find_addresses(from.field("x-failed-recipients"), 1);
      r.recipient = failed.empty() ? address_in(from.original_field("to")) : failed.front();
    }
    r.original_message_id = id;
    if (r.original_message_id.empty())
      r.original_message_id = bare_message_id(find_field(whole, "x-original-message-id"));
    // Good news is no bounce: nothing failed, nothing has to be done.
    if (r.action == "delivered" || r.action == "relayed" || r.action == "expanded") {
      r.kind = report_kind::not_a_report;
      r.has_category = false;
      r.what = {};
    }
    all.push_back(std::move(r));
  }
  return all;
}

}  // namespace gonets::bounce::detail
