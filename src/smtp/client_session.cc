#include "smtp/client_session.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/base64.h"
#include "sasl/client.h"
#include "smtp/detail/client_transaction.h"
#include "smtp/detail/peer_capabilities.h"
#include "smtp/reply_parser.h"

namespace gonets::smtp {
namespace {

using detail::client_transaction;
using detail::peer_capabilities;
using detail::step;

constexpr std::size_t reply_text_bytes_max = 1024;
// All keywords count, not only those of the first kilobyte.
constexpr std::size_t ehlo_text_bytes_max = 16'384;
constexpr std::size_t auth_text_bytes_max = 4096;  // of a challenge
constexpr std::size_t our_text_bytes_max = 512;
constexpr std::size_t name_bytes_max = 255;

// unconnected -> greeting -> ehlo -> ready, helo, starttls, auth; helo -> ready; starttls -> handshake, ready;
// handshake -> ehlo; auth -> ready; ready -> quitting; any -> closed. With a login, ready comes from auth alone.
enum class phase : std::uint8_t {
  unconnected,
  greeting,
  ehlo,
  helo,
  starttls,
  handshake,
  auth,
  ready,
  quitting,
  closed
};

std::string safe_text(std::string_view text) {
  std::string safe;
  append_sanitized(safe, text, our_text_bytes_max);
  return safe;
}

recipient_outcome deferred_by_us(std::uint16_t subject, std::uint16_t detail, std::string_view text) {
  return {disposition::deferred, stage::none, reply{451, {4, subject, detail}, safe_text(text)}, false};
}

void replace_all(std::string& text, std::string_view what) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos;)
    text.replace(at, what.size(), "***");
}

// A server may repeat what it was told.
std::string without_secrets(std::string text, const client_login& login) {
  using namespace std::string_literals;
  const auto oauth = "\1auth=Bearer " + login.password + "\1\1";
  for (const auto& secret :
       {encode_base64("\0"s + login.name + "\0"s + login.password), encode_base64("user=" + login.name + oauth),
        encode_base64("n,a=" + login.name + "," + oauth), encode_base64(login.password), login.password}) {
    replace_all(text, secret);
  }
  return text;
}

}  // namespace

struct client_session::state {
  explicit state(client_options o)
      : options(std::move(o)), parser({options.reply_line_bytes_max, options.reply_lines_max, reply_text_bytes_max}) {
    transactions.reserve(2);
  }

  client_transaction* current();
  void take_reply(reply& r);
  void note_reply(const reply& r);
  void take_greeting(reply& r);
  void take_hello_reply(reply& r);
  void take_starttls_reply(reply& r);
  void take_transaction_reply(client_transaction& t, reply& r);
  void secure_or_ready();
  void log_in_or_ready();
  void take_auth_reply(reply& r);
  void respond(const reply& challenge);
  void fail_login(std::uint16_t detail, std::string_view why);
  void refuse_clear_text(recipient_outcome cause);
  void say(std::string_view command);
  void say_hello(std::string_view verb, phase waits);
  std::string_view hello_verb() const { return options.speak == protocol::lmtp ? "LHLO " : "EHLO "; }
  void become_ready();
  void start_held();
  void refuse_session(reply& r);
  void end(recipient_outcome cause, bool spare_current = false);
  void break_off(std::string_view what, stage where);
  stage waiting_for();

  client_options options;
  reply_parser parser;
  peer_capabilities offered;
  std::unique_ptr<sasl::client> auth;            // at phase::auth
  std::vector<client_transaction> transactions;  // not collected yet, oldest first
  transcript opening;                            // greeting, EHLO, STARTTLS and AUTH
  std::string output;
  std::string chained;  // the commands that follow the end of the data that is being written
  std::string peer_name;
  recipient_outcome because;
  reply starttls_refusal;
  std::size_t begun = 0;
  phase at = phase::unconnected;
  bool reset_due = false;
  bool secured = false;    // by STARTTLS
  bool was_ready = false;  // if not, the end of the session is the outcome of whatever is begun, before it or after
};

