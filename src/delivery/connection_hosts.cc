// Of a connection: which host it speaks to, and what becomes of its work when that one won't do.
#include <fmt/format.h>

#include <utility>

#include "delivery/connection.h"
#include "smtp/reply_parser.h"

namespace gonets::delivery {
namespace {

constexpr std::size_t tried_bytes_max = 8192;

}  // namespace

void connection::dial() {
  phase_ = phase::dialing;
  if (!dialer_) {
    dialer_ = std::make_shared<dialer>(owner_.env(), to_);
    dialed_ = owner_.env().time.steady();
  }
  dialer_->next(to_on_dialed());
}

dialer::handler connection::to_on_dialed() {
  return [weak = weak_from_this()](dialer::connected c) {
    if (const auto self = weak.lock()) self->on_dialed(std::move(c));
  };
}

void connection::on_dialed(dialer::connected c) {
  host_ = c.target.host;
  address_ = std::move(c.address);
  tls_.emplace(owner_.env(), *to_, std::move(c.target), only_domain_of(first_->lease));
  for (const auto& host : c.before) {
    for (const auto& domain : domains_of(first_->lease))
      tls_->report_passed_over(host, domain);
  }
  if (c.egress_down) {
    do
      hand_back(std::move(std::exchange(first_, std::nullopt)->lease), c.egress_down);
    while (next_passed_over());
    return end();
  }
  if (!c.stream) {
    const bool for_now = c.why_not.what == smtp::disposition::deferred;
    return give_up(std::move(c.why_not), for_now);
  }
  stream_ = std::move(c.stream);
  early_ = std::move(c.early);
  phase_ = phase::greeting;
  if (tls_->may_go_clear()) {
    const auto* const broken = owner_.broken().find(host_, owner_.env().time.steady());
    if (broken != nullptr) tls_->give_up_tls("none after failure: " + *broken);
  }
  if (to_->route.implicit_tls) return shake_hands();
  start_session();
}

void connection::shake_hands() {
  stream_->expires_after(owner_.env().with.delivery.helo_timeout);
  stream_->start_tls_client(owner_.env().tls, tls_->handshake(),
                            [weak = weak_from_this()](const std::optional<runtime::tls_failure>& failure) {
                              if (const auto self = weak.lock()) self->on_handshake(failure);
                            });
}

void connection::on_handshake(const std::optional<runtime::tls_failure>& failure) {
  if (phase_ == phase::ended) return;
  if (failure) {
    smtp::recipient_outcome why;
    why.what = smtp::disposition::deferred;
    why.at = stage::tls;
    why.answer = {451, {4, 7, 5}, tls_->failed(*failure)};
    return tls_broke(std::move(why));
  }
  const auto facts = stream_->facts_of_tls();
  (facts.resumed ? owner_.tls().resumed : owner_.tls().full).add();
  tls_->established(facts);
  if (!session_) return start_session();
  session_->tls_started();
  pump();
}

// Again in the clear, at once, where that may be (on_dialed() finds the host remembered); else to the next host.
void connection::tls_broke(smtp::recipient_outcome why) {
  owner_.tls().failed.add();
  tell_tls(first_->lease);
  if (!tls_->may_go_clear()) return try_next_host(std::move(why));
  owner_.broken().note(host_, why.answer.text, owner_.env().time.steady());
  drop_stream();
  phase_ = phase::dialing;
  dialer_->again(to_on_dialed());
}

void connection::drop_stream() {
  stream_->close();
  reading_ = writing_ = false;
  if (session_) tried_ += with_host(session_->take_transcript().text());
  smtp::cut_text(tried_, tried_bytes_max);
  session_.reset();
}

std::string connection::with_host(const std::string& said) const {
  return said.empty() ? std::string() : fmt::format("({} [{}])\n{}", host_, address_, said);
}

std::chrono::milliseconds connection::since_dialed() const {
  return std::chrono::floor<std::chrono::milliseconds>(owner_.env().time.steady() - dialed_);
}

void connection::try_next_host(smtp::recipient_outcome why) {
  drop_stream();
  dialer_->failed_because(std::move(why));
  dial();
}

void connection::tell_tls(const spool::lease& l) {
  if (to_->route.kind != config::route_kind::mx) return;
  for (const auto& domain : domains_of(l))
    tls_->report(domain, stream_.get());
}

// Whether the message that the connection was made for may go to this host at all.
bool connection::fit_for_first() {
  if (!first_ || !tls_->needs_requiretls() || session_->peer_offers_requiretls()) return true;
  session_->quit();
  send_output();
  smtp::recipient_outcome why;
  why.what = smtp::disposition::failed;
  why.at = stage::tls;
  why.answer = {550, {5, 7, 30}, fmt::format("the message needs REQUIRETLS, which {} does not offer", host_)};
  try_next_host(std::move(why));
  return false;
}

// The lease that this connection was made for can't even be begun.
void connection::give_up(smtp::recipient_outcome why, bool site_failed) {
  if (why.at == stage::tls && to_->tls.governs == tls_policy::policy::requiretls && !why.answer.permanent()) {
    // RFC 8689 4.2.1: the sender is told at once that the way is not safe enough.
    why.what = smtp::disposition::failed;
    why.answer = {550, {5, 7, 30}, "the message needs REQUIRETLS: " + why.answer.text};
    why.from_peer = false;
    site_failed = false;
  }
  spool::attempt_result result;
  if (tls_ && why.at >= stage::greeting) result.tls = tls_->use();
  result.recipients.assign(first_->lease.recipients.size(), why);
  result.tried = tried_ + first_->transcript;
  if (session_) result.said = session_->take_transcript();
  result.connecting = since_dialed();
  result.remote_host = host_;
  result.remote_address = address_;
  result.site_failed = site_failed;
  auto j = std::move(*first_);
  first_.reset();
  if (j.said.empty()) {
    owner_.work().settle(std::move(j.lease), std::move(result));
  } else {
    settle_as_said(std::move(j));
  }
  if (next_passed_over()) return give_up(std::move(why), false);
  end();
}

// A host of the site did speak to us, and what it said stays the answer.
void connection::settle_as_said(job j) {
  spool::attempt_result result;
  result.recipients = std::move(j.said);
  result.remote_host = std::move(j.host);
  result.remote_address = std::move(j.address);
  result.tried = std::move(j.transcript);
  owner_.work().settle(std::move(j.lease), std::move(result));
}

bool connection::may_carry(const spool::lease& l) const {
  return tls_->reserved_for().empty() || only_domain_of(l) == tls_->reserved_for();
}

void connection::note_clear() {
  owner_.tls().clear.add();
  const auto& refusal = session_->starttls_refusal();
  if (refusal.code != 0) {
    tls_->refused(to_text(refusal));
  } else {
    tls_->not_offered();
  }
}

// To another connection, whose certificate may be for its domain; or to another egress.
void connection::hand_back(spool::lease l, std::optional<spool::egress_trouble> egress_down) {
  spool::attempt_result none;
  none.recipients.resize(l.recipients.size());
  none.egress_down = std::move(egress_down);
  owner_.work().settle(std::move(l), std::move(none));
}

// Those of whom this host said that it is only itself that does not want them.
std::optional<job> connection::for_next_host(spool::lease& l, std::vector<smtp::recipient_outcome>& outcomes) const {
  if (!dialer_->has_another_host()) return std::nullopt;
  const auto passed_over = [&](std::size_t i) {
    const auto& o = outcomes[i];
    return o.from_peer && o.what != smtp::disposition::delivered && owner_.work().passes_host_over(l, i, o);
  };
  return take_passed_over(l, outcomes, passed_over, host_, address_);
}

// The first of them is what the connection is made for; the others follow when it has been begun.
void connection::go_to_next_host() {
  drop_stream();
  dialed_ = owner_.env().time.steady();
  used_ = false;
  for (auto& other : std::exchange(here_, {}))
    elsewhere_.push_back(std::move(other));
  here_ = std::exchange(elsewhere_, {});
  next_passed_over();
  dialer_->pass_host_over();
  dial();
}

// What is to go to this host after another was passed over becomes the next.
bool connection::next_passed_over() {
  if (here_.empty()) return false;
  first_ = std::move(here_.front());
  here_.pop_front();
  return true;
}

}  // namespace gonets::delivery
