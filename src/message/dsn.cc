#include "message/dsn.h"

#include <fmt/format.h>

#include <algorithm>

#include "message/detail/dsn_text.h"
#include "message/detail/printable.h"
#include "message/header_scan.h"
#include "message/trace.h"
#include "message/xtext.h"

namespace gonets::message {
namespace {

using detail::append_field;
using detail::append_unfolded_field;
using detail::charset;
using detail::is_ascii;
using detail::printable;

constexpr std::size_t name_bytes_max = 900;
constexpr std::size_t diagnostic_bytes_max = 2000;
constexpr std::size_t message_id_bytes_max = 900;

// The third part: the message or its header.
struct returned {
  std::string text;  // CRLF line ends only
  bool whole = false;
};

bool has_bare_line_end(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n')) return true;
    if (text[i] == '\n' && (i == 0 || text[i - 1] != '\r')) return true;
  }
  return false;
}

std::string with_crlf(std::string_view text) {
  if (!has_bare_line_end(text)) return std::string(text);
  std::string fixed;
  fixed.reserve(text.size() + text.size() / 32 + 2);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\r' && text[i] != '\n') {
      fixed += text[i];
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
    fixed += "\r\n";
  }
  return fixed;
}

std::string_view header_of(std::string_view text) {
  auto rest = text;
  for (field f; take_field(rest, f);) {
  }
  return text.substr(0, text.size() - rest.size());
}

returned what_to_return(const dsn_facts& facts) {
  const bool whole = facts.kind == dsn_kind::failed && facts.ret == return_content::full && !facts.original_cut;
  return {.text = with_crlf(whole ? facts.original : header_of(facts.original)), .whole = whole};
}

// "<left@right>" of the original, if it can stand in a field of the report; else empty.
std::string_view original_message_id(const dsn_facts& facts, charset allowed) {
  std::string_view found;
  for_each_field(facts.original, [&](std::string_view name, std::string_view value) {
    if (!same_field_name(name, "Message-ID")) return true;
    found = trim_field_value(value);
    return false;
  });
  const bool one_id = found.size() > 2 && found.size() <= message_id_bytes_max && found.front() == '<' &&
                      found.find_first_of(" <", 1) == std::string_view::npos && found.find('>') == found.size() - 1;
  return one_id && printable(found, allowed, message_id_bytes_max) == found ? found : std::string_view{};
}

// A hash of the random number is tried after it only when the original contains the boundary: a sender can't foresee
// it.
std::string choose_boundary(const dsn_facts& facts, std::string_view original) {
  auto random = facts.random;
  std::string boundary;
  do {
    boundary = fmt::format("=_{}.{:016x}", to_text(facts.id), random);
    random = random * 6364136223846793005u + 1442695040888963407u;
  } while (original.find(boundary) != std::string_view::npos);
  return boundary;
}

enhanced_status status_of(dsn_kind kind, const reply& answer) {
  const auto klass = answer.status.klass;
  switch (kind) {
    case dsn_kind::failed:
      if (klass == 4 || klass == 5) return answer.status;
      // Given up after retries: "delivery time expired" (RFC 3463 3.5) says more than 4.0.0.
      return answer.transient() ? enhanced_status{4, 4, 7} : enhanced_status{5, 0, 0};
    case dsn_kind::delayed:
      return klass == 4 ? answer.status : enhanced_status{4, 0, 0};
    case dsn_kind::delivered:
    case dsn_kind::relayed:
      break;
  }
  return klass == 2 ? answer.status : enhanced_status{2, 0, 0};
}

std::string_view action_of(dsn_kind kind) {
  switch (kind) {
    case dsn_kind::failed:
      return "failed";
    case dsn_kind::delayed:
      return "delayed";
    case dsn_kind::delivered:
      return "delivered";
    case dsn_kind::relayed:
      return "relayed";
  }
  return {};
}

// Decoded if that can be shown as it is, else as it came: nothing of it is lost either way.
std::string decoded(std::string_view xtext, charset allowed) {
  const auto octets = decode_xtext(xtext);
  if (octets && printable(*octets, allowed, name_bytes_max) == *octets) return *octets;
  return printable(xtext, charset::ascii, name_bytes_max);
}

// RFC 3464 2.3.1. An address of type utf-8 has an encoding of its own (RFC 6533 3) that stands as well in a report.
std::string original_recipient(std::string_view orcpt, charset allowed) {
  const auto semicolon = orcpt.find(';');
  if (semicolon == std::string_view::npos) return "rfc822; " + decoded(orcpt, allowed);
  const auto type = printable(orcpt.substr(0, semicolon), charset::ascii, 64);
  const auto rest = orcpt.substr(semicolon + 1);
  if (same_field_name(type, "utf-8")) return "utf-8; " + printable(rest, allowed, name_bytes_max);
  return type + "; " + decoded(rest, allowed);
}

// Writes the parts one after the other into one text.
class composer {
 public:
  composer(const dsn_facts& facts, const std::vector<dsn_recipient>& recipients)
      : facts_(facts),
        recipients_(recipients),
        global_(dsn_needs_smtputf8(facts, recipients)),
        allowed_(global_ ? charset::utf8 : charset::ascii),
        original_(what_to_return(facts)),
        boundary_(choose_boundary(facts, original_.text)) {}

