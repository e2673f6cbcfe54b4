// Scripted dialogues for tests of client_session: what the peer expects and replies, in order. The script does not say
// how bytes are cut into reads and writes: the same one is run with replies byte by byte or all at once, with
// transactions chained or not, and with the connection cut after every byte.
#pragma once
#include <gtest/gtest.h>

#include <cstddef>
#include <deque>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "smtp/client_session.h"

namespace gonets::smtp::testing {

// "failed at rcpt: 550 5.1.1 No such user"; "(ours)" at the end if the peer did not say it.
inline std::string to_text(const recipient_outcome& o) {
  static constexpr const char* words[] = {"delivered", "deferred", "failed", "not attempted"};
  std::string text = words[static_cast<std::size_t>(o.what)];
  if (o.at != stage::none) (text += " at ") += gonets::to_text(o.at);
  (text += ": ") += gonets::to_text(o.answer);
  return o.from_peer ? text : text + " (ours)";
}

struct outgoing {
  std::vector<message::recipient> to;
  std::string body = "Subject: x\r\n\r\nhello\r\n";
  transaction t;  // without recipients, which come from `to`

  outgoing(std::initializer_list<const char*> addresses) {
    t.reverse_path = "from@source.test";
    t.size_bytes = body.size();
    for (const char* address : addresses)
      to.push_back({address, "", {}});
  }
  outgoing& content(std::string text) {
    body = std::move(text);
    t.size_bytes = body.size();
    t.body_ends_in_crlf = body.empty() || body.ends_with("\r\n");
    return *this;
  }
  transaction to_begin() const {
    transaction made = t;
    for (const message::recipient& r : to)
      made.recipients.push_back(&r);
    return made;
  }
};

// What one run of a dialogue came to.
struct run_result {
  std::vector<std::vector<recipient_outcome>> outcomes;  // of the messages begun, in order
  std::vector<std::string> writes;
  std::vector<std::string> transcripts;  // by recipient, as told()
  recipient_outcome because;
  std::size_t peer_bytes = 0;  // that the client read
  std::size_t handshakes = 0;
  std::vector<std::size_t> accepted_at;  // by message: read so far when its last end-of-data reply was, if that was 2xx
  bool closed = false;
  bool script_done = false;

  // The outcomes of all recipients of all messages begun.
  std::vector<std::string> told() const {
    std::vector<std::string> texts;
    for (const auto& message : outcomes) {
      for (const recipient_outcome& o : message)
        texts.push_back(to_text(o));
    }
    return texts;
  }
  std::string written() const {
    std::string all;
    for (const std::string& w : writes)
      all += w;
    return all;
  }
};

class dialogue {
 public:
  static constexpr std::size_t never = std::numeric_limits<std::size_t>::max();

  explicit dialogue(client_options options = {.helo_name = "client.test"}) : options_(std::move(options)) {}

  // The next line from the client must begin with this.
  dialogue& expect(std::string line_start) { return add({action::line, std::move(line_start)}); }
  // The next bytes must be this body and the end of data.
  dialogue& expect_body(std::string body = "Subject: x\r\n\r\nhello\r\n") {
    return add({action::body, std::move(body)});
  }
  dialogue& reply(const std::string& text) { return add({action::reply, text + "\r\n"}); }
  dialogue& bytes(std::string raw) { return add({action::reply, std::move(raw)}); }
  // The client must begin a TLS handshake here, which succeeds.
  dialogue& handshake() { return add({action::handshake, ""}); }
  dialogue& starttls(std::string_view keywords = "PIPELINING") {
    return expect("STARTTLS\r\n").reply("220 2.0.0 go").handshake().hello_again(keywords);
  }
  dialogue& hang_up() { return add({action::hang_up, ""}); }
  dialogue& message(outgoing m) {
    messages_.push_back(std::move(m));
    return *this;
  }
  dialogue& hello(std::string_view keywords = "PIPELINING") { return reply("220 mx.test ESMTP").hello_again(keywords); }
  dialogue& hello_again(std::string_view keywords) {
    std::string ehlo = "250";
    ehlo += keywords.empty() ? " mx.test" : "-mx.test";
    for (std::size_t at = 0; at < keywords.size();) {
      const std::size_t end = std::min(keywords.find(',', at), keywords.size());
      ehlo += end == keywords.size() ? "\r\n250 " : "\r\n250-";
      ehlo += keywords.substr(at, end - at);
      at = end + 1;
    }
    return expect(options_.speak == protocol::lmtp ? "LHLO" : "EHLO").reply(ehlo);
  }
  dialogue& mail(const std::string& answer) { return expect("MAIL FROM:<").reply(answer); }
  dialogue& rcpt(const std::string& answer) { return expect("RCPT TO:<").reply(answer); }
  dialogue& data(const std::string& answer) { return expect("DATA").reply(answer); }
  dialogue& quit() { return expect("QUIT").reply("221 bye"); }

  struct how {
    bool byte_by_byte = false;
    bool chain = true;
    std::size_t cut_after_bytes = never;   // that the peer sent
    std::size_t cut_before_write = never;  // the write of this number fails
    std::size_t fail_handshake = never;    // the handshake of this number fails
    bool fail_body = false;                // with cut_before_write: if it has a body, body_failed() instead
  };

