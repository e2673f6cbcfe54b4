// One SMTP or LMTP connection of delivery: moves bytes between a stream and the protocol machine, transaction after
// transaction, for as long as its site has work. What concerns its TLS is in tls_attempt. Owned by `delivery`; its
// callbacks hold weak references.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "base/base64.h"
#include "base/log.h"
#include "base/secret.h"
#include "delivery/delivery.h"
#include "delivery/dial.h"
#include "delivery/job.h"
#include "delivery/tls_attempt.h"
#include "smtp/client_session.h"
#include "smtp/dot_stuffing.h"
#include "smtp/reply_parser.h"

namespace gonets::delivery {
namespace {

constexpr std::size_t nonce_bytes = 18;
constexpr std::size_t tried_bytes_max = 8192;

std::optional<smtp::deliver_by> by_of(const message::envelope& of, wall_time now) {
  if (of.deliver_by == wall_time{}) return std::nullopt;
  return smtp::deliver_by{std::chrono::floor<std::chrono::seconds>(of.deliver_by - now), of.by_return, of.by_trace};
}

class connection final : public worker, public std::enable_shared_from_this<connection> {
 public:
  connection(delivery& owner, spool::site_id site, std::shared_ptr<const routed_destination> to)
      : owner_(owner), site_(site), to_(std::move(to)) {}

  ~connection() override {
    if (stream_) stream_->close();
  }

  void resume() override;
  void shut_down() override;
  bool reached() const override { return reached_; }

 private:
  // dialing -> greeting -> working <-> idle -> ended; greeting -> dialing; any -> ended. Only `working` has
  // transactions under way. TLS handshakes are part of `greeting`.
  enum class phase : std::uint8_t { fresh, dialing, greeting, working, idle, ended };

  void ask_for_token();
  void on_token(access_tokens::result got);
  void dial();
  dialer::handler to_on_dialed();
  void on_dialed(dialer::connected c);
  void start_session();
  void shake_hands();
  void on_handshake(const std::optional<runtime::tls_failure>& failure);
  void drop_stream();
  std::string with_host(const std::string& said) const;
  std::chrono::milliseconds since_dialed() const;
  void tls_broke(smtp::recipient_outcome why);
  void try_next_host(smtp::recipient_outcome why);
  bool fit_for_first();
  void note_clear();
  void hand_back(spool::lease l, std::optional<spool::egress_trouble> egress_down);
  void tell_tls(const spool::lease& l);
  void give_up(smtp::recipient_outcome why, bool site_failed);
  void pump();
  bool step();
  bool next_transaction();
  void go_idle();
  void begin(job j);
  void collect();
  std::optional<job> for_next_host(spool::lease& l, std::vector<smtp::recipient_outcome>& outcomes) const;
  void go_to_next_host();
  bool next_passed_over();
  bool may_carry(const spool::lease& l) const;
  void settle_as_said(job j);
  void read();
  void on_read(std::string_view bytes, runtime::io_error error);
  bool send(std::span<const std::string_view> parts);
  bool send_output();
  void send_body();
  void send_small_body(const spool::queued_message& m);
  void fetch_chunk();
  void on_chunk(std::optional<std::string> part);
  void send_chunk(std::string_view part, bool last);
  void on_written(runtime::io_error error);
  void session_over();
  void end();
  std::chrono::milliseconds time_limit() const;

  struct transaction {
    job what;
    steady_time began;
    std::string return_path;                              // where it is ours
    std::optional<std::chrono::milliseconds> connecting;  // before it, when it is the connection's first
  };
  std::string own_return_path(const spool::lease& l) const;

