// One transaction of a client session: which of its commands is next, what each reply means to whom, and the outcomes.
// It belongs to one client_session, which owns the connection's side: replies come in the order of the commands, so the
// session gives each reply to its oldest transaction that is not done.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smtp/client_session.h"
#include "smtp/detail/peer_capabilities.h"
#include "smtp/transcript.h"

namespace gonets::smtp::detail {

// held -> reset, commands, done; reset -> commands; commands -> body, empty_end, done; body -> end_of_data;
// end_of_data, empty_end -> done. And any -> done, when the session ends.
enum class step : std::uint8_t {
  held,         // waits for EHLO's reply, or for the transaction before it
  reset,        // RSET was sent before it (and, to a peer that pipelines, the first commands after it)
  commands,     // MAIL, RCPT, DATA
  body,         // 354: the owner writes the body
  end_of_data,  // waits for its reply, or for each recipient's (LMTP)
  empty_end,    // 354 although every recipient was refused: a lone dot was sent, its reply means nothing (RFC 2920 3.1)
  done
};

class client_transaction {
 public:
  enum class verdict : std::uint8_t { understood, broke_protocol };

  client_transaction(transaction t, protocol speak, bool first_on_connection);

  // Starts with MAIL, or with RSET before it; appends the first commands to `out`. If the message has a need that the
  // peer does not meet, nothing is appended and it is done.
  void start(const peer_capabilities& offered, bool reset_first, std::string& out);

  // A reply to the oldest command not answered yet; not 421, which ends sessions. May append the next commands to
  // `out`.
  verdict on_reply(reply& r, const peer_capabilities& offered, std::string& out);

  // The dot, with the line end that the body lacks.
  std::string_view end_of_data() const { return t_.body_ends_in_crlf ? ".\r\n" : "\r\n.\r\n"; }
  void body_sent();

  // The session ends in this transaction's turn: `cause` becomes the outcome of every recipient that has none.
  void interrupt(const recipient_outcome& cause);
  // The same, before its turn: `answer` says why.
  void drop(const recipient_outcome& cause);

  step at_step() const { return step_; }
  bool done() const { return step_ == step::done; }
  stage waiting_for() const;
  // It is the connection that failed and not the transaction: no reply to it has come, and the connection had been used
  // before. A peer that closes idle connections causes this every day.
  bool untouched() const { return !first_on_connection_ && answered_ == 0; }
  // MAIL was accepted, and no end of data closed the transaction on the peer's side: RSET must precede the next MAIL.
  bool leaves_peer_in_transaction() const { return peer_in_transaction_; }
  std::vector<recipient_outcome> take_outcomes() { return std::move(outcomes_); }
  transcript take_transcript() { return std::move(said_); }
  // A reply that ends the session in this transaction's turn, and so is not given to it.
  void overheard(const reply& r) { said_.server(r); }

 private:
  std::size_t data_command() const {
    return t_.recipients.size() + 1;
  }  // 0: MAIL; then one RCPT a recipient; then DATA
  bool undecided(std::size_t i) const { return outcomes_[i].at == stage::none; }
  void decide(std::size_t i, disposition what, stage at, reply r);
  void decide_rest(disposition what, stage at, reply& r);
  bool refuse_locally(const peer_capabilities& offered);
  void pump(const peer_capabilities& offered, std::string& out);
  verdict on_command_reply(reply& r, std::string& out);
  verdict on_rcpt_reply(std::size_t i, reply& r);
  verdict on_data_reply(reply& r, std::string& out);
  verdict on_end_of_data_reply(reply& r);
  void go_on(const peer_capabilities& offered, std::string& out);
  transcript::recipient_ptr about(std::size_t command) const;
  void note_reply(const reply& r);

  transaction t_;
  transcript said_;
  std::vector<recipient_outcome> outcomes_;  // stage::none: the recipient is undecided; after RCPT that means accepted
  std::size_t sent_ = 0;                     // commands
  std::size_t answered_ = 0;                 // commands
  std::size_t accepted_ = 0;                 // recipients
  std::size_t next_lmtp_ = 0;                // the recipient from which the next LMTP reply's one is looked for
  protocol speak_;
  step step_ = step::held;
  bool first_on_connection_;
  bool mail_accepted_ = false;
  bool peer_in_transaction_ = false;
};

}  // namespace gonets::smtp::detail
