// Who hands a message over, and how. A value.
#pragma once
#include <string>

#include "base/ids.h"

namespace gonets::intake {

struct source {
  std::string peer_address;
  std::string helo;
  std::string tls;  // description; empty when plain
  std::string stream;
  account_id account;          // of a trusted source: whose mail it is
  bool trusted = false;        // may send to any domain: a listed network, or logged in
  bool authenticated = false;  // by AUTH
  bool submission = false;     // the client is a user agent: what it left out is added
  bool esmtp = false;
};

}  // namespace gonets::intake