  delivery& owner_;
  const spool::site_id site_;
  const std::shared_ptr<const routed_destination> to_;
  std::shared_ptr<dialer> dialer_;
  runtime::stream_ptr stream_;
  std::unique_ptr<smtp::client_session> session_;
  std::optional<tls_attempt> tls_;  // of the host that was dialed last
  std::string token_;               // for the login, where it is by one
  std::string host_, address_;
  steady_time dialed_{};               // first
  std::string tried_;                  // transcripts of hosts that were given up
  std::string early_;                  // what came with the last words of the proxy
  std::optional<job> first_;           // taken before there is a session to begin it in
  std::deque<job> elsewhere_;          // of whom this host said that another may take them
  std::deque<job> here_;               // of whom the host before this one said so
  std::deque<transaction> under_way_;  // begun, in order
  phase phase_ = phase::fresh;
  bool reading_ = false;
  bool writing_ = false;
  bool stopping_ = false;
  bool pumping_ = false;
  bool reached_ = false;
  bool used_ = false;  // a transaction was begun with this host
  std::string out_, after_, stuffed_;
  std::uint32_t chunk_ = 0;  // of the large body that is being sent
  bool sending_chunks_ = false;
  smtp::dot_stuffer stuffer_;
};

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

// True when all is written; else on_written() goes on.
bool connection::send(std::span<const std::string_view> parts) {
  stream_->expires_after(owner_.env().with.delivery.block_timeout);
  writing_ = !stream_->write(parts, [weak = weak_from_this()](runtime::io_error error) {
    if (const auto self = weak.lock()) self->on_written(error);
  });
  return !writing_;
}

bool connection::send_output() {
  out_.clear();
  session_->drain_output(out_);
  if (out_.empty()) return true;
  const std::array<std::string_view, 1> parts = {out_};
  return send(parts);
}

// Chained (RFC 2920 3.1): the next transaction's commands leave in the same write as the end of this one's data.
void connection::send_body() {
  if (session_->can_chain() && !stopping_ && elsewhere_.empty() && tls_->reserved_for().empty()) {
    auto next = owner_.work().take(site_, owner_.env().with.delivery.recipients_per_transaction_max);
    if (next) begin({std::move(*next), {}, {}, {}, {}});
  }
  const auto& m = *under_way_.front().what.lease.message;
  stuffer_ = {};
  if (m.in_memory) return send_small_body(m);
  chunk_ = 0;
  sending_chunks_ = true;
  fetch_chunk();
}

void connection::send_small_body(const spool::queued_message& m) {
  out_.clear();
  session_->drain_output(out_);
  after_.clear();
  std::string_view head = m.head;
  std::string_view body = m.body;
  if (m.has_leading_dot) {
    stuffed_.clear();
    stuffer_.append(head, stuffed_);
    stuffer_.append(body, stuffed_);
    head = stuffed_;
    body = {};
  }
  session_->drain_after_body(after_);
  const std::array<std::string_view, 4> parts = {out_, head, body, after_};
  if (send(parts)) session_->body_sent();
}

// A large body comes from the disk part by part: one is read and sent at a time.
void connection::fetch_chunk() {
  const auto id = under_way_.front().what.lease.message->id;
  const auto& env = owner_.env();
  const bool asked = env.blocking.run([&env, id, number = chunk_, weak = weak_from_this()] {
    auto part = env.store.fetch_chunk(id, number);
    env.shards.post(env.shard, [weak, part = std::move(part)]() mutable {
      if (const auto self = weak.lock()) self->on_chunk(std::move(part));
    });
  });
  if (asked) return;
  env.shards.post(env.shard, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_chunk(std::nullopt);
  });
}

void connection::on_chunk(std::optional<std::string> part) {
  if (phase_ == phase::ended) return;
  const auto& m = *under_way_.front().what.lease.message;
  if (!part) {
    sending_chunks_ = false;
    session_->body_failed("the message could not be read from the spool");
    return pump();
  }
  ++chunk_;
  std::string_view text = *part;
  if (m.has_leading_dot) {
    stuffed_.clear();
    stuffer_.append(*part, stuffed_);
    text = stuffed_;
  }
  send_chunk(text, chunk_ == m.chunks);
}

void connection::send_chunk(std::string_view part, bool last) {
  out_.clear();
  session_->drain_output(out_);
  after_.clear();
  if (last) {
    session_->drain_after_body(after_);
    sending_chunks_ = false;
  }
  const std::array<std::string_view, 3> parts = {out_, part, after_};
  if (send(parts)) on_written(runtime::io_error::none);
}

void connection::on_written(runtime::io_error error) {
  const bool was_body = session_->next() == smtp::wants::body;
  writing_ = false;
  if (phase_ == phase::ended) return;
  if (error != runtime::io_error::none) {
    sending_chunks_ = false;
    session_->lost(error == runtime::io_error::timed_out ? "timed out while sending" : "connection lost while sending");
    return pump();
  }
  if (sending_chunks_) return fetch_chunk();
  if (was_body) session_->body_sent();
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

}  // namespace

std::shared_ptr<worker> make_connection(delivery& owner, spool::site_id site,
                                        std::shared_ptr<const routed_destination> to) {
  return std::make_shared<connection>(owner, site, std::move(to));
}

}  // namespace gonets::delivery
