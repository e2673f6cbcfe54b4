// Makes DKIM-Signature fields (RFC 6376 5). Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "dkim/canonical.h"
#include "dkim/key.h"

namespace gonets::dkim {

struct signing {
  std::string domain;
  std::string selector;
  canonicalization header = canonicalization::relaxed;
  canonicalization body = canonicalization::relaxed;
  std::optional<std::chrono::seconds> expires_after;  // x=
};

// The field, from its name to its CRLF, to be put in front of the message. `header` is the whole header that will be
// sent, in two parts (what was added in front, what the client sent; either may be empty); `body_hash` is of the body
// in the form that `how` names. Empty when OpenSSL fails.
//
// Signed are the fields that are there of those a reader sees or acts on. From, Subject, To, Date, Message-ID,
// List-Unsubscribe, List-Unsubscribe-Post and Feedback-ID are named once more than they occur, so that adding another
// breaks the signature.
std::string sign(const private_key& key, const signing& how, std::string_view added_header, std::string_view header,
                 std::string_view body_hash, wall_time now);

}  // namespace gonets::dkim