  run_result run(how h) const { return player(*this, h).play(); }
  run_result run() const { return run(how{}); }

  // Runs the dialogue uncut, in four ways that must agree, then cut at every byte and write. Returns the uncut run.
  run_result check_cut_everywhere() const {
    const run_result whole = run();
    EXPECT_TRUE(whole.script_done) << "the dialogue ended early";
    for (const bool chain : {true, false}) {
      for (const bool bytewise : {true, false}) {
        const run_result other = run({.byte_by_byte = bytewise, .chain = chain});
        expect_same(whole, other);
      }
      for (std::size_t cut = 0; cut < whole.peer_bytes; ++cut) {
        SCOPED_TRACE(::testing::Message() << "cut after byte " << cut << (chain ? ", chained" : ", not chained"));
        check_cut(whole, run({.chain = chain, .cut_after_bytes = cut}), cut);
        if (::testing::Test::HasFailure()) return whole;
      }
      for (std::size_t cut = 0; cut < whole.handshakes; ++cut) {
        SCOPED_TRACE(::testing::Message() << "handshake " << cut << (chain ? ", chained" : ", not chained"));
        check_cut(whole, run({.chain = chain, .fail_handshake = cut}), never);
        if (::testing::Test::HasFailure()) return whole;
      }
      const std::size_t writes = run({.chain = chain}).writes.size();
      for (std::size_t cut = 0; cut < writes; ++cut) {
        for (const bool body : {false, true}) {
          SCOPED_TRACE(::testing::Message() << "cut before write " << cut << (chain ? ", chained" : ", not chained"));
          check_cut(whole, run({.chain = chain, .cut_before_write = cut, .fail_body = body}), never);
          if (::testing::Test::HasFailure()) return whole;
        }
      }
    }
    return whole;
  }

 private:
  struct action {
    enum kind : std::uint8_t { line, body, reply, handshake, hang_up } what;
    std::string text;
  };

  // Plays the peer and the owner of the session.
  class player {
   public:
    player(const dialogue& d, how h)
        : d_(d), how_(h), session_(d.options_), script_(d.script_.begin(), d.script_.end()) {}

