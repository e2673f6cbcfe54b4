#include "smtpd/session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/log.h"
#include "smtp/proxy_protocol.h"

namespace gonets::smtpd {
namespace {

bool listed(const std::vector<network>& networks, const runtime::peer_address& peer) {
  return std::ranges::any_of(networks, [&](const auto& n) { return n.contains(peer.bytes); });
}

}  // namespace

session::session(std::size_t shard, runtime::stream_ptr stream, listener_ptr listener, session_environment env,
                 gate& door)
    : shard_(shard),
      stream_(std::move(stream)),
      listener_(std::move(listener)),
      env_(env),
      gate_(door),
      protocol_(listener_->protocol),
      peer_(stream_->peer()),
      began_(env.time.steady()) {}

session::~session() {
  if (composed_ && chunks_ > 0) env_.store.discard_chunks(composed_->message->id, chunks_);
  gate_.leave(*this, peer_, entered_);
}

void session::start() {
  if (listed(listener_->with.proxy_protocol_from, peer_)) return read_proxy_header();
  greet();
}

void session::read_proxy_header() {
  stream_->expires_after(listener_->limits.command_timeout);
  stream_->read([self = shared_from_this()](std::string_view bytes, runtime::io_error error) {
    self->on_proxy_bytes(bytes, error);
  });
}

void session::on_proxy_bytes(std::string_view bytes, runtime::io_error error) {
  if (error != runtime::io_error::none) return close();
  proxy_bytes_ += bytes;
  const auto header = smtp::parse_proxy_header(proxy_bytes_);
  if (!header) {
    if (header.error() == smtp::proxy_error::need_more) return read_proxy_header();
    GONETS_LOG(warning, "proxy_header_malformed", "peer", peer_.text());
    return close();
  }
  if (!header->local) {
    runtime::peer_address::parse(header->source_address, peer_.bytes);
    peer_.port = header->source_port;
  }
  proxy_bytes_.erase(0, header->header_bytes);
  greet();
}

void session::greet() {
  if (const auto refusal = gate_.enter(*listener_, peer_)) {
    protocol_.refuse_connection(*refusal);
  } else {
    entered_ = true;
    source_.peer_address = peer_.text();
    source_.stream = listener_->with.stream;
    source_.trusted = listed(listener_->with.trusted_networks, peer_);
    source_.submission = listener_->with.kind != config::listener_kind::smtp;
    offer_auth();
    if (locked_out()) {
      protocol_.refuse_connection(auth::reply_for(auth::verdict::locked));
    } else {
      protocol_.greet();
    }
  }
  if (!listener_->implicit_tls || !entered_) return run();
  start_tls();
}

void session::start_tls() {
  handshaking_ = true;
  stream_->expires_after(listener_->limits.command_timeout);
  stream_->start_tls_server(
      listener_->tls,
      [self = shared_from_this()](const std::optional<runtime::tls_failure>& failure) { self->on_tls(failure); });
}

void session::on_tls(const std::optional<runtime::tls_failure>& failure) {
  handshaking_ = false;
  if (failure) {
    env_.handshakes.failed();
    GONETS_LOG(info, "tls_handshake_failed", "peer", source_.peer_address, "error", failure->why);
    return close();
  }
  const auto facts = stream_->facts_of_tls();
  env_.handshakes.succeeded(facts.protocol);
  source_.tls = stream_->tls_description();
  protocol_.tls_started();
  offer_auth();
  run();
}

void session::read() {
  stream_->expires_after(protocol_.in_body() ? listener_->limits.data_timeout : listener_->limits.command_timeout);
  stream_->read(
      [self = shared_from_this()](std::string_view bytes, runtime::io_error error) { self->on_read(bytes, error); });
}

void session::on_read(std::string_view bytes, runtime::io_error error) {
  if (error == runtime::io_error::timed_out) {
    protocol_.time_out();
  } else if (error != runtime::io_error::none) {
    return close();
  } else if (env_.time.steady() - began_ > listener_->limits.session_max && !protocol_.in_transaction()) {
    protocol_.shut_down();
  }
  in_ = bytes;
  run();
}

void session::run() {
  if (!proxy_bytes_.empty()) in_ = proxy_bytes_;
  for (;;) {
    if (revoked_) return end_revoked();
    switch (protocol_.consume(in_)) {
      case smtp::need::input:
        proxy_bytes_.clear();
        if (flush()) read();
        return;
      case smtp::need::auth:
        on_auth();
        break;
      case smtp::need::mail:
        on_mail();
        break;
      case smtp::need::rcpt:
        on_rcpt();
        break;
      case smtp::need::data:
        on_data();
        break;
      case smtp::need::chunk:
        on_chunk();
        break;
      case smtp::need::message:
        on_message();
        break;
      case smtp::need::abandon:
        on_abandon();
        break;
      case smtp::need::starttls:
        handshaking_ = true;
        in_ = {};
        proxy_bytes_.clear();
        stream_->discard_received();
        if (flush()) start_tls();
        return;
      case smtp::need::close:
        closing_ = true;
        if (flush()) close();
        return;
    }
    if (waiting_) return;
  }
}

bool session::flush() {
  out_.clear();
  protocol_.drain_output(out_);
  if (out_.empty()) return true;
  const std::array<std::string_view, 1> parts = {out_};
  const bool done = stream_->write(parts, [self = shared_from_this()](runtime::io_error error) {
    self->writing_ = false;
    if (error == runtime::io_error::none && !self->closing_ && self->revoked_) return self->end_revoked();
    if (error != runtime::io_error::none || self->closing_) return self->close();
    if (self->handshaking_) return self->start_tls();
    self->read();
  });
  writing_ = !done;
  return done;
}

void session::close() {
  stream_->close();
}

void session::refuse(const reply& r) {
  if (r.permanent()) env_.replies_5xx.add();
  GONETS_LOG(info, "refused", "stage", to_text(protocol_.at()), "peer", source_.peer_address, "from",
             protocol_.envelope().reverse_path, "reply", to_text(r));
  source_.helo = protocol_.helo_name();
  const bool of_one = protocol_.at() == stage::rcpt;
  env_.intake.note_refusal(source_, protocol_.at(), protocol_.envelope(),
                           of_one ? &protocol_.pending_recipient() : nullptr, r);
  protocol_.answer(r);
}

void session::on_mail() {
  if (is_revoked()) {
    revoked_ = true;
    return;
  }
  if (const auto refusal =
          env_.intake.check_sender(source_, protocol_.envelope().reverse_path, protocol_.declared_bytes()))
    return refuse(*refusal);
  if (const auto refusal = plan_message()) return refuse(*refusal);
  if (const auto refusal = env_.intake.check_space()) return refuse(*refusal);
  protocol_.accept();
}

void session::on_rcpt() {
  const auto& to = protocol_.pending_recipient().address;
  if (const auto refusal = env_.intake.check_recipient(source_, to, protocol_.envelope().recipients.size()))
    return refuse(*refusal);
  protocol_.accept();
}

void session::on_data() {
  if (const auto refusal = env_.intake.check_space()) return refuse(*refusal);
  refused_.reset();
  composed_.reset();
  chunks_ = 0;
  left_out_ = 0;
  ends_in_crlf_ = true;  // of an empty body: the header above it ends in one
  protocol_.accept();
}

bool session::begin_message(std::string& first) {
  source_.helo = protocol_.helo_name();
  source_.esmtp = protocol_.esmtp();
  auto envelope = protocol_.envelope();
  envelope.release_at = plan_.release_at;
  envelope.deliver_by = plan_.deliver_by;
  envelope.by_return = plan_.by_return;
  envelope.by_trace = plan_.by_trace;
  auto made = env_.intake.compose(source_, std::move(envelope), first);
  if (made) {
    composed_ = std::move(*made);
    left_out_ = intake::leave_out(first, composed_->left_out);
    return true;
  }
  refused_ = made.error();
  return false;
}

void session::on_chunk() {
  auto part = protocol_.take_body();
  ends_in_crlf_ = part.ends_with("\r\n");
  if (refused_) return;  // swallowed
  if (!composed_ && !begin_message(part)) return;
  store_chunk(std::move(part), false);
}

// One part at a time is on its way to the disk: that, and what the kernel has received, is all that a message of any
// size takes up.
void session::store_chunk(std::string part, bool last) {
  waiting_ = true;
  if (composed_->signatures) composed_->signatures->add_part(part);
  env_.store.append_chunk(composed_->message->id, ++chunks_, std::move(part), shard_,
                          [self = shared_from_this(), last](spool::commit_status status) {
                            self->waiting_ = false;
                            if (status != spool::commit_status::ok) {
                              self->on_abandon();
                              self->refused_ = intake::intake::refusal_for(status);
                            }
                            if (last) return self->finish_message();
                            self->run();
                          });
}

void session::on_abandon() {
  if (composed_ && chunks_ > 0) env_.store.discard_chunks(composed_->message->id, chunks_);
  composed_.reset();
  chunks_ = 0;
}

void session::on_message() {
  auto rest = protocol_.take_body();
  if (!refused_ && !composed_) begin_message(rest);
  if (refused_) {
    refuse(*std::exchange(refused_, std::nullopt));
    return;
  }
  auto& m = *composed_->message;
  m.ends_in_crlf = rest.empty() ? ends_in_crlf_ : rest.ends_with("\r\n");
  m.has_leading_dot = protocol_.body_has_leading_dot();
  m.has_eight_bit = protocol_.body_has_eight_bit();
  m.body_bytes = m.head.size() + protocol_.body_bytes() - left_out_;
  if (chunks_ > 0) return store_chunk(std::move(rest), true);
  m.body = std::move(rest);
  m.in_memory = true;
  finish_message();
}

void session::finish_message() {
  if (refused_) {
    refuse(*std::exchange(refused_, std::nullopt));
    return run();
  }
  waiting_ = true;
  auto c = std::move(*std::exchange(composed_, std::nullopt));
  const auto id = c.message->id;
  env_.intake.accept(std::move(c), source_, std::exchange(chunks_, 0), shard_,
                     [self = shared_from_this(), id](std::optional<reply> refusal) {
                       self->waiting_ = false;
                       if (refusal) {
                         self->refuse(*refusal);
                       } else {
                         self->protocol_.accept_message(id);
                       }
                       self->run();
                     });
}

void session::shut_down() {
  if (waiting_ || closing_) return;
  if (handshaking_) return close();  // there is no way yet to say why
  protocol_.shut_down();
  if (!protocol_.has_output()) return;  // in the middle of a message: it ends first
  closing_ = true;
  if (flush()) close();
}

}  // namespace gonets::smtpd
