#include "smtp/server_session.h"

#include <fmt/format.h>

#include <utility>

#include "base/base64.h"
#include "smtp/detail/server_state.h"

namespace gonets::smtp {
namespace {

constexpr canned_reply too_many_errors{421, {4, 7, 0}, "Too many errors, closing connection"};
constexpr canned_reply timed_out{421, {4, 4, 2}, "Timeout, closing connection"};
constexpr canned_reply going_down{421, {4, 3, 2}, "Service is shutting down, closing connection"};
constexpr canned_reply tls_unasked{554, {5, 5, 1}, "TLS begins with STARTTLS on this port"};
constexpr canned_reply sender_ok{250, {2, 1, 0}, "Ok"};
constexpr canned_reply recipient_ok{250, {2, 1, 5}, "Ok"};
constexpr canned_reply send_data{354, {}, "End data with <CR><LF>.<CR><LF>"};
constexpr char tls_handshake_record = '\x16';  // RFC 8446 5.1: what a client that takes this for port 465 says first
// A body's buffer is kept for the next message unless an unusual one made it this large.
constexpr std::size_t kept_body_bytes_max = 65'536;

}  // namespace

void server_session::state::say(std::uint16_t code, enhanced_status status, std::string_view text) {
  if (closing) return;
  append_reply(output, code, status, text);
  if (code == 421) closing = true;
  if (code < 500) return;
  if (++errors >= options.limits.errors_max) close_with(too_many_errors);
}

void server_session::state::close_with(const canned_reply& r) {
  closing = true;
  append_reply(output, r.code, r.status, r.text);
}

void server_session::state::end_transaction() {
  abandoned = abandoned || handed_out;
  transaction_open = chunked = body_begun = handed_out = false;
  envelope.reverse_path.clear();
  envelope.recipients.clear();
  envelope.envelope_id.clear();
  envelope.ret = message::return_content::unspecified;
  envelope.body = message::body_type::seven_bit;
  envelope.smtputf8 = false;
  declared_bytes = 0;
  schedule = {};
  body.clear();
  if (body.capacity() > kept_body_bytes_max) body = {};
}

void server_session::state::forget_client() {
  end_transaction();
  helo_name.clear();
  esmtp = authenticated = false;
  offer = {};
  future_release.clear();
  auth_response.reset();
  set_line_limit();
  lines.reset();
}

server_session::server_session(const server_options& options) : state_(std::make_unique<state>(options)) {}
server_session::~server_session() = default;
server_session::server_session(server_session&&) noexcept = default;

void server_session::greet() {
  state_->greeted = true;
  state_->output += "220 ";
  state_->output += state_->options.hostname;
  state_->output += " ESMTP Gonets\r\n";
}

void server_session::refuse_connection(const reply& r) {
  append_reply(state_->output, r.code, r.status, r.text);
  state_->closing = true;
}

need server_session::consume(std::string_view& in) {
  auto& s = *state_;
  for (;;) {
    if (std::exchange(s.abandoned, false)) return need::abandon;
    if (s.closing) return need::close;
    switch (s.now) {
      case phase::command:
        if (in.empty()) return need::input;
        if (!std::exchange(s.heard, true) && in.front() == tls_handshake_record) {
          s.close_with(tls_unasked);  // it waits for a handshake for ever, else
          break;
        }
        s.execute(s.lines.next(in));
        break;
      case phase::auth_response:
        if (in.empty()) return need::input;
        s.auth_line(s.lines.next(in));
        break;
      case phase::ask_auth:
        return need::auth;
      case phase::ask_mail:
        return need::mail;
      case phase::ask_rcpt:
        return need::rcpt;
      case phase::ask_data:
        return need::data;
      case phase::ask_message:
        return need::message;
      case phase::body:
        if (const auto n = s.read_body(in)) return *n;
        break;
      case phase::swallow:
        s.swallow(in);
        if (s.now == phase::swallow) return need::input;
        break;
      case phase::handshake:
        in = {};  // sent in the clear by who knows whom (RFC 3207 6)
        return need::starttls;
    }
  }
}

void server_session::accept() {
  switch (state_->now) {
    case phase::ask_mail:
      return answer({sender_ok.code, sender_ok.status, std::string(sender_ok.text)});
    case phase::ask_rcpt:
      return answer({recipient_ok.code, recipient_ok.status, std::string(recipient_ok.text)});
    case phase::ask_data:
      if (!state_->chunked) state_->say(send_data);
      return state_->start_body();
    default:
      return;
  }
}

void server_session::answer(const reply& r) {
  auto& s = *state_;
  const auto turn = s.now;
  if (turn == phase::ask_data && (r.positive() || r.code == send_data.code)) return accept();
  s.say(r.code, r.status, r.text);
  switch (turn) {
    case phase::ask_auth:
      s.now = phase::command;
      s.authenticated = r.positive();
      s.set_line_limit();
      break;
    case phase::ask_mail:
      s.now = phase::command;
      if (r.positive()) {
        s.transaction_open = true;
      } else {
        s.end_transaction();
      }
      break;
    case phase::ask_rcpt:
      s.now = phase::command;
      if (r.positive()) s.envelope.recipients.push_back(std::move(s.pending_recipient));
      break;
    case phase::ask_data:
      s.now = phase::command;
      // The chunks that a pipelining client has sent already belong to nothing now (RFC 3030 2).
      if (s.chunked) {
        s.refuse_chunk(std::nullopt);
        s.end_transaction();
      }
      break;
    case phase::ask_message:
      s.now = phase::command;
      s.handed_out = false;
      if (r.positive()) {
        ++s.messages;
        s.errors = 0;
      }
      s.end_transaction();
      if (s.shutting_down && !s.closing) s.close_with(going_down);
      break;
    default:
      break;
  }
}

void server_session::accept_message(message_id id) {
  answer({250, {2, 0, 0}, "Ok: queued as " + to_text(id)});
}

void server_session::challenge(std::string_view text) {
  if (state_->now != phase::ask_auth) return;
  state_->output += "334 ";
  state_->output += encode_base64(text);
  state_->output += "\r\n";
  state_->now = phase::auth_response;
}

void server_session::offer_auth(auth_offer what) {
  state_->offer = std::move(what);
  state_->set_line_limit();
}

void server_session::offer_schedule(std::string future_release) {
  state_->future_release = std::move(future_release);
}

void server_session::disconnect(const reply& r) {
  if (!state_->closing) state_->say(r.code, r.status, r.text);
  state_->closing = true;
}

void server_session::tls_started() {
  state_->tls = true;
  state_->now = phase::command;
  state_->forget_client();
}

void server_session::time_out() {
  if (!state_->closing) state_->close_with(timed_out);
}

void server_session::shut_down() {
  auto& s = *state_;
  if (s.closing) return;
  if (s.now == phase::body || s.now == phase::ask_message) {
    s.shutting_down = true;
  } else {
    s.close_with(going_down);
  }
}

bool server_session::has_output() const {
  return !state_->output.empty();
}

std::string server_session::take_output() {
  std::string taken = state_->output;
  state_->output.clear();
  return taken;
}

void server_session::drain_output(std::string& to) {
  to += state_->output;
  state_->output.clear();
}

const message::envelope& server_session::envelope() const {
  return state_->envelope;
}
message::envelope server_session::take_envelope() {
  return std::exchange(state_->envelope, {});
}
const message::recipient& server_session::pending_recipient() const {
  return state_->pending_recipient;
}
std::uint64_t server_session::declared_bytes() const {
  return state_->declared_bytes;
}

const mail_schedule& server_session::schedule() const {
  return state_->schedule;
}

std::string_view server_session::auth_mechanism() const {
  return state_->auth_mechanism;
}
bool server_session::auth_begins() const {
  return state_->auth_begins;
}
std::optional<std::string> server_session::take_auth_response() {
  return std::exchange(state_->auth_response, std::nullopt);
}
bool server_session::authenticated() const {
  return state_->authenticated;
}

std::string server_session::take_body() {
  state_->handed_out = true;
  return std::exchange(state_->body, {});
}

std::uint64_t server_session::body_bytes() const {
  return state_->reader.bytes();
}
bool server_session::body_has_leading_dot() const {
  return state_->reader.has_leading_dot();
}
bool server_session::body_has_eight_bit() const {
  return state_->reader.has_eight_bit();
}
std::string_view server_session::helo_name() const {
  return state_->helo_name;
}
bool server_session::esmtp() const {
  return state_->esmtp;
}
bool server_session::in_body() const {
  return state_->now == phase::body || state_->now == phase::swallow;
}
bool server_session::in_transaction() const {
  return state_->transaction_open;
}

stage server_session::at() const {
  const auto& s = *state_;
  switch (s.now) {
    case phase::handshake:
      return stage::tls;
    case phase::ask_auth:
    case phase::auth_response:
      return stage::auth;
    case phase::ask_mail:
      return stage::mail;
    case phase::ask_rcpt:
      return stage::rcpt;
    case phase::ask_data:
    case phase::body:
    case phase::swallow:
      return stage::data;
    case phase::ask_message:
      return stage::end_of_data;
    case phase::command:
      break;
  }
  if (s.body_begun) return stage::data;
  if (!s.envelope.recipients.empty()) return stage::rcpt;
  if (s.transaction_open) return stage::mail;
  if (!s.helo_name.empty()) return stage::ehlo;
  return s.greeted ? stage::greeting : stage::none;
}

}  // namespace gonets::smtp