client_transaction* client_session::state::current() {
  const auto found =
      std::find_if(transactions.begin(), transactions.end(), [](const client_transaction& t) { return !t.done(); });
  return found == transactions.end() ? nullptr : &*found;
}

void client_session::state::take_reply(reply& r) {
  note_reply(r);
  switch (at) {
    case phase::greeting:
      return take_greeting(r);
    case phase::ehlo:
    case phase::helo:
      return take_hello_reply(r);
    case phase::starttls:
      return take_starttls_reply(r);
    case phase::auth:
      return take_auth_reply(r);
    case phase::quitting:
      return end({disposition::not_attempted, stage::none, std::move(r), true});
    case phase::ready:
      if (r.code == 421) return end({disposition::deferred, waiting_for(), std::move(r), true});
      if (client_transaction* t = current()) return take_transaction_reply(*t, r);
      return break_off(fmt::format("unexpected reply {}", to_text(r)), stage::none);
    case phase::unconnected:
    case phase::handshake:
    case phase::closed:
      break;
  }
}

// What transactions are told, they note themselves.
void client_session::state::note_reply(const reply& r) {
  if (at == phase::auth) {
    // A challenge is of use to nobody, and a refusal may repeat what was said.
    reply shown{r.code, r.status, r.code == 334 ? "(a challenge)" : without_secrets(r.text, *options.login)};
    opening.server(shown);
  } else if (at != phase::ready && at != phase::quitting) {
    opening.server(r);
  } else if (client_transaction* t = current(); t != nullptr && r.code == 421) {
    t->overheard(r);
  }
}

void client_session::state::say(std::string_view command) {
  output += command;
  output += "\r\n";
  opening.client(command);
}

void client_session::state::take_greeting(reply& r) {
  if (r.code == 220) {
    append_sanitized(peer_name, std::string_view(r.text).substr(0, r.text.find_first_of(" \n")), name_bytes_max);
    return say_hello(hello_verb(), phase::ehlo);
  }
  if (r.transient() || r.permanent()) return refuse_session(r);
  break_off(fmt::format("unexpected greeting {}", to_text(r)), stage::greeting);
}

void client_session::state::take_hello_reply(reply& r) {
  if (r.positive()) {
    if (at == phase::ehlo) offered = detail::parse_capabilities(r.text);
    return secure_or_ready();
  }
  // RFC 5321 3.2: a server that does not know EHLO says 500 or 502; in the wild it is any 5xx.
  if (r.permanent() && at == phase::ehlo && options.speak == protocol::smtp) return say_hello("HELO ", phase::helo);
  if (r.transient() || r.permanent()) return refuse_session(r);
  break_off(fmt::format("unexpected reply {}", to_text(r)), stage::ehlo);
}

void client_session::state::say_hello(std::string_view verb, phase waits) {
  say(fmt::format("{}{}", verb, options.helo_name));
  at = waits;
  parser.keep_text(ehlo_text_bytes_max);
}

// After EHLO or HELO.
void client_session::state::secure_or_ready() {
  if (options.tls == starttls::never || secured) return log_in_or_ready();
  if (offered.starttls) {
    parser.keep_text(reply_text_bytes_max);
    say("STARTTLS");
    at = phase::starttls;
  } else if (options.tls == starttls::required) {
    refuse_clear_text(deferred_by_us(7, 10, "TLS is needed, and the receiving server does not offer it"));
  } else {
    log_in_or_ready();
  }
}

void client_session::state::take_starttls_reply(reply& r) {
  if (!output.empty()) {
    // Our commands have not left yet: what answers them was said by somebody who is not listening.
    break_off("a reply before its command", stage::tls);
  } else if (r.code == 220) {
    at = phase::handshake;
  } else if (r.code == 421) {
    end({disposition::deferred, stage::tls, std::move(r), true});
  } else if (!r.transient() && !r.permanent()) {
    break_off(fmt::format("unexpected reply {}", to_text(r)), stage::tls);
  } else if (options.tls == starttls::required) {
    // It may have TLS tomorrow, whatever it says today.
    refuse_clear_text(r.transient() ? recipient_outcome{disposition::deferred, stage::tls, std::move(r), true}
                                    : deferred_by_us(7, 10, "TLS is needed, and was refused: " + to_text(r)));
  } else {
    starttls_refusal = std::move(r);
    log_in_or_ready();
  }
}

