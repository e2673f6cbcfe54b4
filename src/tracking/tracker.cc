#include "tracking/tracker.h"

#include <algorithm>
#include <functional>

#include "base/log.h"
#include "base/wire.h"
#include "events/log_reader.h"
#include "feedback/original.h"

namespace gonets::tracking {
namespace {

events::kind kind_of(const message::visit& v) {
  return v.url.empty() ? events::kind::opened : events::kind::clicked;
}

// Of all links together: the first click is the first on any of them.
std::string key_of(const message::visit& v) {
  std::string key(1, static_cast<char>(kind_of(v)));
  wire::put_be64(key, v.who.message.value);
  wire::put_be16(key, v.who.recipient.value);
  return key;
}

}  // namespace

tracker::tracker(environment env, limits max)
    : env_(std::move(env)),
      max_(max),
      turned_(env_.time.steady()),
      opened_(env_.counts.make_counter("gonets_opens_total", "Fetches of messages' pictures that events tell of.")),
      clicked_(env_.counts.make_counter("gonets_clicks_total", "Clicks on messages' links that events tell of.")),
      untold_(env_.counts.make_counter("gonets_visits_untold_total",
                                       "Opens and clicks without an event, as too many came at once.")) {}

bool tracker::remember(std::string key) {
  const std::lock_guard lock(mutex_);
  const auto now = env_.time.steady();
  const auto since = now - turned_;
  if (since >= max_.same_visit_within || now_.size() >= max_.remembered_max / 2) {
    before_ = since < 2 * max_.same_visit_within ? std::move(now_) : std::unordered_set<std::string>();
    now_.clear();
    turned_ = now;
  }
  if (before_.contains(key)) return false;
  return now_.insert(std::move(key)).second;
}

bool tracker::is_news(const message::visit& v) {
  auto key = key_of(v);
  wire::put_be64(key, std::hash<std::string>{}(v.url));  // a URL may be long, and there are many
  return remember(std::move(key));
}

void tracker::take(const message::visit& v, visitor who) {
  const auto history = events::read_history(env_.store.store(), v.who.message);
  if (!history) {
    GONETS_LOG(warning, "visit_unreadable", "id", to_text(v.who.message), "error", history.error().detail);
    return untold_.add();
  }
  const auto of = feedback::original_in(*history, v.who.recipient);
  if (!of) return untold_.add();  // an old message: its events are no longer kept
  const auto visits = std::ranges::count_if(*history, [](const auto& e) { return events::is_visit(e.kind); });
  if (static_cast<std::size_t>(visits) >= max_.of_message_max) return untold_.add();
  const auto kind = kind_of(v);
  // What was taken just now may not be written yet.
  const bool first = remember(key_of(v)) && std::ranges::none_of(*history, [&](const events::event& e) {
                       return e.kind == kind && !e.recipients.empty() && e.recipients.front().index == v.who.recipient;
                     });
  auto e = feedback::event_about(*of, v.who, kind, env_.time.wall());
  e.provider = of->provider;
  e.egress = of->egress;
  e.url = v.url;
  e.repeated = !first;
  if (env_.keeps_visitors(e.account)) {
    e.client_address = std::move(who.address);
    e.user_agent = std::move(who.user_agent);
    e.user_agent.resize(std::min(e.user_agent.size(), user_agent_bytes_max));
  }
  (kind == events::kind::opened ? opened_ : clicked_).add();
  spool::change c;
  c.events.push_back(std::move(e));
  env_.store.settle(std::move(c));
}

}  // namespace gonets::tracking
