// Asks somebody whether an OAuth token is good.
#pragma once
#include <functional>
#include <optional>
#include <string>

namespace gonets::auth {

struct token_verdict {
  bool answered = false;             // false: the service could not be asked
  std::optional<std::string> login;  // of an active token; nothing: the token is not good
};

class introspector {
 public:
  virtual ~introspector() = default;
  virtual bool configured() const = 0;  // false: OAUTHBEARER and XOAUTH2 are not offered
  // `done` runs once, on the calling shard; at once when the answer is known.
  virtual void ask(std::string token, std::move_only_function<void(token_verdict)> done) = 0;
};

// Where none is configured.
class no_introspector final : public introspector {
 public:
  bool configured() const override { return false; }
  void ask(std::string, std::move_only_function<void(token_verdict)> done) override { done({}); }
};

}  // namespace gonets::auth
