#include "spool/lease.h"

#include "message/address.h"

namespace gonets::spool {

std::string marked_domain(const queued_message& m, recipient_index recipient) {
  std::string domain(message::domain_of(m.envelope.recipients[recipient.value].address));
  if (m.envelope.require_tls) return domain.append(requiretls_mark);
  if (m.tls_optional) domain.append(tls_optional_mark);
  return domain;
}

}  // namespace gonets::spool
