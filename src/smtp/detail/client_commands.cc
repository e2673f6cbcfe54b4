#include "smtp/detail/client_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace gonets::smtp::detail {
namespace {

bool is_safe(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

void append_notify(std::string& to, const message::notify_flags& notify) {
  to += " NOTIFY=";
  if (notify.never) {
    to += "NEVER";
    return;
  }
  const std::size_t first = to.size();
  const auto add = [&](bool set, std::string_view word) {
    if (!set) return;
    if (to.size() != first) to += ',';
    to += word;
  };
  add(notify.success, "SUCCESS");
  add(notify.failure, "FAILURE");
  add(notify.delay, "DELAY");
}

// RFC 2852 4. In mode R a time that is over would be a syntax error: what is tried at the very end has a second more.
void append_by(std::string& to, const deliver_by& by) {
  constexpr std::int64_t most = 999'999'999;
  const auto left = std::clamp<std::int64_t>(by.left.count(), by.or_return ? 1 : -most, most);
  fmt::format_to(std::back_inserter(to), " BY={};{}{}", left, by.or_return ? 'R' : 'N', by.trace ? "T" : "");
}

}  // namespace

void append_mail(std::string& to, const transaction& t, const peer_capabilities& offered) {
  to += "MAIL FROM:<";
  to += t.reverse_path;
  to += '>';
  if (offered.size && t.size_bytes != 0) fmt::format_to(std::back_inserter(to), " SIZE={}", declared_bytes(t));
  if (t.eight_bit && offered.eight_bit_mime) to += " BODY=8BITMIME";
  if (t.smtputf8 && offered.smtputf8) to += " SMTPUTF8";
  if (t.require_tls && offered.requiretls) to += " REQUIRETLS";
  if (offered.deliver_by && t.by) append_by(to, *t.by);
  if (offered.dsn && t.ret == message::return_content::full) to += " RET=FULL";
  if (offered.dsn && t.ret == message::return_content::headers) to += " RET=HDRS";
  if (offered.dsn && !t.envelope_id.empty()) {
    to += " ENVID=";
    to += t.envelope_id;
  }
  to += "\r\n";
}

void append_rcpt(std::string& to, const message::recipient& r, const peer_capabilities& offered) {
  to += "RCPT TO:<";
  to += r.address;
  to += '>';
  if (offered.dsn && r.notify.present()) append_notify(to, r.notify);
  if (offered.dsn && !r.original_recipient.empty()) {
    to += " ORCPT=";
    to += r.original_recipient;
  }
  to += "\r\n";
}

bool is_safe(const transaction& t) {
  return is_safe(t.reverse_path) && is_safe(t.envelope_id) &&
         std::all_of(t.recipients.begin(), t.recipients.end(), [](const message::recipient* r) {
           return is_safe(std::string_view(r->address)) && is_safe(std::string_view(r->original_recipient));
         });
}

std::uint64_t declared_bytes(const transaction& t) {
  return t.size_bytes + (t.body_ends_in_crlf ? 0 : 2);
}

}  // namespace gonets::smtp::detail
