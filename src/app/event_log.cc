#include "app/event_log.h"

#include <map>
#include <mutex>
#include <utility>

namespace gonets::app {
namespace {

// Fewer than the API has connections, so that somebody is always heard.
constexpr std::size_t places_max = 64;
constexpr std::size_t places_of_account_max = 16;

using answer_to = std::expected<httpd::event_page, httpd::response>;

httpd::response cannot_read(std::string_view why) {
  return httpd::error_response(503, "unavailable", std::string("the event log can't be read: ").append(why),
                               "try again later");
}

answer_to answer_of(storage::result<events::page> found, const accounts::directory& known) {
  if (!found) return std::unexpected(cannot_read(found.error().detail));
  httpd::event_page page{.next = found->next, .lost = found->lost, .log_replaced = found->log_replaced};
  page.events.reserve(found->events.size());
  for (const auto& e : found->events) {
    const auto* owner = known.find(e.account);
    page.events.push_back({e.seq, e.kind, events::to_json(e, owner == nullptr ? std::string_view() : owner->name)});
  }
  return page;
}

}  // namespace

struct event_log::places {
  bool take(const std::string& account) {
    const std::lock_guard lock(mutex);
    if (in_all >= places_max || (!account.empty() && of_account[account] >= places_of_account_max)) return false;
    ++in_all;
    ++of_account[account];
    return true;
  }
  void give_back(const std::string& account) {
    const std::lock_guard lock(mutex);
    --in_all;
    if (--of_account[account] == 0) of_account.erase(account);
  }
  std::mutex mutex;
  std::size_t in_all = 0;
  std::map<std::string, std::size_t> of_account;
};

event_log::event_log(parts& all) : parts_(all), places_(std::make_shared<places>()) {}

event_log::place event_log::take_place(const std::string& account) {
  if (!places_->take(account)) return nullptr;
  return {static_cast<const void*>(places_.get()),
          [all = places_, account](const void* /*unused*/) { all->give_back(account); }};
}

void event_log::read(httpd::event_question wanted, done<answer_to> answer) {
  const auto known = parts_.accounts->current();
  auto& feed = *parts_.feed;
  const auto now = parts_.time.steady();
  events::page_request request{.after = wanted.after.value_or(feed.end()),
                               .max = wanted.max,
                               .which = {{}, std::move(wanted.kinds), std::move(wanted.streams)},
                               .until = now + wanted.wait};
  if (!wanted.account.empty()) {
    const auto* account = known->find_account(wanted.account);
    if (account == nullptr)
      return answer(std::unexpected(
          httpd::error_response(404, "not_found", "there is no account " + wanted.account, "`gonets account list`")));
    request.which.account = account->id;
  }
  const bool from_oldest = request.after == event_seq{0};
  const auto asker = runtime::shards::current();
  // Of what the pool may refuse without having been called.
  auto shared = std::make_shared<done<answer_to>>(std::move(answer));
  const bool taken = feed.read(
      std::move(request), now, [this, asker, shared, from_oldest, known](storage::result<events::page> found) mutable {
        if (found && from_oldest) found->lost = 0;  // it asked for what there is
        parts_.shards.post(
            asker, [shared, told = answer_of(std::move(found), *known)]() mutable { (*shared)(std::move(told)); });
      });
  if (!taken) (*shared)(std::unexpected(cannot_read("too much waits for the disk")));
}

}  // namespace gonets::app