void client_session::state::refuse_clear_text(recipient_outcome cause) {
  cause.at = stage::tls;
  end(std::move(cause));
  output = "QUIT\r\n";
}

void client_session::state::log_in_or_ready() {
  if (!options.login) return become_ready();
  const client_login& as = *options.login;
  parser.keep_text(auth_text_bytes_max);
  at = phase::auth;
  if (!secured && !as.is_private) return fail_login(10, "there is no TLS, without which no password is sent");
  const auto how =
      as.by_token ? sasl::choose_for_token(offered.auth) : sasl::choose(offered.auth, as.name, as.password);
  if (!how) {
    return fail_login(0, as.by_token ? "the server offers none of XOAUTH2 and OAUTHBEARER, which take a token"
                                     : "the server offers none of SCRAM-SHA-256, PLAIN and LOGIN");
  }
  auth = sasl::make_client(*how, as.name, as.password, as.nonce);
  output += fmt::format("AUTH {}", sasl::to_text(*how));
  if (const auto initial = auth->initial()) output += " " + encode_base64(*initial);
  output += "\r\n";
  opening.client(fmt::format("AUTH {} ***", sasl::to_text(*how)));
}

void client_session::state::take_auth_reply(reply& r) {
  if (!output.empty()) {
    break_off("a reply before its command", stage::auth);
  } else if (r.code == 334) {
    respond(r);
  } else if (r.code == 235) {
    if (!auth->may_succeed()) return fail_login(8, "the server took it without the proofs that belong to it");
    auth.reset();
    become_ready();
  } else if (r.transient() || r.permanent()) {
    // A password that is wrong today is no reason to give up anybody's mail.
    r.text = without_secrets(std::move(r.text), *options.login);
    const bool closing = r.code == 421;
    const auto told = auth->refusal().empty() ? "" : fmt::format(" ({})", auth->refusal());
    fail_login(8, "refused: " + to_text(r) + told);
    if (closing) output.clear();
  } else {
    break_off(fmt::format("unexpected reply {}", r.code), stage::auth);
  }
}

void client_session::state::respond(const reply& challenge) {
  const auto octets = decode_base64(challenge.text);
  const auto response = octets ? auth->respond(*octets) : std::nullopt;
  if (response) {
    output += encode_base64(*response) + "\r\n";
    opening.client("***");
    return;
  }
  fail_login(8, octets ? auth->error() : "the server's challenge is not in base 64");
  output = "*\r\n" + output;  // RFC 4954 4: cancels
}

// RFC 4954 6: 4.7.0 and 4.7.8 are of the login.
void client_session::state::fail_login(std::uint16_t detail, std::string_view why) {
  recipient_outcome cause = deferred_by_us(7, detail, fmt::format("cannot log in as {}: {}", options.login->name, why));
  cause.at = stage::auth;
  auth.reset();
  end(std::move(cause));
  output = "QUIT\r\n";
}

void client_session::state::become_ready() {
  parser.keep_text(reply_text_bytes_max);
  at = phase::ready;
  was_ready = true;
  start_held();
}

void client_session::state::take_transaction_reply(client_transaction& t, reply& r) {
  const stage where = t.waiting_for();
  const bool in_reset = t.at_step() == step::reset;
  const bool in_body = t.at_step() == step::body;
  if (in_body && !r.positive() && r.code >= 400) {
    t.overheard(r);
    // Refused before its end: what is left of the body need not be sent, and can't be left out but by closing.
    const auto what = r.permanent() ? disposition::failed : disposition::deferred;
    return end({what, where, std::move(r), true});
  }
  if (t.on_reply(r, offered, output) == client_transaction::verdict::broke_protocol) {
    if (in_reset) t.drop({disposition::not_attempted, stage::none, r, true});
    return break_off(fmt::format("unexpected reply {}", to_text(r)), where);
  }
  if (!t.done()) return;
  reset_due = t.leaves_peer_in_transaction();
  start_held();
}

