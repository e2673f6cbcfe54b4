#include "app/public_control.h"

namespace gonets::app {

using feedback::no_subscription;
using feedback::subscription_result;

void public_control::with_token(const std::string& token, answer_ptr answer,
                                std::move_only_function<void(const message::verp& who)> work) {
  const auto who = parts_.unsubscribes->open_token(token);
  if (!who) return (*answer)(std::unexpected(no_subscription::unknown));
  if (!parts_.blocking.run([work = std::move(work), who = *who]() mutable { work(who); }))
    (*answer)(std::unexpected(no_subscription::unavailable));
}

void public_control::subscription(std::string token, done answer) {
  auto shared = std::make_shared<done>(std::move(answer));
  with_token(token, shared, [this, shared, asker = runtime::shards::current()](const message::verp& who) {
    parts_.shards.post(asker, [shared, found = parts_.unsubscribes->look_up(who)] { (*shared)(found); });
  });
}

void public_control::change_subscription(std::string token, feedback::wish what, feedback::said_by way, done answer) {
  auto shared = std::make_shared<done>(std::move(answer));
  with_token(token, shared, [this, shared, what, way, asker = runtime::shards::current()](const message::verp& who) {
    const auto taken = parts_.unsubscribes->take(
        who, what, way, {}, asker, [shared](feedback::subscription found) { (*shared)(std::move(found)); });
    if (!taken) parts_.shards.post(asker, [shared, why = taken.error()] { (*shared)(std::unexpected(why)); });
  });
}

std::optional<message::visit> public_control::read_visit(std::string_view path) const {
  return parts_.tracked->read(path);
}

void public_control::visited(message::visit where, tracking::visitor who) {
  auto& tracker = *parts_.tracker;
  if (!tracker.is_news(where)) return;
  auto take = [&tracker, where = std::move(where), who = std::move(who)]() mutable {
    tracker.take(where, std::move(who));
  };
  if (!parts_.blocking.run(std::move(take))) tracker.leave_out();
}

}  // namespace gonets::app
