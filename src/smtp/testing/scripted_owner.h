// The owner of a server_session for tests and fuzzing: answers every question as told (yes, unless told otherwise),
// keeps what it was asked and given, and checks what holds for any input.
#pragma once
#include <cstdlib>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/server_session.h"

namespace gonets::smtp::testing {

struct taken_message {
  message::envelope envelope;
  std::string body;
  std::size_t parts = 0;
  bool leading_dot = false;
  bool eight_bit = false;
  bool operator==(const taken_message&) const = default;
};

class scripted_owner {
 public:
  explicit scripted_owner(const server_options& o) : options_(o), session_(options_) { session_.greet(); }
  scripted_owner(const scripted_owner&) = delete;

  // Replies to `question` with `r` from now on; by accepting if it is empty.
  std::function<std::optional<reply>(const server_session&, need question)> policy;

  // Gives `bytes` to the session, which may be cut off by need::close, and gives back what it says.
  std::string feed(std::string_view bytes) {
    while (!closed_) {
      const auto n = session_.consume(bytes);
      if (n == need::input) {
        check(bytes.empty());
        break;
      }
      handle(n);
    }
    return session_.take_output();
  }

  auth_offer under_tls;                                                               // offered after STARTTLS
  const std::vector<std::string>& auth_responses() const { return auth_responses_; }  // of the last AUTH

  server_session& session() { return session_; }
  const std::vector<taken_message>& messages() const { return messages_; }
  std::size_t count(need n) const { return counts_[static_cast<std::size_t>(n)]; }
  bool closed() const { return closed_; }
  bool holds_parts() const { return parts_ != 0; }  // of a body that has neither ended nor been abandoned

 private:
  static void check(bool holds) {
    if (!holds) std::abort();
  }

  void handle(need n) {
    ++counts_[static_cast<std::size_t>(n)];
    switch (n) {
      case need::input:
        return;
      case need::chunk:
        ++parts_;
        body_ += session_.take_body();
        return;
      case need::abandon:
        check(parts_ != 0);
        drop();
        return;
      case need::auth:
        check(!session_.authenticated() && !session_.in_transaction() && session_.esmtp());
        return on_auth();
      case need::starttls:
        session_.tls_started();
        return session_.offer_auth(under_tls);
      case need::close:
        closed_ = true;
        return;
      case need::message:
        ++parts_;
        body_ += session_.take_body();
        check(body_.size() == session_.body_bytes());
        check(session_.in_transaction() && !session_.envelope().recipients.empty());
        return end_message();
      case need::mail:
      case need::rcpt:
      case need::data:
        check(parts_ == 0);
        if (const auto r = policy ? policy(session_, n) : std::nullopt) return session_.answer(*r);
        return session_.accept();
    }
  }

  // Asks for a name, when it did not come with the command, then for a secret; then says yes, or what `policy` says.
  void on_auth() {
    if (session_.auth_begins()) auth_responses_.clear();
    if (auto said = session_.take_auth_response()) {
      auth_responses_.push_back(std::move(*said));
    } else {
      check(session_.auth_begins());
    }
    if (auth_responses_.size() < 2) return session_.challenge(auth_responses_.empty() ? "name" : "secret");
    if (const auto r = policy ? policy(session_, need::auth) : std::nullopt) return session_.answer(*r);
    session_.answer({235, {2, 7, 0}, "Authentication successful"});
  }

  void end_message() {
    const auto r = policy ? policy(session_, need::message) : std::nullopt;
    if (r) {
      session_.answer(*r);
    } else {
      taken_message m{.body = body_,
                      .parts = parts_,
                      .leading_dot = session_.body_has_leading_dot(),
                      .eight_bit = session_.body_has_eight_bit()};
      m.envelope = session_.take_envelope();
      messages_.push_back(std::move(m));
      session_.accept_message(message_id{messages_.size()});
    }
    drop();
  }

  void drop() {
    body_.clear();
    parts_ = 0;
  }

  server_options options_;
  server_session session_;
  std::vector<taken_message> messages_;
  std::vector<std::string> auth_responses_;
  std::string body_;
  std::size_t parts_ = 0;
  std::size_t counts_[static_cast<std::size_t>(need::close) + 1] = {};
  bool closed_ = false;
};

}  // namespace gonets::smtp::testing
