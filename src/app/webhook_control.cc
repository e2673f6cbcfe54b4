#include "app/webhook_control.h"

#include "events/log_search.h"

namespace gonets::app {

void webhook_control::with_webhooks(std::move_only_function<httpd::response(httpd::webhook_parts&)> work,
                                    done<httpd::response> answer) {
  const auto asker = runtime::shards::current();
  auto shared = std::make_shared<done<httpd::response>>(std::move(answer));
  const bool taken = parts_.database.run([this, asker, shared, work = std::move(work)]() mutable {
    const auto known = parts_.accounts->current();
    const auto last_before = [this](wall_time t) -> std::optional<event_seq> {
      const auto found = events::extent_of(parts_.store->store(), t);
      if (!found) return std::nullopt;
      return *found ? event_seq{(*found)->since.value - 1} : event_seq{0};
    };
    httpd::webhook_parts in{
        *parts_.webhook_table, *parts_.webhooks,  *known, [this] { return parts_.store->safe_events().now(); },
        last_before,           parts_.time.wall()};
    parts_.shards.post(asker, [shared, said = work(in)]() mutable { (*shared)(std::move(said)); });
  });
  if (!taken) (*shared)(httpd::error_response(503, "busy", "too many changes wait for the database"));
}

void webhook_control::try_webhook(webhooks::webhook_id id, done<std::optional<webhooks::attempt>> answer) {
  const auto asker = runtime::shards::current();
  parts_.webhooks->try_out(id, [this, asker, answer = std::move(answer)](std::optional<webhooks::attempt> a) mutable {
    parts_.shards.post(asker, [answer = std::move(answer), a = std::move(a)]() mutable { answer(std::move(a)); });
  });
}

}  // namespace gonets::app
