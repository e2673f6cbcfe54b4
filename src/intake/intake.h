// The one way in. Decides whether a message is taken, completes it (Received; for submission Date and Message-ID), and
// makes it safe. Who calls it: smtpd, later HTTP and campaigns. Safe from any shard.
#pragma once
#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/directory.h"
#include "base/clock.h"
#include "base/id_source.h"
#include "base/status.h"
#include "intake/refusal_events.h"
#include "intake/sender_fields.h"
#include "intake/signing.h"
#include "intake/source.h"
#include "message/header_scan.h"
#include "message/tracked_addresses.h"
#include "message/verp.h"
#include "metrics/metrics.h"
#include "runtime/shards.h"
#include "spool/spool.h"

namespace gonets::intake {

struct options {
  std::string hostname;
  message::header_limits header;
  std::vector<std::string> inbound_domains;  // lower case
  signing_policy signing;
  std::vector<std::string> egress_choices;  // egresses and pools that senders may name
  std::string feedback_domain;              // of our return paths; empty: mail keeps those of its senders
  std::string postmaster;                   // stands for postmaster and abuse there
  std::vector<std::string> unsubscribe_streams;
  std::vector<std::string> feedback_id_streams;
  std::vector<std::string> track_opens_streams, track_clicks_streams;
  std::string web_url;  // under which recipients reach this server; empty: they don't
};

struct byte_range {
  std::size_t begins = 0, bytes = 0;
};

// A message whose body is still to come.
struct composed {
  std::shared_ptr<spool::queued_message> message;
  std::unique_ptr<pending_signatures> signatures;  // none: it goes unsigned
  track_wish track;
  std::string header_message_id;  // without its brackets; empty: there is none that is well-formed
  // Of the text that it was made of, what is not sent on: the caller takes it out with leave_out().
  std::vector<byte_range> left_out;
  std::string subject;  // only where the account lets it be kept
};

// Takes `ranges`, which are in order and apart from each other, out of `text`; how many bytes that were.
std::size_t leave_out(std::string& text, const std::vector<byte_range>& ranges);

class intake {
 public:
  using admit_function = std::function<void(std::size_t shard, spool::message_ptr m)>;

  // `admit` is called on the shard that accepted a message, once it is safe.
  intake(options with, const message::verp_signer& return_paths, const message::verp_signer& unsubscribes,
         const message::verp_signer& feedback_ids, const message::tracked_addresses& tracked, spool::spool& store,
         id_source& ids, const clock& time, const accounts::directory_source& accounts, metrics::registry& counts,
         std::uint64_t seed, runtime::shards& on, runtime::blocking_pool& signers, admit_function admit);

  // From any thread; for messages to come.
  void reconfigure(options with);

  // Each gives the refusal, or nothing. `declared_bytes` is SIZE of MAIL, `recipients` how many there are already.
  std::optional<reply> check_sender(const source& from, std::string_view reverse_path,
                                    std::uint64_t declared_bytes) const;  // at MAIL
  std::optional<reply> check_recipient(const source& from, std::string_view address, std::size_t recipients) const;
  std::optional<reply> check_space() const;  // at DATA

  // Judges the header in `first` (the message, or its first part) and makes the message without its body: `head` is
  // what goes in front of it. Mail of a submission client, or of a trusted one, is signed for the domain of its From.
  std::expected<composed, reply> compose(const source& from, message::envelope envelope, std::string_view first);

  // Signs it and makes it safe; the message is complete, and with chunks its last one was written. `done` runs on
  // `shard` with the refusal, or nothing when the message is ours; it is given to the scheduler after that.
  using on_accepted = std::move_only_function<void(std::optional<reply> refusal)>;
  void accept(composed c, const source& from, std::uint32_t chunks_written, std::size_t shard, on_accepted done);

  static reply refusal_for(spool::commit_status status);

  // What the client was told, by this or by whoever asked: it becomes an event of the account.
  void note_refusal(const source& from, stage at, const message::envelope& of, const message::recipient* who,
                    const reply& r) {
    refusals_.rejected(from, at, of, who, r);
  }

 private:
  std::optional<reply> check_account(const accounts::directory& all, const accounts::account* of,
                                     std::string_view reverse_path) const;
  std::optional<reply> check_quotas(const accounts::directory& all, const source& from,
                                    const shaping::quota_charge& charge) const;
  std::optional<reply> check_feedback(std::string_view address) const;
  reply quota_refusal(const accounts::account& of, const shaping::quota_excess& e) const;
  std::optional<reply> judge(const accounts::directory& all, const source& from, const message::header_summary& header,
                             std::size_t first_bytes) const;
  static std::optional<reply> read_fields(const options& with, const accounts::directory& all, std::string_view header,
                                          composed& to);
  void charge(const source& from, spool::acceptance& request) const;
  reply refusal_of(spool::commit_status status, const spool::queued_message& m) const;
  void give_up(const spool::acceptance& request, reply why, std::shared_ptr<on_accepted> done);
  void commit(spool::acceptance request, std::size_t shard, on_accepted done);
  void add_head(const options& with, const source& from, const message::header_summary& header, composed& c);
  void add_unsubscribing(const options& with, spool::queued_message& m) const;
  void add_feedback_id(const options& with, const accounts::directory& all, spool::queued_message& m) const;

  std::atomic<std::shared_ptr<const options>> with_;
  const message::verp_signer& return_paths_;
  const message::verp_signer& unsubscribes_;
  const message::verp_signer& feedback_ids_;
  const message::tracked_addresses& tracked_;
  spool::spool& store_;
  id_source& ids_;
  const clock& time_;
  const accounts::directory_source& accounts_;
  runtime::shards& shards_;
  runtime::blocking_pool& signers_;
  admit_function admit_;
  mutable refusal_events refusals_;
  std::atomic<std::uint64_t> random_;
  metrics::counter& accepted_;
  metrics::counter& accepted_bytes_;
  metrics::counter& refused_;
  metrics::counter& over_quota_;
  metrics::counter& signed_;
  metrics::counter& tracking_;
};

}  // namespace gonets::intake