// The transactions that were begun too early to be sent at once wait for their turn; the first of them has it now.
void client_session::state::start_held() {
  for (client_transaction* t = current(); t != nullptr && t->at_step() == step::held; t = current()) {
    t->start(offered, reset_due, output);
  }
}

void client_session::state::refuse_session(reply& r) {
  cut_text(r.text, reply_text_bytes_max);
  const auto what = r.permanent() ? disposition::failed : disposition::deferred;
  const stage where = waiting_for();
  const bool closing = r.code == 421;
  end({what, where, std::move(r), true});
  if (!closing) output = "QUIT\r\n";
}

// Every transaction gets what it is due, so that next() ends in close. `spare_current`: the one whose turn it is can't
// have caused the end.
void client_session::state::end(recipient_outcome cause, bool spare_current) {
  if (at == phase::closed) return;
  because = std::move(cause);
  at = phase::closed;
  output.clear();
  bool in_turn = !spare_current;
  for (client_transaction& t : transactions) {
    if (t.done()) continue;
    if (in_turn || !was_ready) {
      t.interrupt(because);
    } else {
      t.drop(because);
    }
    in_turn = false;
  }
}

void client_session::state::break_off(std::string_view what, stage where) {
  recipient_outcome cause = deferred_by_us(5, 0, fmt::format("the receiving server broke the protocol: {}", what));
  cause.at = where;
  end(std::move(cause));
}

stage client_session::state::waiting_for() {
  switch (at) {
    case phase::greeting:
      return stage::greeting;
    case phase::ehlo:
    case phase::helo:
      return stage::ehlo;
    case phase::starttls:
    case phase::handshake:
      return stage::tls;
    case phase::auth:
      return stage::auth;
    case phase::ready:
      if (const client_transaction* t = current()) return t->waiting_for();
      break;
    case phase::unconnected:
      return stage::connect;
    case phase::quitting:
    case phase::closed:
      break;
  }
  return stage::none;
}

client_session::client_session(client_options options) : state_(std::make_unique<state>(std::move(options))) {}
client_session::~client_session() = default;
client_session::client_session(client_session&&) noexcept = default;

void client_session::connected() {
  state_->at = phase::greeting;
}

wants client_session::next() {
  state& s = *state_;
  if (s.at == phase::handshake) return wants::tls;
  if (!s.transactions.empty()) {
    const client_transaction& oldest = s.transactions.front();
    if (oldest.done()) return wants::collect;
    return oldest.at_step() == step::body ? wants::body : wants::bytes;
  }
  if (s.at == phase::closed) return wants::close;
  if (s.at != phase::ready) return wants::bytes;
  if (s.begun < s.options.messages_max) return wants::work;
  s.end({disposition::not_attempted, stage::none, reply{421, {4, 7, 0}, "enough messages on this connection"}, false});
  s.output = "QUIT\r\n";
  return wants::close;
}

void client_session::feed(std::string_view bytes) {
  state& s = *state_;
  // Behind the 220 to STARTTLS nothing can be trusted: it came in the clear, and is dropped (RFC 3207 5).
  while (!bytes.empty() && s.at != phase::closed && s.at != phase::handshake) {
    switch (s.parser.parse(bytes)) {
      case reply_parser::progress::more:
        return;
      case reply_parser::progress::complete:
        s.take_reply(s.parser.current());
        break;
      case reply_parser::progress::broken:
        return s.break_off(s.parser.error(), s.waiting_for());
    }
  }
}

void client_session::tls_started() {
  state& s = *state_;
  if (s.at != phase::handshake) return;
  s.secured = true;
  s.opening.aside("TLS");
  s.offered = {};
  s.say_hello(s.hello_verb(), phase::ehlo);
}

void client_session::tls_failed(std::string_view why) {
  state& s = *state_;
  if (s.at != phase::handshake) return;
  recipient_outcome cause = deferred_by_us(7, 5, why);
  cause.at = stage::tls;
  s.end(std::move(cause));
}

