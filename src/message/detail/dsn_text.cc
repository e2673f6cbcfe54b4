#include "message/detail/dsn_text.h"

#include <fmt/format.h>

#include <algorithm>

#include "message/detail/printable.h"
#include "message/trace.h"

namespace gonets::message::detail {
namespace {

constexpr std::size_t name_bytes_max = 900;
constexpr std::size_t quoted_bytes_max = 2000;  // of a peer's answer; the rest is in no one's interest
constexpr std::size_t recipient_indent = 2;
constexpr std::size_t text_indent = 4;
constexpr std::size_t quote_indent = 6;

std::string clean(std::string_view text) {
  return printable(text, charset::utf8, name_bytes_max);
}

std::string server_name(const dsn_recipient& r) {
  return r.remote_mta.empty() ? std::string("the recipient's mail server") : clean(r.remote_mta);
}

std::string opening(const dsn_facts& facts, std::size_t recipients) {
  const std::string_view whom = recipients == 1 ? "the recipient below" : "the recipients below";
  switch (facts.kind) {
    case dsn_kind::failed:
      return fmt::format("Your message could not be delivered to {}. It will not be tried again.", whom);
    case dsn_kind::delayed:
      return fmt::format(
          "Your message has not been delivered to {} yet. You need not send it again: delivery goes on being tried, "
          "and "
          "you will be told if it fails.",
          whom);
    case dsn_kind::delivered:
      return fmt::format("As you asked to be told: your message was delivered to {}.", whom);
    case dsn_kind::relayed:
      return fmt::format(
          "As you asked to be told: your message was passed on for {}, to a server that may not report what becomes of "
          "it: you may hear nothing more.",
          whom);
  }
  return {};
}

std::string_view what_our_side_saw(stage at) {
  switch (at) {
    case stage::resolve:
      return "The mail server of this address could not be found:";
    case stage::connect:
      return "No connection to the recipient's mail server could be made:";
    case stage::tls:
      return "No secure connection to the recipient's mail server could be made:";
    case stage::none:
      return "The message could not be sent on:";
    default:
      return "The conversation with the recipient's mail server failed:";
  }
}

std::string what_happened(const dsn_facts& facts, const dsn_recipient& r) {
  if (facts.kind == dsn_kind::delivered) return fmt::format("Accepted by {}, which answered:", server_name(r));
  if (facts.kind == dsn_kind::relayed) return fmt::format("Passed on to {}, which answered:", server_name(r));
  if (facts.kind == dsn_kind::failed && r.answer.transient()) {
    const auto since =
        fmt::format("It was tried repeatedly since {}, and is given up now.", format_date(facts.arrived));
    return r.from_peer ? fmt::format("{} In the end {} answered:", since, server_name(r))
                       : fmt::format("{} In the end this happened:", since);
  }
  if (!r.from_peer) return std::string(what_our_side_saw(r.at));
  const std::string_view did = facts.kind == dsn_kind::delayed ? "asked to try again later" : "refused the message";
  return fmt::format("{} {}. It answered:", server_name(r), did);
}

std::string_view advice_on_mailbox(std::uint16_t detail) {
  switch (detail) {
    case 1:
      return "The mailbox is switched off. Reach the person in another way.";
    case 2:
      return "The mailbox is full. Send the message again later, or reach the person in another way.";
    case 3:
      return "The message is too large for this mailbox. Send it with smaller attachments, or send a link.";
    default:
      return "Something is wrong with the recipient's mailbox. Reach the person in another way.";
  }
}

std::string_view advice_on_address(std::uint16_t detail) {
  switch (detail) {
    case 1:
      return "Check the address for typing errors: the recipient's server knows no such mailbox.";
    case 2:
    case 10:
      return "The part of the address after the @ does not take mail. Check it for typing errors.";
    case 6:
      return "The mailbox has moved. Ask the person for the new address.";
    case 7:
    case 8:
      return "The recipient's server does not accept your own address as sender. Ask your mail administrator.";
    default:
      return "Check the address for typing errors: the recipient's server did not accept it.";
  }
}

// RFC 3463 3. In the order of how well people can act on it.
std::string_view advice_on_failure(const dsn_recipient& r) {
  const auto& status = r.answer.status;
  switch (status.subject) {
    case 1:
      return advice_on_address(status.detail);
    case 2:
      return advice_on_mailbox(status.detail);
    case 3:
      if (status.detail == 4) return advice_on_mailbox(3);
      break;
    case 4:
      return "The recipient's mail server can't be reached. Check the part of the address after the @; if it is right, "
             "send the message again later, or reach the person in another way.";
    case 6:
      return "The recipient's server can't handle this kind of message. Send it as plain text, or ask your mail "
             "administrator.";
    case 7:
      return "The recipient's server has a rule against this message: it may take it for spam, or not trust the server "
             "that sent it. Forward this report to your mail administrator.";
    default:
      break;
  }
  if (r.answer.transient()) return "Send the message again later, or reach the person in another way.";
  return "If the answer above does not tell you what to do, forward this report to your mail administrator.";
}

void append_answer(std::string& to, const reply& answer) {
  const auto whole = answer.code != 0 ? to_text(answer) : answer.text;
  std::string_view rest = std::string_view(whole).substr(0, quoted_bytes_max);
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto line = printable(rest.substr(0, end), charset::utf8, quoted_bytes_max);
    if (line.find_first_not_of(' ') != std::string::npos) append_wrapped(to, quote_indent, line);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  if (whole.size() > quoted_bytes_max) append_wrapped(to, quote_indent, "[...]");
}

void append_recipient(std::string& to, const dsn_facts& facts, const dsn_recipient& r) {
  to += "\r\n";
  append_wrapped(to, recipient_indent, clean(r.final_recipient));
  if (r.answer.code != 0 || !r.answer.text.empty()) {
    append_wrapped(to, text_indent, what_happened(facts, r));
    append_answer(to, r.answer);
  }
  if (facts.kind == dsn_kind::failed) {
    append_wrapped(to, text_indent, fmt::format("What you can do: {}", advice_on_failure(r)));
  } else if (facts.kind == dsn_kind::delayed && r.will_retry_until != wall_time{}) {
    append_wrapped(to, text_indent, fmt::format("It will be tried until {}.", format_date(r.will_retry_until)));
  }
}

}  // namespace

std::string dsn_subject(const dsn_facts& facts, const std::vector<dsn_recipient>& recipients) {
  const auto whom = recipients.size() == 1 ? clean(recipients.front().final_recipient)
                                           : fmt::format("{} recipients", recipients.size());
  switch (facts.kind) {
    case dsn_kind::failed:
      return fmt::format("Delivery failed: {}", whom);
    case dsn_kind::delayed:
      return fmt::format("Delivery delayed: {}", whom);
    case dsn_kind::delivered:
      return fmt::format("Delivered: {}", whom);
    case dsn_kind::relayed:
      return fmt::format("Passed on: {}", whom);
  }
  return {};
}

void append_dsn_text(std::string& to, const dsn_facts& facts, const std::vector<dsn_recipient>& recipients) {
  append_wrapped(to, 0, fmt::format("This is the mail server {}.", clean(facts.reporting_mta)));
  to += "\r\n";
  append_wrapped(to, 0, opening(facts, recipients.size()));
  for (const auto& r : recipients)
    append_recipient(to, facts, r);
  to += "\r\n";
  const std::string_view and_message = facts.original.empty() ? "" : ", and your message or its header";
  append_wrapped(
      to, 0,
      fmt::format("The message was accepted on {} and has the queue id {} here. Attached are these facts for "
                  "programs to read{}.",
                  format_date(facts.arrived), to_text(facts.original_id), and_message));
}

}  // namespace gonets::message::detail
