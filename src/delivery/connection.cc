#include "delivery/connection.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "base/secret.h"

namespace gonets::delivery {
namespace {

constexpr std::size_t nonce_bytes = 18;

std::optional<smtp::deliver_by> by_of(const message::envelope& of, wall_time now) {
  if (of.deliver_by == wall_time{}) return std::nullopt;
  return smtp::deliver_by{std::chrono::floor<std::chrono::seconds>(of.deliver_by - now), of.by_return, of.by_trace};
}

}  // namespace

void connection::resume() {
  if (phase_ == phase::idle) {
    phase_ = phase::working;
    return pump();
  }
  auto l = owner_.work().take(site_, owner_.env().with.delivery.recipients_per_transaction_max);
  if (!l) return end();
  first_ = job{std::move(*l), {}, {}, {}, {}};
  if (to_->login && to_->login->by_token()) return ask_for_token();
  dial();
}

void connection::ask_for_token() {
  phase_ = phase::dialing;
  owner_.env().tokens.get(*to_->login, [weak = weak_from_this()](access_tokens::result got) {
    if (const auto self = weak.lock()) self->on_token(std::move(got));
  });
}

void connection::on_token(access_tokens::result got) {
  if (got) {
    token_ = std::move(*got);
    return dial();
  }
  smtp::recipient_outcome why;
  why.what = smtp::disposition::deferred;
  why.at = stage::auth;
  why.answer = {451, {4, 7, 0}, fmt::format("cannot log in as {}: no access token: {}", to_->login->name, got.error())};
  give_up(std::move(why), true);
}

void connection::shut_down() {
  stopping_ = true;
  if (phase_ != phase::idle) return;
  owner_.busy(site_, *this);
  phase_ = phase::working;
  session_->quit();
  send_output();
  end();
}

void connection::start_session() {
  smtp::client_options options;
  options.helo_name = owner_.env().egresses.find(to_->via).helo;
  options.speak = to_->route.kind == config::route_kind::lmtp ? smtp::protocol::lmtp : smtp::protocol::smtp;
  options.tls = tls_->wish();
  if (to_->login) {
    options.login = smtp::client_login{to_->login->name, to_->login->password, encode_base64(random_bytes(nonce_bytes)),
                                       to_->route.implicit_tls || to_->route.login_without_tls};
    options.login->by_token = to_->login->by_token();
    if (options.login->by_token) options.login->password = token_;
  }
  options.messages_max = owner_.env().with.delivery.messages_per_connection_max;
  if (const auto limit = owner_.work().messages_a_connection_max(site_))
    options.messages_max = std::min(options.messages_max, std::max<std::size_t>(1, *limit));
  session_ = std::make_unique<smtp::client_session>(std::move(options));
  session_->connected();
  if (!early_.empty() && !stream_->is_tls()) session_->feed(std::exchange(early_, {}));
  pump();
}

void connection::pump() {
  // Settling wakes other connections and may come back here: the outer loop goes on by itself.
  if (pumping_ || phase_ == phase::ended) return;
  const auto self = shared_from_this();
  pumping_ = true;
  while (!writing_ && phase_ != phase::ended && step()) {
  }
  pumping_ = false;
}

// One action of the protocol machine; false when it must wait.
bool connection::step() {
  switch (session_->next()) {
    case smtp::wants::bytes:
      if (!send_output()) return false;
      read();
      return false;
    case smtp::wants::work:
      return next_transaction();
    case smtp::wants::body:
      send_body();
      return !writing_ && !sending_chunks_;
    case smtp::wants::collect:
      collect();
      return true;
    case smtp::wants::tls:
      shake_hands();
      return false;
    case smtp::wants::close:
      session_over();
      return false;
  }
  return false;
}

bool connection::next_transaction() {
  if (phase_ == phase::greeting) {
    if (!std::exchange(reached_, true)) owner_.work().site_reached(site_);
    if (!stream_->is_tls()) note_clear();
    if (!fit_for_first()) return false;
    phase_ = phase::working;
  }
  if (!first_ && !elsewhere_.empty()) {
    session_->quit();
    send_output();
    go_to_next_host();
    return false;
  }
  // A host whose certificate is for one domain is not shown to be another's.
  while (!first_ && next_passed_over()) {
    if (!may_carry(first_->lease)) settle_as_said(std::move(*std::exchange(first_, std::nullopt)));
  }
  if (first_) {
    begin(std::move(*std::exchange(first_, std::nullopt)));
    return true;
  }
  std::optional<spool::lease> l;
  if (!stopping_) {
    l = owner_.work().take(site_, owner_.env().with.delivery.recipients_per_transaction_max);
    if (l && !may_carry(*l)) {
      hand_back(std::move(*l), {});
      stopping_ = true;
      l.reset();
    }
  }
  if (l) {
    begin({std::move(*l), {}, {}, {}, {}});
    return true;
  }
  if (stopping_) {
    session_->quit();
    send_output();
    end();
    return false;
  }
  go_idle();
  return false;
}

void connection::go_idle() {
  phase_ = phase::idle;
  owner_.idle(site_, *this);
  // A read is kept under way, so that a peer that closes is noticed.
  read();
}

// Not where somebody else answers for the mail: a smarthost with a login takes that login's address alone, and behind
// LMTP is the mailbox.
std::string connection::own_return_path(const spool::lease& l) const {
  const auto& ours = owner_.env().with.feedback.domain;
  const auto& domain = l.message->return_path_domain.empty() ? ours : l.message->return_path_domain;
  const bool goes_out = to_->route.kind == config::route_kind::mx ||
                        (to_->route.kind == config::route_kind::smtp && to_->route.logins.empty());
  if (!l.message->own_return_path || ours.empty() || !goes_out) return {};
  return fmt::format("{}@{}", owner_.env().return_paths.local_part({l.message->id, l.recipients.front()}), domain);
}

void connection::begin(job j) {
  const auto& l = j.lease;
  tell_tls(l);
  const auto& m = *l.message;
  smtp::transaction t;
  auto& begun = under_way_.emplace_back(transaction{{}, owner_.env().time.steady(), own_return_path(l), {}});
  if (!std::exchange(used_, true)) begun.connecting = since_dialed();
  t.reverse_path = begun.return_path.empty() ? std::string_view(m.envelope.reverse_path) : begun.return_path;
  t.recipients.reserve(l.recipients.size());
  for (const auto index : l.recipients)
    t.recipients.push_back(&m.envelope.recipients[index.value]);
  t.envelope_id = m.envelope.envelope_id;
  t.ret = m.envelope.ret;
  t.size_bytes = m.body_bytes;
  t.eight_bit = m.has_eight_bit;
  t.smtputf8 = m.envelope.smtputf8;
  t.require_tls = tls_->needs_requiretls();
  t.by = by_of(m.envelope, owner_.env().time.wall());
  t.body_ends_in_crlf = m.ends_in_crlf;
  begun.what = std::move(j);
  session_->begin(std::move(t));
}

void connection::collect() {
  spool::attempt_result result;
  result.said = session_->take_transcript();
  result.recipients = session_->collect();
  result.remote_host = host_;
  result.remote_address = address_;
  result.tls = tls_->use();
  result.dsn_passed_on = session_->peer_offers_dsn();
  result.by_passed_on = session_->peer_offers_deliverby();
  result.final_here = to_->route.kind == config::route_kind::lmtp;
  auto done = std::move(under_way_.front());
  under_way_.pop_front();
  result.connecting = done.connecting;
  if (done.connecting) result.tried = std::exchange(tried_, {});
  result.tried += done.what.transcript;
  result.duration = std::chrono::floor<std::chrono::milliseconds>(owner_.env().time.steady() - done.began);
  keep_said(done.what, result.recipients);
  auto& l = done.what.lease;
  if (auto rest = for_next_host(l, result.recipients)) {
    const auto& envelope = l.message->envelope;
    rest->transcript = with_host(result.said.of(&envelope.recipients[rest->lease.recipients.front().value]));
    elsewhere_.push_back(std::move(*rest));
    if (l.recipients.empty()) return;
    result.goes_on = true;
  }
  owner_.work().settle(std::move(l), std::move(result));
}

std::chrono::milliseconds connection::time_limit() const {
  const auto& with = owner_.env().with.delivery;
  if (phase_ == phase::idle) return with.idle_timeout;
  switch (session_->waiting_for()) {
    case stage::greeting:
      return with.greeting_timeout;
    case stage::mail:
      return with.mail_timeout;
    case stage::rcpt:
      return with.rcpt_timeout;
    case stage::data:
      return with.data_timeout;
    case stage::end_of_data:
      return with.end_of_data_timeout;
    default:
      return with.helo_timeout;
  }
}

void connection::read() {
  stream_->expires_after(time_limit());
  if (reading_) return;
  reading_ = true;
  stream_->read([weak = weak_from_this()](std::string_view bytes, runtime::io_error error) {
    if (const auto self = weak.lock()) self->on_read(bytes, error);
  });
}

void connection::on_read(std::string_view bytes, runtime::io_error error) {
  reading_ = false;
  if (phase_ == phase::ended) return;
  if (phase_ == phase::idle) {
    owner_.busy(site_, *this);
    phase_ = phase::working;
    if (error == runtime::io_error::timed_out) {
      session_->quit();
      send_output();
      return end();
    }
  }
  if (error == runtime::io_error::none) {
    session_->feed(bytes);
  } else {
    session_->lost(error == runtime::io_error::timed_out ? "timed out" : "connection closed by the other side");
  }
  // What was fed to an idle session did not end it (a stray reply): it asks for work again, or for its end.
  pump();
}

// The session ended by itself: refused at its start, closed by the peer, or broken.
void connection::session_over() {
  if (phase_ == phase::greeting && first_) {
    auto why = session_->closed_because();
    if (why.at == stage::tls) {
      send_output();
      tls_->unavailable(why.answer.text);
      return tls_broke(std::move(why));
    }
    // Another address of the same server would refuse the login as well, and might count it; not so where the
    // connection broke.
    const bool login_refused = why.at == stage::auth && why.answer.status.subject == 7;
    if (login_refused) {
      if (to_->login->by_token()) owner_.env().tokens.refused(*to_->login, token_);
      send_output();
      return give_up(std::move(why), true);
    }
    // 5xx in a greeting is most often about us and passes (RFC 5321 3.1 lets a server refuse for now); only 521 and 556
    // say that the host never takes mail (RFC 7504).
    const bool never = why.from_peer && (why.answer.code == 521 || why.answer.code == 556);
    why.what = never ? smtp::disposition::failed : smtp::disposition::deferred;
    return try_next_host(std::move(why));
  }
  if (!first_ && (!elsewhere_.empty() || !here_.empty())) {
    send_output();
    return go_to_next_host();
  }
  if (first_) {
    // Between the greeting and its first transaction nothing can be lost but time: it goes back to the queue.
    smtp::recipient_outcome none;
    return give_up(none, false);
  }
  send_output();
  end();
}

void connection::end() {
  if (phase_ == phase::ended) return;
  phase_ = phase::ended;
  if (stream_) stream_->close();
  owner_.gone(site_, *this);
}

std::shared_ptr<worker> make_connection(delivery& owner, spool::site_id site,
                                        std::shared_ptr<const routed_destination> to) {
  return std::make_shared<connection>(owner, site, std::move(to));
}

}  // namespace gonets::delivery
