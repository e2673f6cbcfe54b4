// What the API asks about webhooks. Part of httpd::control.
#pragma once
#include <functional>
#include <optional>

#include "accounts/model.h"
#include "base/clock.h"
#include "httpd/exchange.h"
#include "webhooks/service.h"
#include "webhooks/table.h"

namespace gonets::httpd {

// What a question about webhooks may use, on a thread that may wait.
struct webhook_parts {
  webhooks::table& kept;
  webhooks::service& sending;
  const accounts::directory& accounts;
  std::function<event_seq()> log_end;
  // The last event before that time; nothing: the log can't be read.
  std::function<std::optional<event_seq>(wall_time)> last_before;
  wall_time now;
};

class webhook_control {
 public:
  template <class T>
  using done = std::move_only_function<void(T)>;

  virtual ~webhook_control() = default;
  // Runs `work` on a thread that may wait for the database; 503 when too much waits there already.
  virtual void with_webhooks(std::move_only_function<response(webhook_parts&)> work, done<response> answer) = 0;
  virtual void try_webhook(webhooks::webhook_id id, done<std::optional<webhooks::attempt>> answer) = 0;
};

}  // namespace gonets::httpd