void client_session::lost(std::string_view why) {
  state& s = *state_;
  recipient_outcome cause = deferred_by_us(4, 2, why);
  cause.at = s.waiting_for();
  if (s.at == phase::quitting) cause.what = disposition::not_attempted;  // nobody is hurt: the session was over
  const client_transaction* const t = s.current();
  s.end(std::move(cause), t != nullptr && t->untouched());
}

void client_session::begin(transaction t) {
  state& s = *state_;
  s.transactions.emplace_back(std::move(t), s.options.speak, s.begun++ == 0);
  client_transaction& added = s.transactions.back();
  if (added.done()) return;
  if (s.at == phase::closed || s.at == phase::quitting) {
    if (s.was_ready) {
      added.drop(s.because);
    } else {
      added.interrupt(s.because);
    }
    return;
  }
  if (s.at != phase::ready) return;
  client_transaction* const turn = s.current();
  if (turn == &added) {
    s.start_held();
  } else if (s.offered.pipelining && turn->at_step() == step::body && turn + 1 == &added) {
    added.start(s.offered, false, s.chained);
  }
}

void client_session::quit() {
  state& s = *state_;
  if (s.at != phase::ready || s.current() != nullptr) return;
  s.output += "QUIT\r\n";
  s.at = phase::quitting;
}

bool client_session::can_chain() const {
  const state& s = *state_;
  return s.offered.pipelining && s.transactions.size() == 1 && s.transactions.front().at_step() == step::body &&
         s.begun < s.options.messages_max;
}

void client_session::body_sent() {
  client_transaction* const t = state_->current();
  if (t == nullptr || t->at_step() != step::body) return;
  t->body_sent();
  state_->output += state_->chained;  // of a begin() that came after after_body()
  state_->chained.clear();
}

void client_session::body_failed(std::string_view why) {
  state& s = *state_;
  client_transaction* const t = s.current();
  if (t == nullptr || t->at_step() != step::body) return;
  recipient_outcome cause = deferred_by_us(3, 0, why);
  cause.at = stage::data;
  s.end(std::move(cause));
}

transcript client_session::take_transcript() {
  state& s = *state_;
  auto said = std::exchange(s.opening, {});
  if (!s.transactions.empty()) said.append(s.transactions.front().take_transcript());
  return said;
}

std::vector<recipient_outcome> client_session::collect() {
  auto& open = state_->transactions;
  if (open.empty() || !open.front().done()) return {};
  std::vector<recipient_outcome> outcomes = open.front().take_outcomes();
  open.erase(open.begin());
  return outcomes;
}

std::string client_session::take_output() {
  return std::exchange(state_->output, {});
}

void client_session::drain_output(std::string& to) {
  to += state_->output;
  state_->output.clear();
}

std::string client_session::after_body() {
  std::string bytes;
  drain_after_body(bytes);
  return bytes;
}

void client_session::drain_after_body(std::string& to) {
  state& s = *state_;
  const client_transaction* const t = s.current();
  if (t == nullptr || t->at_step() != step::body) return;
  to += t->end_of_data();
  to += s.chained;
  s.chained.clear();
}

stage client_session::waiting_for() const {
  return state_->waiting_for();
}

bool client_session::ready() const {
  return state_->at == phase::ready;
}

bool client_session::peer_pipelines() const {
  return state_->offered.pipelining;
}

bool client_session::peer_offers_dsn() const {
  return state_->offered.dsn;
}

bool client_session::peer_offers_deliverby() const {
  return state_->offered.deliver_by;
}

bool client_session::peer_offers_starttls() const {
  return state_->offered.starttls;
}

bool client_session::peer_offers_requiretls() const {
  return state_->offered.requiretls;
}

const reply& client_session::starttls_refusal() const {
  return state_->starttls_refusal;
}

std::string_view client_session::peer_name() const {
  return state_->peer_name;
}

std::uint64_t client_session::peer_size_limit() const {
  return state_->offered.size_limit;
}

const recipient_outcome& client_session::closed_because() const {
  return state_->because;
}

}  // namespace gonets::smtp
