#include "intake/sender_policy.h"

#include <fmt/format.h>

#include "message/address.h"
#include "message/mailbox_list.h"
#include "runtime/dns_name.h"

namespace gonets::intake {
namespace {

sender_objection judge_domain(const accounts::directory& all, account_id by, std::string_view domain,
                              std::string_view where) {
  const auto name = runtime::to_a_labels(domain);
  if (name && all.domain_for(by, *name) != nullptr) return std::nullopt;
  return fmt::format("{} ({}) is not a verified sender domain of this account", domain, where);
}

std::string_view to_text(message::mailbox_error e) {
  switch (e) {
    case message::mailbox_error::empty:
      return "is empty";
    case message::mailbox_error::syntax:
      return "does not have the form that RFC 5322 gives it";
    case message::mailbox_error::group:
      return "has a group in place of addresses";
    case message::mailbox_error::too_many:
      return "has too many addresses";
  }
  return "cannot be judged";
}

sender_objection judge_field(const accounts::directory& all, account_id by, std::string_view name,
                             std::string_view value) {
  const auto addresses = message::parse_mailbox_list(value);
  if (!addresses) return fmt::format("{} {}", name, to_text(addresses.error()));
  for (const auto& address : *addresses) {
    if (auto wrong = judge_domain(all, by, message::domain_of(address), name)) return wrong;
  }
  return std::nullopt;
}

}  // namespace

sender_objection judge_reverse_path(const accounts::directory& all, account_id by, std::string_view reverse_path) {
  if (reverse_path.empty()) return std::nullopt;
  return judge_domain(all, by, message::domain_of(reverse_path), "envelope");
}

sender_objection judge_header(const accounts::directory& all, account_id by, const message::header_summary& header,
                              std::size_t first_bytes) {
  if (!header.has_body && header.header_bytes < first_bytes) return "The header has a line that is no field";
  if (header.from_fields != 1)
    return header.from_fields == 0 ? "The header has no From" : "The header has more than one From";
  if (header.sender_fields > 1) return "The header has more than one Sender";
  if (auto wrong = judge_field(all, by, "From", header.from)) return wrong;
  return header.sender_fields == 0 ? std::nullopt : judge_field(all, by, "Sender", header.sender);
}

}  // namespace gonets::intake