  std::string compose() {
    std::string text;
    detail::append_dsn_text(text, facts_, recipients_);
    std::string status;
    append_status(status);
    const bool seven_bit = is_ascii(text) && is_ascii(status) && is_ascii(original_.text);

    message_.reserve(text.size() + status.size() + original_.text.size() + 2048);
    append_header(seven_bit);
    append_part("text/plain; charset=utf-8", text);
    append_part(global_ ? "message/global-delivery-status" : "message/delivery-status", status);
    if (!original_.text.empty()) append_part(original_type(), original_.text);
    message_ += "\r\n--" + boundary_ + "--\r\n";
    return std::move(message_);
  }

 private:
  std::string clean(std::string_view text) const { return printable(text, allowed_, name_bytes_max); }

  std::string_view original_type() const {
    if (original_.whole) return global_ ? "message/global" : "message/rfc822";
    return global_ ? "message/global-headers" : "text/rfc822-headers";
  }

  void append_header(bool seven_bit) {
    const auto host = clean(facts_.reporting_mta);
    append_field(message_, "From", fmt::format("\"Mail Delivery System\" <MAILER-DAEMON@{}>", host));
    append_unfolded_field(message_, "To", fmt::format("<{}>", clean(facts_.to)));
    append_field(message_, "Subject", clean(detail::dsn_subject(facts_, recipients_)));
    append_field(message_, "Date", format_date(facts_.now));
    append_message_id(message_, facts_.id, facts_.random, host);
    if (const auto id = original_message_id(facts_, allowed_); !id.empty()) {
      append_field(message_, "In-Reply-To", id);
      append_field(message_, "References", id);
    }
    message_ += "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n";
    message_ += "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"" + boundary_ + "\"\r\n";
    append_encoding(seven_bit);
  }

  void append_encoding(bool seven_bit) {
    message_ += seven_bit ? "Content-Transfer-Encoding: 7bit\r\n" : "Content-Transfer-Encoding: 8bit\r\n";
  }

  // The line end before a boundary belongs to the boundary (RFC 2046 5.1.1), so `content` comes out as it is.
  void append_part(std::string_view type, std::string_view content) {
    message_ += "\r\n--" + boundary_ + "\r\n";
    append_field(message_, "Content-Type", type);
    append_encoding(is_ascii(content));
    message_ += "\r\n";
    message_ += content;
  }

  void append_status(std::string& to) const {
    append_field(to, "Reporting-MTA", "dns; " + clean(facts_.reporting_mta));
    if (!facts_.envelope_id.empty()) append_field(to, "Original-Envelope-Id", decoded(facts_.envelope_id, allowed_));
    if (facts_.arrived != wall_time{}) append_field(to, "Arrival-Date", format_date(facts_.arrived));
    append_field(to, "X-Gonets-Queue-ID", to_text(facts_.original_id));
    for (const auto& r : recipients_)
      append_recipient(to, r);
  }

  void append_recipient(std::string& to, const dsn_recipient& r) const {
    to += "\r\n";
    if (!r.original_recipient.empty()) {
      append_unfolded_field(to, "Original-Recipient", original_recipient(r.original_recipient, allowed_));
    }
    const std::string_view type = is_ascii(r.final_recipient) ? "rfc822" : "utf-8";
    append_unfolded_field(to, "Final-Recipient", fmt::format("{}; {}", type, clean(r.final_recipient)));
    append_field(to, "Action", action_of(facts_.kind));
    append_field(to, "Status", to_text(status_of(facts_.kind, r.answer)));
    if (!r.remote_mta.empty()) append_field(to, "Remote-MTA", "dns; " + clean(r.remote_mta));
    append_diagnostic(to, r);
    if (r.last_attempt != wall_time{}) append_field(to, "Last-Attempt-Date", format_date(r.last_attempt));
    if (facts_.kind == dsn_kind::delayed && r.will_retry_until != wall_time{}) {
      append_field(to, "Will-Retry-Until", format_date(r.will_retry_until));
    }
  }

  void append_diagnostic(std::string& to, const dsn_recipient& r) const {
    const auto answer = r.answer.code != 0 ? to_text(r.answer) : r.answer.text;
    if (answer.empty()) return;
    const auto text = printable(answer, allowed_, diagnostic_bytes_max);
    append_field(to, "Diagnostic-Code", (r.from_peer ? "smtp; " : "x-gonets; ") + text);
  }

  const dsn_facts& facts_;
  const std::vector<dsn_recipient>& recipients_;
  const bool global_;  // RFC 6533
  const charset allowed_;
  const returned original_;
  const std::string boundary_;
  std::string message_;
};

}  // namespace

bool dsn_needs_smtputf8(const dsn_facts& facts, const std::vector<dsn_recipient>& recipients) {
  if (!facts.smtputf8) return false;
  const auto needs = [](const dsn_recipient& r) {
    return !is_ascii(r.final_recipient) || !is_ascii(r.original_recipient) || !is_ascii(r.remote_mta);
  };
  return !is_ascii(facts.to) || !is_ascii(header_of(facts.original)) ||
         std::any_of(recipients.begin(), recipients.end(), needs);
}

std::string compose_dsn(const dsn_facts& facts, const std::vector<dsn_recipient>& recipients) {
  return composer(facts, recipients).compose();
}

}  // namespace gonets::message