    run_result play() {
      session_.connected();
      advance_script();
      for (int turns = 0; turns < 100'000; ++turns) {
        switch (session_.next()) {
          case wants::bytes:
            write(session_.take_output(), false);
            read();
            break;
          case wants::tls:
            shake_hands();
            break;
          case wants::work:
            if (begun_ < d_.messages_.size()) {
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
      ADD_FAILURE() << "the session does not come to an end";
      return finish();
    }

   private:
    void begin() { session_.begin(d_.messages_[begun_++].to_begin()); }

    void shake_hands() {
      const std::size_t number = result_.handshakes++;
      const bool meant = !script_.empty() && script_.front().what == action::handshake;
      EXPECT_TRUE(meant) << "the client begins a handshake that the script does not have";
      EXPECT_TRUE(session_.take_output().empty()) << "written before the handshake";
      EXPECT_EQ(from_client_, "") << "pipelined behind STARTTLS";
      to_client_.clear();  // what the peer said in the clear is not carried into TLS
      if (number == how_.fail_handshake) return session_.tls_failed("the certificate is not trusted");
      if (meant) script_.pop_front();
      session_.tls_started();
      advance_script();
    }

    void write_body() {
      if (how_.chain && begun_ < d_.messages_.size() && session_.can_chain()) begin();
      with_body_.push_back(result_.outcomes.size());
      std::string bytes = session_.take_output() + d_.messages_[with_body_.back()].body;
      bytes += session_.after_body();
      if (write(std::move(bytes), true)) session_.body_sent();
    }

    bool write(std::string bytes, bool has_body) {
      if (bytes.empty()) return true;
      if (result_.writes.size() == how_.cut_before_write) {
        if (has_body && how_.fail_body) {
          session_.body_failed("the spool can't be read");
        } else {
          session_.lost("connection lost while writing");
        }
        return false;
      }
      result_.writes.push_back(bytes);
      from_client_ += bytes;
      advance_script();
      return true;
    }

    // The peer takes what it expects from the front of `from_client_` and replies, as far as it can.
    void advance_script() {
      for (; !script_.empty(); script_.pop_front()) {
        const action& a = script_.front();
        if (a.what == action::hang_up || a.what == action::handshake) return;
        if (a.what == action::reply) {
          to_client_ += a.text;
          sent_ += a.text.size();
          note_acceptance(a.text);
          continue;
        }
        const std::string end = a.what == action::line ? "\r\n" : a.text + ".\r\n";
        const std::size_t found = from_client_.find(end);
        if (found == std::string::npos) {
          if (a.what == action::body && from_client_.size() >= end.size())
            ADD_FAILURE() << "wrong body: " << from_client_;
          return;
        }
        const std::string taken = from_client_.substr(0, found + end.size());
        from_client_.erase(0, found + end.size());
        if (a.what == action::line) {
          EXPECT_EQ(taken.substr(0, a.text.size()), a.text) << "the client sent " << taken;
        } else {
          EXPECT_EQ(found, 0u) << "before the body came " << taken;
        }
        after_body_ = a.what == action::body;
        if (after_body_) ++ends_of_data_;
      }
    }

    // Replies that follow an end of data, up to the next command, are the ones that may make a recipient `delivered`.
    void note_acceptance(const std::string& text) {
      if (!after_body_ || text.empty() || text[0] != '2') return;
      acceptances_.resize(ends_of_data_, never);
      if (acceptances_.back() == never) acceptances_.back() = sent_;
    }

    void read() {
      if (session_.next() != wants::bytes) return;
      const std::size_t left = how_.cut_after_bytes == never ? never : how_.cut_after_bytes - result_.peer_bytes;
      const std::size_t take = std::min({left, to_client_.size(), how_.byte_by_byte ? std::size_t{1} : never});
      if (take == 0) {
        const bool meant =
            how_.cut_after_bytes != never || (!script_.empty() && script_.front().what == action::hang_up);
        if (meant) script_.clear();
        EXPECT_TRUE(meant) << "the client waits for a reply that the script does not have; unread: " << from_client_;
        session_.lost("connection lost");
        return;
      }
      const std::string part = to_client_.substr(0, take);
      to_client_.erase(0, take);
      result_.peer_bytes += take;
      session_.feed(part);
    }

    void collect() {
      const std::size_t i = result_.outcomes.size();
      const auto said = session_.take_transcript();
      for (const auto& r : d_.messages_[i].to)
        result_.transcripts.push_back(said.of(&r));
      result_.outcomes.push_back(session_.collect());
      EXPECT_EQ(result_.outcomes.back().size(), d_.messages_[i].to.size());
    }

    run_result finish() {
      EXPECT_EQ(result_.outcomes.size(), begun_) << "a transaction was not collected";
      EXPECT_EQ(session_.next(), wants::close);
      if (std::string last = session_.take_output(); !last.empty()) {
        result_.writes.push_back(last);
        from_client_ += last;
        advance_script();
      }
      result_.closed = true;
      result_.script_done = script_.empty();
      result_.because = session_.closed_because();
      result_.accepted_at.assign(d_.messages_.size(), never);
      for (std::size_t i = 0; i < with_body_.size() && i < acceptances_.size(); ++i) {
        result_.accepted_at[with_body_[i]] = acceptances_[i];
      }
      return std::move(result_);
    }

    const dialogue& d_;
    how how_;
    client_session session_;
    std::deque<action> script_;
    std::string from_client_;
    std::string to_client_;
    run_result result_;
    std::vector<std::size_t> with_body_;    // messages whose body was written, in order
    std::vector<std::size_t> acceptances_;  // by end of data: bytes sent when the first 2xx after it was
    std::size_t ends_of_data_ = 0;
    std::size_t begun_ = 0;
    std::size_t sent_ = 0;
    bool after_body_ = false;
  };

  dialogue& add(action a) {
    script_.push_back(std::move(a));
    return *this;
  }

  static bool same(const recipient_outcome& a, const recipient_outcome& b) {
    return a.what == b.what && a.at == b.at && a.answer == b.answer && a.from_peer == b.from_peer;
  }

  static void expect_same(const run_result& a, const run_result& b) {
    EXPECT_EQ(a.written(), b.written());
    EXPECT_TRUE(same(a.because, b.because));
    ASSERT_EQ(a.outcomes.size(), b.outcomes.size());
    for (std::size_t i = 0; i < a.outcomes.size(); ++i) {
      for (std::size_t j = 0; j < a.outcomes[i].size(); ++j) {
        EXPECT_TRUE(same(a.outcomes[i][j], b.outcomes[i][j])) << "message " << i << ", recipient " << j;
      }
    }
  }

  // Whatever the peer had said by then stands; whoever it had not spoken of is to be tried again, and nothing is
  // delivered that was not accepted.
  static void check_cut(const run_result& whole, const run_result& cut, std::size_t cut_after) {
    EXPECT_TRUE(cut.closed);
    for (std::size_t i = 0; i < cut.outcomes.size(); ++i) {
      for (std::size_t j = 0; j < cut.outcomes[i].size(); ++j) {
        SCOPED_TRACE(::testing::Message() << "message " << i << ", recipient " << j);
        const recipient_outcome& now = cut.outcomes[i][j];
        const bool known = i < whole.outcomes.size() && same(now, whole.outcomes[i][j]);
        const bool again = now.what == disposition::deferred || now.what == disposition::not_attempted;
        EXPECT_TRUE(known || (again && now.answer.transient()));
        EXPECT_EQ(now.answer.text.find('\r'), std::string::npos);
        if (now.what != disposition::delivered) continue;
        EXPECT_TRUE(now.answer.positive() && now.from_peer && now.at == stage::end_of_data);
        if (cut_after != never) {
          EXPECT_LE(cut.accepted_at[i], cut_after);
        }
      }
    }
  }

  client_options options_;
  std::vector<action> script_;
  std::vector<outgoing> messages_;
};

}  // namespace gonets::smtp::testing
