// Any bytes as a peer's side of a session; the owner does all that it may. Byte 0: bits of `choice`; byte 1: how the
// bytes are cut into reads, and in its highest bit whether there is a login; the rest: what the peer says, after which
// the connection is lost.
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/base64.h"
#include "smtp/client_session.h"

namespace {

using namespace gonets::smtp;

enum choice : std::uint8_t {
  speak_lmtp = 1,
  chain = 2,
  fail_second_body = 4,
  begin_early = 8,
  eight_bit = 16,
  feed_in_body = 32,
  tls_if_offered = 64,
  tls_required = 128
};

starttls wish(std::uint8_t choices) {
  if (choices & tls_required) return starttls::required;
  return choices & tls_if_offered ? starttls::if_offered : starttls::never;
}

void require(bool held) {
  if (!held) std::abort();
}

std::optional<client_login> login_if(bool wanted) {
  if (!wanted) return std::nullopt;
  return client_login{"user", "secret", "nonce", false};
}

class owner {
 public:
  owner(std::uint8_t choices, std::size_t step, bool logs_in, std::string_view bytes)
      : session_({.helo_name = "client.test",
                  .speak = choices & speak_lmtp ? protocol::lmtp : protocol::smtp,
                  .tls = wish(choices),
                  .login = login_if(logs_in),
                  .reply_line_bytes_max = 256,
                  .reply_lines_max = 16,
                  .messages_max = 6}),
        bytes_(bytes),
        step_(step),
        choices_(choices),
        logs_in_(logs_in) {
    recipients_.push_back({"a@x.test", "rfc822;a@y.test", {.never = true}});
    recipients_.push_back({"b@x.test", "", {.success = true}});
    recipients_.push_back({"c@x.test", "", {}});
  }

  void run() {
    session_.connected();
    if (choices_ & begin_early) begin();
    const std::size_t turns_max = 100 + 2 * bytes_.size();
    for (std::size_t turn = 0; turn < turns_max; ++turn) {
      switch (session_.next()) {
        case wants::bytes:
          require_whole_lines(session_.take_output());
          read();
          break;
        case wants::tls:
          shake_hands();
          break;
        case wants::work:
          if (tls_needed() || logs_in_) require(secured_);
          if (begun_ < 5) {
            begin();
          } else {
            session_.quit();
          }
          break;
        case wants::body:
          write_body();
          break;
        case wants::collect:
          collect();
          break;
        case wants::close:
          return finish();
      }
    }
    require(false);
  }

 private:
  struct open_transaction {
    std::size_t recipients;
    bool body_sent = false;
  };

  void begin() {
    transaction t;
    t.reverse_path = "from@source.test";
    t.size_bytes = 100 + begun_;
    t.eight_bit = (choices_ & eight_bit) != 0;
    const std::size_t count = begun_ % 3 + 1;
    for (std::size_t i = 0; i < count; ++i)
      t.recipients.push_back(&recipients_[i]);
    open_.push_back({count});
    ++begun_;
    session_.begin(std::move(t));
  }

  void write_body() {
    if ((choices_ & chain) && session_.can_chain()) begin();
    require_whole_lines(session_.take_output());
    if ((choices_ & feed_in_body) && step_ > 4) read();
    if (session_.next() != wants::body) return;
    if ((choices_ & fail_second_body) && ++bodies_ == 2) return session_.body_failed("the spool can't be read");
    const std::string after = session_.after_body();
    require(after.starts_with(".\r\n"));
    require_whole_lines(after);
    session_.body_sent();
    open_.front().body_sent = true;
  }

  bool tls_needed() const { return choices_ & tls_required; }

  // The next byte says whether the handshake fails.
  void shake_hands() {
    require(session_.take_output().empty());
    require(!secured_);
    const bool fails = bytes_.empty() || bytes_.front() == 'F';
    if (!bytes_.empty()) bytes_.remove_prefix(1);
    if (fails) return session_.tls_failed("no handshake");
    secured_ = true;
    session_.tls_started();
  }

  void read() {
    if (bytes_.empty()) return session_.lost("connection lost");
    const std::string_view part = bytes_.substr(0, step_);
    bytes_.remove_prefix(part.size());
    session_.feed(part);
  }

  void collect() {
    require(!open_.empty());
    const open_transaction of = open_.front();
    open_.pop_front();
    const auto outcomes = session_.collect();
    require(outcomes.size() == of.recipients);
    for (const recipient_outcome& o : outcomes)
      check(o, of);
  }

  static void check(const recipient_outcome& o, const open_transaction& of) {
    require(o.answer.code >= 200 && o.answer.text.find('\r') == std::string::npos);
    if (o.what == disposition::delivered) {
      require(of.body_sent && o.from_peer && o.answer.positive() && o.at == gonets::stage::end_of_data);
    }
    if (o.what == disposition::failed) require(o.answer.permanent());
    if (o.what == disposition::deferred) require(o.answer.transient());
  }

  void finish() {
    require(open_.empty());
    require_whole_lines(session_.take_output());
    require(session_.after_body().empty());
    session_.feed("250 Ok\r\n");
    session_.lost("again");
    require(session_.next() == wants::close);
    begin();
    require(session_.next() == wants::collect);
    collect();
  }

  // The peer's bytes never get a command of their own into what we send, nor a password that is not protected.
  void require_whole_lines(std::string_view output) const {
    require(output.empty() || output.ends_with("\r\n"));
    while (!output.empty()) {
      const std::string_view line = output.substr(0, output.find("\r\n"));
      output.remove_prefix(line.size() + 2);
      require(line == "." || line == "DATA" || line == "RSET" || line == "STARTTLS" || line == "QUIT" ||
              line.ends_with("LO client.test") || line.starts_with("MAIL FROM:<from@source.test>") ||
              line.starts_with("RCPT TO:<") || (logs_in_ && secured_ && is_of_login(line)));
    }
  }

  static bool is_of_login(std::string_view line) {
    return line.starts_with("AUTH ") || line == "*" || gonets::decode_base64(line);
  }

  client_session session_;
  std::vector<gonets::message::recipient> recipients_;
  std::deque<open_transaction> open_;
  std::string_view bytes_;
  std::size_t step_;
  std::size_t begun_ = 0;
  std::size_t bodies_ = 0;
  std::uint8_t choices_;
  bool logs_in_;
  bool secured_ = false;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t step = data[1] & 0x7fu;
  owner(data[0], step == 0 ? size : step, (data[1] & 0x80u) != 0,
        std::string_view(reinterpret_cast<const char*>(data) + 2, size - 2))
      .run();
  return 0;
}
