// The field by which providers that tell of complaints in sums say of which mail (Google's Postmaster Tools), and by
// which a single complaint finds its message. Pure.
//
//   Feedback-ID: [token ":"] campaign ":" stream ":" account ":gonets"
//
// Google adds up by each of the four fields from the right, and does not look at what stands before them; there the
// token names message and recipient, for providers that redact addresses.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "message/verp.h"

namespace gonets::intake {

struct feedback_groups {
  std::string_view campaign, stream, account;  // empty: none; their spelling is changed where the field needs it
};

// Without `of` there is no token: for a message to several recipients, which is signed once for them all.
void append_feedback_id(std::string& to, const message::verp_signer& by, const std::optional<message::verp>& of,
                        const feedback_groups& groups);

}  // namespace gonets::intake
