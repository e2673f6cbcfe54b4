// One SMTP or LMTP connection of delivery: moves bytes between a stream and the protocol machine, transaction after
// transaction, for as long as its site has work. What concerns its TLS is in tls_attempt. Owned by `delivery`; its
// callbacks hold weak references. Of its shard alone.
#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/delivery.h"
#include "delivery/destinations.h"
#include "delivery/dial.h"
#include "delivery/job.h"
#include "delivery/tls_attempt.h"
#include "smtp/client_session.h"
#include "smtp/dot_stuffing.h"

namespace gonets::delivery {

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

}  // namespace gonets::delivery
