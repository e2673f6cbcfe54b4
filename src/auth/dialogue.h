// One AUTH command of one SMTP connection: a SASL exchange, and the authenticator's answers to what it asks. On one
// shard; its owner keeps it alive until `done` has run.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "auth/authenticator.h"
#include "base/status.h"
#include "sasl/exchange.h"

namespace gonets::auth {

// What to tell the client: 334 with `challenge`, or `result`, after `delay`. 235 with `who`; 421 means: and close.
struct answer {
  std::optional<std::string> challenge;
  reply result;
  std::optional<identity> who;
  std::chrono::milliseconds delay{0};
};

class dialogue {
 public:
  // `with` must outlive this.
  dialogue(authenticator& with, caller who, sasl::mechanism by);

  using on_answer = std::move_only_function<void(answer)>;
  // `done` runs once, on this shard, perhaps before the call returns. One call at a time.
  void begin(std::optional<std::string> initial, on_answer done);
  void respond(std::string message, on_answer done);

 private:
  void go_on(sasl::step s, on_answer done);
  void take(outcome o, on_answer done);
  void end(on_answer done);

  authenticator& with_;
  const caller who_;
  const sasl::mechanism by_;
  std::unique_ptr<sasl::exchange> exchange_;
  std::optional<identity> claimed_;  // SCRAM: whom the proof is about
  std::optional<outcome> result_;    // what the exchange's end will say, once it is known
};

reply reply_for(verdict v);

}  // namespace gonets::auth
