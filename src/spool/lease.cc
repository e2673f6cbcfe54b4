#include "spool/lease.h"

#include <charconv>

#include "message/address.h"

namespace gonets::spool {
namespace {

constexpr std::string_view requiretls = "requiretls", tls_optional = "tls-optional", egress = "egress=";

// "bulk#37!a!b"
void parse_egress(std::string_view mark, lookup_name& to) {
  const auto next = [&mark](char end) {
    const auto word = mark.substr(0, mark.find(end));
    mark.remove_prefix(std::min(mark.size(), word.size() + 1));
    return word;
  };
  to.wanted_egress = next('#');
  const auto slot = next('!');
  unsigned number = 0;
  if (std::from_chars(slot.data(), slot.data() + slot.size(), number).ec == std::errc{}) to.slot = number;
  while (!mark.empty())
    to.refused.push_back(next('!'));
}

}  // namespace

lookup_name parse_lookup_name(std::string_view name) {
  lookup_name found;
  auto at = name.find(';');
  found.domain = name.substr(0, at);
  while (at != std::string_view::npos) {
    const auto end = name.find(';', at + 1);
    const auto mark = name.substr(at + 1, end == std::string_view::npos ? end : end - at - 1);
    found.require_tls = found.require_tls || mark == requiretls;
    found.tls_optional = found.tls_optional || mark == tls_optional;
    if (mark.starts_with(egress)) parse_egress(mark.substr(egress.size()), found);
    at = end;
  }
  return found;
}

std::string marked_domain(const queued_message& m, recipient_index recipient) {
  std::string domain(message::domain_of(m.envelope.recipients[recipient.value].address));
  if (m.envelope.require_tls) return domain.append(";").append(requiretls);
  if (m.tls_optional) domain.append(";").append(tls_optional);
  return domain;
}

}  // namespace gonets::spool
