// DKIM signatures for what comes in: which keys sign a message, and the signing itself. A message is signed once,
// before it is made safe: what is stored is what is sent.
#pragma once
#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/directory.h"
#include "base/clock.h"
#include "dkim/body_hash.h"
#include "dkim/key.h"
#include "dkim/sign.h"
#include "spool/message.h"

namespace gonets::intake {

struct signing_key {
  dkim::signing how;
  std::shared_ptr<const dkim::private_key> key;
};

// The signatures that one message will get. Touched by one thread at a time.
class pending_signatures {
 public:
  explicit pending_signatures(std::vector<signing_key> by) : by_(std::move(by)) {}

  // For a message that is not kept in memory: what the client sends, part by part; the first has the whole header.
  void add_part(std::string_view part);

  // Whether sign() takes less time than to hand it to another thread would: there is no RSA, and `m` is small.
  bool quick(const spool::queued_message& m) const;

  // Puts the fields in front of `m.head`, and counts their bytes; `m.body` is read if no parts were added. Takes a
  // quarter of a millisecond for each RSA key: not for shards. False when OpenSSL fails; `m` is as it was then.
  bool sign(spool::queued_message& m, wall_time now);

 private:
  std::vector<signing_key> by_;
  std::string header_;                        // of a message in parts
  std::optional<dkim::body_hash> body_hash_;  // the same
};

struct signing_policy {
  std::string platform_domain;  // a domain of account 0, whose keys sign all mail of ours, too; empty: none
  std::optional<std::chrono::seconds> expires_after;
};

// What signs mail of the account `by` with the author domain `author` (A-labels): the active keys of the sender domain
// that it is or lies in, and those of the platform's. None: null, and the message goes unsigned.
std::unique_ptr<pending_signatures> signatures_for(const accounts::directory& all, account_id by,
                                                   std::string_view author, const signing_policy& policy);

}  // namespace gonets::intake
