// AUTH on a connection, and what becomes of a connection whose credential goes.
#include <utility>

#include "base/log.h"
#include "smtpd/session.h"

namespace gonets::smtpd {
namespace {

const reply revoked{421, {4, 7, 0}, "This login is no longer valid, closing connection"};

}  // namespace

// Anew whenever what the offer depends on has changed: the real address is known, TLS has started.
void session::offer_auth() {
  caller_ = {.address = peer_.bytes, .tls = !source_.tls.empty()};
  if (caller_.tls) caller_.certificate_sha256 = stream_->facts_of_tls().client_certificate;
  protocol_.offer_auth({env_.auth.offered_to(caller_), listener_->protocol.offer_starttls && !caller_.tls});
  offer_schedule();
}

// Inbound mail of the same address is still taken on listeners of kind smtp; there only AUTH is refused.
bool session::locked_out() const {
  return source_.submission && !source_.trusted && env_.auth.source_locked(peer_.bytes);
}

void session::on_auth() {
  auto done = [self = shared_from_this()](auth::answer a) { self->on_auth_answer(std::move(a)); };
  waiting_ = in_auth_ = true;
  auto said = protocol_.take_auth_response();
  if (protocol_.auth_begins()) {
    const auto by = sasl::parse_mechanism(protocol_.auth_mechanism());  // one of those offered
    dialogue_ = std::make_unique<auth::dialogue>(env_.auth, caller_, by.value());
    dialogue_->begin(std::move(said), std::move(done));
  } else {
    dialogue_->respond(std::move(said).value_or(""), std::move(done));
  }
  in_auth_ = false;
}

void session::on_auth_answer(auth::answer a) {
  if (a.delay.count() == 0) return tell_auth_answer(std::move(a));
  penalty_.emplace(env_.shards.timers(shard_), [self = shared_from_this(), a] {
    self->penalty_.reset();
    self->tell_auth_answer(a);
  });
  penalty_->expires_after(a.delay);
}

void session::tell_auth_answer(auth::answer a) {
  waiting_ = false;
  if (a.challenge) {
    protocol_.challenge(*a.challenge);
  } else {
    dialogue_.reset();  // it holds the password
    if (a.who) become(std::move(*a.who));
    if (a.result.permanent()) env_.replies_5xx.add();
    protocol_.answer(a.result);
  }
  if (!in_auth_) run();
}

void session::become(auth::identity who) {
  source_.account = who.account;
  if (!who.stream.empty()) source_.stream = who.stream;
  source_.trusted = source_.submission = source_.authenticated = true;
  identity_ = std::move(who);
  offer_schedule();
}

bool session::is_revoked() const {
  return identity_ && !env_.auth.still_valid(*identity_, peer_.bytes);
}

void session::recheck() {
  if (closing_ || !is_revoked()) return;
  GONETS_LOG(info, "session_revoked", "peer", source_.peer_address);
  revoked_ = true;
  if (!waiting_ && !writing_) end_revoked();  // else when that is over
}

void session::end_revoked() {
  protocol_.disconnect(revoked);
  closing_ = true;
  if (flush()) close();
}

}  // namespace gonets::smtpd
