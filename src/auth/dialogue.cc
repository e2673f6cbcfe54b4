#include "auth/dialogue.h"

#include "base/base64.h"
#include "base/secret.h"

namespace gonets::auth {
namespace {

constexpr std::size_t nonce_bytes = 18;  // 24 characters of base 64

const reply malformed{501, {5, 5, 2}, "Response is malformed"};

}  // namespace

reply reply_for(verdict v) {
  switch (v) {
    case verdict::granted:
      return {235, {2, 7, 0}, "Authentication successful"};
    case verdict::refused:
      return {535, {5, 7, 8}, "Authentication credentials invalid"};
    case verdict::locked:
      return {421, {4, 7, 0}, "Too many failed logins from your address, try again later"};
    case verdict::busy:
      return {454, {4, 7, 0}, "Too many logins at a time, try again later"};
    case verdict::unavailable:
      break;
  }
  return {454, {4, 7, 0}, "Temporary authentication failure"};
}

dialogue::dialogue(authenticator& with, caller who, sasl::mechanism by)
    : with_(with),
      who_(std::move(who)),
      by_(by),
      exchange_(sasl::make_exchange(by, encode_base64(random_bytes(nonce_bytes)))) {}

void dialogue::begin(std::optional<std::string> initial, on_answer done) {
  go_on(exchange_->begin(std::move(initial)), std::move(done));
}

void dialogue::respond(std::string message, on_answer done) {
  go_on(exchange_->respond(std::move(message)), std::move(done));
}

void dialogue::go_on(sasl::step s, on_answer done) {
  switch (s) {
    case sasl::step::challenge:
      return done({.challenge = exchange_->challenge(), .result = {}, .who = {}});
    case sasl::step::check_password:
      return with_.check_password(
          who_, by_, exchange_->login(), exchange_->secret(),
          [this, done = std::move(done)](outcome o) mutable { take(std::move(o), std::move(done)); });
    case sasl::step::check_token:
      return with_.check_token(
          who_, by_, exchange_->login(), exchange_->secret(),
          [this, done = std::move(done)](outcome o) mutable { take(std::move(o), std::move(done)); });
    case sasl::step::check_certificate:
      return take(with_.check_certificate(who_, exchange_->login()), std::move(done));
    case sasl::step::look_up: {
      auto start = with_.start_scram(who_, exchange_->login());
      if (start.blocked) return done({.challenge = {}, .result = reply_for(*start.blocked), .who = {}});
      claimed_ = std::move(start.who);
      return go_on(exchange_->give(start.verifier), std::move(done));
    }
    case sasl::step::proved:
      return take(with_.finish_scram(who_, exchange_->login(), claimed_), std::move(done));
    case sasl::step::failed:
      if (!result_) result_ = with_.refuse(who_, by_, exchange_->login());
      return end(std::move(done));
    case sasl::step::succeeded:
      return end(std::move(done));
    case sasl::step::malformed:
      return done({.challenge = {}, .result = malformed, .who = {}});
  }
}

// Only a yes or a no goes through the exchange, which may have something to say to it.
void dialogue::take(outcome o, on_answer done) {
  const auto what = o.what;
  result_ = std::move(o);
  if (what != verdict::granted && what != verdict::refused) return end(std::move(done));
  go_on(exchange_->conclude(what == verdict::granted), std::move(done));
}

void dialogue::end(on_answer done) {
  answer a{.challenge = {}, .result = reply_for(result_->what), .who = {}, .delay = result_->delay};
  if (result_->what == verdict::granted) a.who = std::move(result_->who);
  done(std::move(a));
}

}  // namespace gonets::auth
