// What a server_session is made of. server_session.cc moves it between phases and answers the owner, server_commands.cc
// executes the command lines, server_body.cc reads messages.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "smtp/body_reader.h"
#include "smtp/command.h"
#include "smtp/line_reader.h"
#include "smtp/reply_line.h"
#include "smtp/server_session.h"

namespace gonets::smtp {

// What the next bytes are, or whose turn it is.
//   command -> ask_mail, ask_rcpt, ask_data, body (a further BDAT), swallow, handshake, ask_auth
//   ask_auth -> auth_response, command;  auth_response -> ask_auth, command
//   ask_mail, ask_rcpt -> command;  ask_data -> body, swallow (a refused BDAT) or command (a refused DATA)
//   body -> command (a chunk or a refused body ended) or ask_message -> command
//   swallow -> command;  handshake -> command
// `closing` is apart from these, as it may come at any time, and nothing is consumed after it.
enum class phase : std::uint8_t {
  command,
  ask_mail,
  ask_rcpt,
  ask_data,
  body,
  swallow,
  ask_message,
  handshake,
  ask_auth,
  auth_response
};

struct server_session::state {
  explicit state(const server_options& o) : options(o), lines(o.limits.command_line_bytes_max) {}

  // server_session.cc
  void say(const canned_reply& r) { say(r.code, r.status, r.text); }
  void say(std::uint16_t code, enhanced_status status, std::string_view text);
  void close_with(const canned_reply& r);
  void end_transaction();
  void forget_client();

  // server_commands.cc
  void execute(line_verdict verdict);
  void execute(const command& c);
  void hello(std::string_view name, bool extended);
  void mail(std::string_view argument);
  void rcpt(std::string_view argument);
  void data(std::string_view argument);
  void bdat(std::string_view argument);
  void starttls(std::string_view argument);
  void auth(std::string_view argument);
  void auth_line(line_verdict verdict);
  void set_line_limit();
  void without_argument(const command& c);

  // server_body.cc
  void start_body();
  void refuse_chunk(std::optional<canned_reply> r);  // reads over the octets of the current BDAT, then says it
  std::optional<need> read_body(std::string_view& in);
  std::optional<need> end_chunk();
  std::optional<need> end_body();
  void swallow(std::string_view& in);
  void say_fault();

  const server_options& options;
  std::string output;
  line_reader lines;
  phase now = phase::command;
  bool greeted = false;
  bool heard = false;  // the client has said something
  bool closing = false;
  bool shutting_down = false;  // close as soon as the body that is being read has been answered
  bool abandoned = false;      // need::abandon is owed
  bool tls = false;
  std::size_t errors = 0;
  std::size_t messages = 0;

  auth_offer offer;
  std::string future_release;  // values of the keyword; empty: not offered
  std::string auth_mechanism;
  std::optional<std::string> auth_response;  // decoded; nothing: none came with the command
  bool auth_begins = false;
  bool authenticated = false;

  std::string helo_name;
  bool esmtp = false;

  // The transaction.
  bool transaction_open = false;
  message::envelope envelope;
  message::recipient pending_recipient;
  std::uint64_t declared_bytes = 0;
  mail_schedule schedule;

  // Its body. `chunk` is of the BDAT whose octets are being read, or asked about.
  bool chunked = false;     // the body comes, or came so far, by BDAT
  bool body_begun = false;  // a BDAT was accepted, and the transaction waits for more of them
  bool handed_out = false;  // take_body was called for a part, so that dropping the body needs need::abandon
  bdat_arguments chunk;
  std::uint64_t chunk_left = 0;
  std::optional<canned_reply> after_swallow;
  body_reader reader;
  std::string body;
};

}  // namespace gonets::smtp
