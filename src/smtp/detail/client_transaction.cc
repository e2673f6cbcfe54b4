#include "smtp/detail/client_transaction.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "smtp/detail/client_commands.h"

namespace gonets::smtp::detail {
namespace {

// Commands go out in groups of about this size, each after the replies to the one before, so that we and a peer that
// does not read while it writes can't block each other in full socket buffers (RFC 2920 3.1).
constexpr std::size_t pipelined_bytes_max = 16'384;

disposition refusal(const reply& r) {
  return r.permanent() ? disposition::failed : disposition::deferred;
}

bool is_refusal(const reply& r) {
  return r.transient() || r.permanent();
}

bool says_too_many_recipients(std::string_view text) {
  static constexpr std::string_view words = "too many recipients";
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  return std::search(text.begin(), text.end(), words.begin(), words.end(), same) != text.end();
}

// RFC 5321 4.5.3.1.10: 452, and 552 of servers that follow RFC 821. Both codes also have other meanings.
bool is_recipient_limit(const reply& r) {
  if (r.code != 452 && r.code != 552) return false;
  if (r.status.present() && r.status.subject == 5 && r.status.detail == 3) return true;
  return says_too_many_recipients(r.text);
}

bool too_late(const deliver_by& by, const peer_capabilities& offered) {
  const auto left = std::max<std::int64_t>(by.left.count(), 0);
  return static_cast<std::uint64_t>(left) < offered.deliver_by_least;
}

}  // namespace

client_transaction::client_transaction(transaction t, protocol speak, bool first_on_connection)
    : t_(std::move(t)), outcomes_(t_.recipients.size()), speak_(speak), first_on_connection_(first_on_connection) {
  if (t_.recipients.empty()) step_ = step::done;
}

void client_transaction::start(const peer_capabilities& offered, bool reset_first, std::string& out) {
  if (done() || refuse_locally(offered)) return;
  step_ = step::commands;
  if (reset_first) {
    out += "RSET\r\n";
    said_.client("RSET");
    step_ = step::reset;
    if (!offered.pipelining) return;
  }
  pump(offered, out);
}

bool client_transaction::refuse_locally(const peer_capabilities& offered) {
  reply r;
  if (!is_safe(t_)) {
    r = {553, {5, 1, 3}, "an address of the envelope has control characters"};
  } else if (t_.require_tls && !offered.requiretls) {
    r = {550, {5, 7, 30}, "the message needs REQUIRETLS, which the receiving server does not offer"};
  } else if (t_.smtputf8 && !offered.smtputf8) {
    r = {550, {5, 6, 7}, "the message needs SMTPUTF8, which the receiving server does not offer"};
  } else if (t_.eight_bit && !offered.eight_bit_mime) {
    r = {554, {5, 6, 3}, "the message has 8-bit content, and the receiving server does not offer 8BITMIME"};
  } else if (t_.by && t_.by->or_return && offered.deliver_by && too_late(*t_.by, offered)) {
    r = {550,
         {5, 4, 7},
         fmt::format("the message is to be delivered within {} s, and the receiving server wants {} s",
                     t_.by->left.count(), offered.deliver_by_least)};
  } else if (offered.size_limit != 0 && declared_bytes(t_) > offered.size_limit) {
    r = {552, {5, 3, 4}, "the message is larger than the receiving server accepts"};
  } else {
    return false;
  }
  interrupt({disposition::failed, stage::mail, std::move(r), false});
  return true;
}

// Sends the next group: all commands that fit in it, or one, if the peer does not pipeline.
void client_transaction::pump(const peer_capabilities& offered, std::string& out) {
  const std::size_t group_end = out.size() + (offered.pipelining ? pipelined_bytes_max : 1);
  while (sent_ <= data_command() && out.size() < group_end) {
    const auto begin = out.size();
    if (sent_ == 0) {
      append_mail(out, t_, offered);
    } else if (sent_ < data_command()) {
      append_rcpt(out, *t_.recipients[sent_ - 1], offered);
    } else {
      out += "DATA\r\n";
    }
    said_.client(std::string_view(out).substr(begin), about(sent_));
    ++sent_;
  }
}

void client_transaction::body_sent() {
  said_.aside(fmt::format("the message, {} bytes", t_.size_bytes));
  said_.client(".");
  step_ = step::end_of_data;
}

// Of the lines of a transaction for one, all are about him.
transcript::recipient_ptr client_transaction::about(std::size_t command) const {
  const bool is_rcpt = command != 0 && command < data_command();
  return is_rcpt && t_.recipients.size() > 1 ? t_.recipients[command - 1] : nullptr;
}

void client_transaction::note_reply(const reply& r) {
  if (step_ == step::commands) return said_.server(r, about(answered_));
  const bool of_one = step_ == step::end_of_data && speak_ == protocol::lmtp && t_.recipients.size() > 1;
  said_.server(r, of_one ? t_.recipients[next_lmtp_] : nullptr);
}

client_transaction::verdict client_transaction::on_reply(reply& r, const peer_capabilities& offered, std::string& out) {
  if (step_ == step::end_of_data && speak_ == protocol::lmtp) {
    while (!undecided(next_lmtp_))
      ++next_lmtp_;
  }
  note_reply(r);
  switch (step_) {
    case step::reset:
      if (!r.positive()) return verdict::broke_protocol;
      step_ = step::commands;
      if (sent_ == 0) pump(offered, out);
      return verdict::understood;
    case step::commands: {
      const verdict result = on_command_reply(r, out);
      if (result == verdict::understood) go_on(offered, out);
      return result;
    }
    case step::end_of_data:
      return on_end_of_data_reply(r);
    case step::empty_end:
      step_ = step::done;
      return verdict::understood;
    case step::held:
    case step::body:
    case step::done:
      break;
  }
  return verdict::broke_protocol;
}

client_transaction::verdict client_transaction::on_command_reply(reply& r, std::string& out) {
  const std::size_t command = answered_++;
  if (command == data_command()) return on_data_reply(r, out);
  if (command != 0) return on_rcpt_reply(command - 1, r);
  if (!r.positive() && !is_refusal(r)) return verdict::broke_protocol;
  mail_accepted_ = peer_in_transaction_ = r.positive();
  if (!mail_accepted_) decide_rest(refusal(r), stage::mail, r);
  return verdict::understood;
}

client_transaction::verdict client_transaction::on_rcpt_reply(std::size_t i, reply& r) {
  if (!r.positive() && !is_refusal(r)) return verdict::broke_protocol;
  if (!mail_accepted_) return verdict::understood;
  if (r.positive()) {
    ++accepted_;
  } else {
    const bool try_at_once = accepted_ != 0 && is_recipient_limit(r);
    decide(i, try_at_once ? disposition::not_attempted : refusal(r), stage::rcpt, std::move(r));
  }
  return verdict::understood;
}

client_transaction::verdict client_transaction::on_data_reply(reply& r, std::string& out) {
  if (r.code == 354) {
    if (accepted_ != 0) {
      step_ = step::body;
      return verdict::understood;
    }
    // LMTP's end of data gets a reply for each accepted recipient: with none, nobody knows what would come.
    if (speak_ == protocol::lmtp) return verdict::broke_protocol;
    out += ".\r\n";
    said_.client(".");
    step_ = step::empty_end;
    peer_in_transaction_ = false;
    return verdict::understood;
  }
  if (!is_refusal(r)) return verdict::broke_protocol;
  decide_rest(refusal(r), stage::data, r);
  step_ = step::done;
  return verdict::understood;
}

client_transaction::verdict client_transaction::on_end_of_data_reply(reply& r) {
  if (!r.positive() && !is_refusal(r)) return verdict::broke_protocol;
  peer_in_transaction_ = false;
  const disposition what = r.positive() ? disposition::delivered : refusal(r);
  if (speak_ == protocol::smtp) {
    decide_rest(what, stage::end_of_data, r);
    step_ = step::done;
    return verdict::understood;
  }
  decide(next_lmtp_, what, stage::end_of_data, std::move(r));
  if (--accepted_ == 0) step_ = step::done;
  return verdict::understood;
}

// After a reply: if all that was sent is answered, there is either something more to send, or no reason to go on.
void client_transaction::go_on(const peer_capabilities& offered, std::string& out) {
  if (step_ != step::commands || answered_ != sent_) return;
  if (!mail_accepted_ || (sent_ == data_command() && accepted_ == 0)) {
    step_ = step::done;
  } else {
    pump(offered, out);
  }
}

void client_transaction::decide(std::size_t i, disposition what, stage at, reply r) {
  recipient_outcome& outcome = outcomes_[i];
  outcome.what = what;
  outcome.at = at;
  outcome.answer = std::move(r);
  outcome.from_peer = true;
}

// The text is copied for all but the last: the one recipient of most messages costs no allocation.
void client_transaction::decide_rest(disposition what, stage at, reply& r) {
  std::size_t last = outcomes_.size();
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    if (!undecided(i)) continue;
    if (last != outcomes_.size()) decide(last, what, at, r);
    last = i;
  }
  if (last != outcomes_.size()) decide(last, what, at, std::move(r));
}

void client_transaction::interrupt(const recipient_outcome& cause) {
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    if (undecided(i)) outcomes_[i] = cause;
  }
  step_ = step::done;
}

void client_transaction::drop(const recipient_outcome& cause) {
  interrupt({disposition::not_attempted, stage::none, cause.answer, cause.from_peer});
}

stage client_transaction::waiting_for() const {
  switch (step_) {
    case step::reset:
      return stage::mail;
    case step::commands:
      if (answered_ == 0) return stage::mail;
      return answered_ == data_command() ? stage::data : stage::rcpt;
    case step::body:
      return stage::data;
    case step::end_of_data:
    case step::empty_end:
      return stage::end_of_data;
    case step::held:
    case step::done:
      break;
  }
  return stage::none;
}

}  // namespace gonets::smtp::detail
