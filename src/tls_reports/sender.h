// Sends each day's TLS reports to whoever asks for them (RFC 8460 3, 5), and keeps what the collector counts. Lives on
// one shard; the database is asked on the blocking pool.
#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "metrics/metrics.h"
#include "runtime/dns.h"
#include "runtime/http_client.h"
#include "runtime/shards.h"
#include "tls_reports/collector.h"
#include "tls_reports/table.h"

namespace gonets::tls_reports {

struct sender_options {
  bool enabled = false;
  std::string organization, from, contact;
  std::string submitter;  // our domain: the one of `from`
  std::string host;       // this server's name, in the reports' ids: servers of one domain each report by themselves
};

inline constexpr std::chrono::hours retry_after{1};
inline constexpr std::chrono::hours retried_for{24};  // RFC 8460 5.3: then the report is given up
inline constexpr std::size_t jobs_at_once_max = 20;

class sender {
 public:
  // Hands a message over to be queued; `done` runs on the sender's shard, with the reason when it was refused.
  using submit_function = std::function<void(std::string from, std::string to, std::string text,
                                             std::move_only_function<void(std::expected<void, std::string>)> done)>;
  struct environment {
    runtime::shards& shards;
    std::size_t shard;
    runtime::blocking_pool& blocking;
    runtime::resolver& dns;
    runtime::http_client& http;
    collector& counted;
    table& kept;
    const clock& time;
    submit_function submit;
  };

  sender(sender_options with, environment env, std::uint64_t seed, metrics::registry& counts);
  ~sender();

  // From time to time: keeps what was counted.
  void keep_counts();
  // Every few seconds: sends what is due, unless it is at it.
  void tick();
  // Once an hour: forgets what is old.
  void trim();
  // The same now, from any thread: blocks.
  void keep_counts_now();
  // The report as it is or would be sent, as JSON. From any thread: blocks.
  storage::sql_result<std::string> report_json(const std::string& domain, std::chrono::sys_days day);
  // Makes the pending reports of a day due now, those of `domain` alone unless it is empty; tells how many they are,
  // or nothing when reports are switched off. The error is for people.
  using hurried = std::move_only_function<void(std::expected<std::optional<std::uint64_t>, std::string>)>;
  void hurry(std::chrono::sys_days day, std::string domain, hurried done);
  void reconfigure(sender_options with);

 private:
  struct state;
  std::shared_ptr<state> state_;
};

}  // namespace gonets::tls_reports
