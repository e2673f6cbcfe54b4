// Sends events to webhooks. One thread follows the event log, asks the database and decides what goes out when
// (outbox); the requests leave from the shards. Nothing waits for it: a receiver that is down, or a database, delays
// webhooks and nothing else. docs/webhooks.md says what a receiver sees.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "events/log_end.h"
#include "metrics/metrics.h"
#include "runtime/http_client.h"
#include "storage/store.h"
#include "webhooks/outbox.h"
#include "webhooks/table.h"

namespace gonets::webhooks {

struct service_options {
  unsigned node = 0;
  runtime::http_limits limits;
  retry_schedule retry;
};

// One request and what came of it. `body` and `answer` are cut to shown_bytes_max.
struct attempt {
  wall_time at{};
  std::string id;  // the field webhook-id: the same for a batch that is tried again
  unsigned number = 1;
  std::size_t events = 0;
  std::string body;
  std::size_t body_bytes = 0;
  std::chrono::milliseconds took{};
  unsigned status = 0;  // of the answer; 0: there was none
  std::string answer;   // its body
  std::string error;    // for people; empty: acknowledged
};
inline constexpr std::size_t shown_bytes_max = 2048;
inline constexpr std::size_t attempts_kept = 20;

// How a webhook is on this node now.
struct standing {
  webhook_id id;
  event_seq cursor;
  event_seq log_end;
  std::size_t pending = 0;  // events taken in and not acknowledged; more may wait in the log
  unsigned failures = 0;    // in a row
  wall_time failing_since{};
  std::chrono::milliseconds next_attempt_in{};  // while it fails
  std::string error;                            // of the last attempt
};

class service {
 public:
  // Sends from the shard of that number; `done` may run on any thread. When shards have ended it may never run.
  using send_function = std::function<void(std::size_t shard, runtime::http_request request,
                                           const runtime::http_limits& limits, runtime::http_client::handler done)>;
  struct environment {
    const storage::store& log;
    events::log_end& end;
    table& kept;
    const clock& time;
    std::size_t shards;
    send_function send;
    std::function<std::string(account_id)> name_of;
  };

  // Starts at once. What it is given must outlive stop().
  service(service_options with, environment env, std::uint64_t seed, metrics::registry& counts);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  void reconfigure(service_options with);
  void look_again();           // the table has changed. From any thread
  void resume(webhook_id id);  // the next attempt is now. From any thread
  // Sends one request of type `test` now. `done` runs on the service's thread, with nothing when there is no such
  // webhook; never, when the service has stopped.
  void try_out(webhook_id id, std::move_only_function<void(std::optional<attempt>)> done);
  // These block, for as long as the database does, and answer nothing once the service has stopped. From any thread but
  // its own and the shards'.
  std::vector<standing> standings();
  std::vector<attempt> recent(webhook_id id);  // the latest first; of this process
  // Keeps how far each has come.
  void stop();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

}  // namespace gonets::webhooks
