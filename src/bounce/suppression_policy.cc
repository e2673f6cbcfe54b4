#include "bounce/suppression_policy.h"

namespace gonets::bounce {
namespace {

// Neither what we may be the cause of, nor what is not understood.
bool counts_softly(category c) {
  return may_suppress(c) || c == category::network_error;
}

}  // namespace

category_set dead_addresses() {
  category_set all;
  for (std::size_t i = 0; i < categories; ++i)
    all[i] = facts_of(static_cast<category>(i)).dead_address;
  return all;
}

bool may_suppress(category c) {
  const auto about = facts_of(c).about;
  const bool answers = c == category::auto_reply;  // the message has arrived
  return !answers && (about == concern::address || about == concern::mailbox || about == concern::receiver);
}

consequence consequence_of(const verdict& of, const suppression_policy& by) {
  if (of.permanent && by.at_once[static_cast<std::size_t>(of.is)]) return consequence::suppress;
  return by.soft_bounces > 0 && counts_softly(of.is) ? consequence::soft : consequence::none;
}

}  // namespace gonets::bounce
