#include "feedback/unsubscriber.h"

#include "base/log.h"

namespace gonets::feedback {
namespace {

constexpr auto reason = suppression::unsubscribed;

subscribed state_of(const std::optional<suppression::entry>& e) {
  // One that expires, or has, is not what he asks for.
  if (!e || e->expires != wall_time{}) return subscribed::yes;
  return e->reason == reason ? subscribed::no : subscribed::no_other;
}

// The list is what he reads of, where the sender names it; other mail of the stream, he may still want.
std::string scope_of(const events::event& accepted) {
  return accepted.list_id.empty() ? accepted.stream : suppression::of_list(accepted.list_id);
}

}  // namespace

std::string_view to_text(said_by way) {
  switch (way) {
    case said_by::one_click:
      return "one_click";
    case said_by::page:
      return "page";
    case said_by::mail:
      break;
  }
  return "mail";
}

unsubscriber::unsubscriber(environment env)
    : env_(env),
      resubscribed_(env.counts.make_counter("gonets_resubscribes_total",
                                            "Recipients who took back that they had unsubscribed.")) {
  for (const auto way : {said_by::one_click, said_by::page, said_by::mail}) {
    unsubscribed_[static_cast<std::size_t>(way)] = &env.counts.make_counter(
        "gonets_unsubscribes_total", "Recipients who unsubscribed.", {{"how", std::string(to_text(way))}});
  }
}

std::optional<message::verp> unsubscriber::open_address(std::string_view local_part) const {
  return env_.tokens.open(local_part);
}

std::optional<message::verp> unsubscriber::open_token(std::string_view token) const {
  return env_.tokens.open_token(token);
}

std::expected<original, no_subscription> unsubscriber::find(const message::verp& who) const {
  auto found = find_original(env_.store.store(), who);
  if (!found) {
    GONETS_LOG(warning, "unsubscribe_unreadable", "id", to_text(who.message), "error", found.error().detail);
    return std::unexpected(no_subscription::unavailable);
  }
  if (*found) return std::move(**found);
  GONETS_LOG(warning, "unsubscribe_unknown", "id", to_text(who.message), "reason", "its events are no longer kept");
  return std::unexpected(no_subscription::unknown);
}

unsubscriber::place unsubscriber::listed(const suppression::entry& at, std::unique_lock<std::mutex>& held) const {
  for (;;) {
    held.lock();
    const auto ended = ended_;
    held.unlock();
    auto entry = suppression::get(env_.store.store(), at.account, at.address, at.scope);
    if (!entry) {
      GONETS_LOG(warning, "unsubscribe_unreadable", "error", entry.error().detail);
      return std::unexpected(no_subscription::unavailable);
    }
    held.lock();
    if (const auto found = under_way_.find(suppression::key_of(at)); found != under_way_.end())
      return found->second.then;
    if (ended_ == ended) return std::move(*entry);
    held.unlock();  // it may have been written after it was read
  }
}

subscription_result unsubscriber::look_up(const message::verp& who) {
  const auto of = find(who);
  if (!of) return std::unexpected(of.error());
  suppression::entry at;
  at.account = of->accepted.account;
  at.address = suppression::normalised(of->recipient);
  at.scope = scope_of(of->accepted);
  std::unique_lock held(mutex_, std::defer_lock);
  const auto now = listed(at, held);
  if (!now) return std::unexpected(now.error());
  return subscription{of->accepted.sender, of->recipient, state_of(*now)};
}

// Of every account's mail, `default` too: the fields that he followed were ours.
std::expected<void, no_subscription> unsubscriber::take(const message::verp& who, wish what, said_by way,
                                                        std::string origin, std::size_t shard, on_safe done) {
  const auto of = find(who);
  if (!of) return std::unexpected(of.error());
  const auto now = env_.time.wall();
  suppression::entry at;
  at.account = of->accepted.account;
  at.address = suppression::normalised(of->recipient);
  at.scope = scope_of(of->accepted);
  at.reason = reason;
  at.source = who.message;
  at.since = now;
  subscription result{of->accepted.sender, of->recipient, {}};
  spool::change c;
  c.shard = shard;
  const auto key = suppression::key_of(at);
  std::unique_lock held(mutex_, std::defer_lock);
  const auto before = listed(at, held);
  if (!before) return std::unexpected(before.error());
  const auto was = state_of(*before);
  const bool changes = what == wish::unsubscribe ? was == subscribed::yes : was == subscribed::no;
  result.now = !changes ? was : what == wish::unsubscribe ? subscribed::no : subscribed::yes;
  c.done = [this, key, result = std::move(result), done = std::move(done)](spool::commit_status) mutable {
    written(key);
    if (done) done(std::move(result));
  };
  if (!changes) {
    // What made it so may be on its way to the disk: then this is safe no sooner.
    if (under_way_.contains(key)) c.suppressions.push_back({before->value_or(at), !before->has_value()});
    write(key, std::move(c), *before);
    return {};
  }
  const auto kind = what == wish::unsubscribe ? events::kind::unsubscribed : events::kind::resubscribed;
  auto e = event_about(*of, who, kind, now);
  e.origin = std::move(origin);
  e.reason = to_text(way);
  GONETS_LOG(info, events::to_text(e.kind), "id", to_text(e.message), "to", of->recipient, "stream", e.stream, "how",
             e.reason);
  c.events.push_back(std::move(e));
  c.suppressions.push_back({at, what == wish::resubscribe});
  (what == wish::unsubscribe ? *unsubscribed_[static_cast<std::size_t>(way)] : resubscribed_).add();
  write(key, std::move(c), what == wish::unsubscribe ? std::optional(at) : std::nullopt);
  return {};
}

void unsubscriber::write(const std::string& key, spool::change c, std::optional<suppression::entry> then) {
  auto& one = under_way_[key];
  one.then = std::move(then);
  ++one.writes;
  env_.store.settle(std::move(c));
}

void unsubscriber::written(const std::string& key) {
  const std::lock_guard guard(mutex_);
  const auto found = under_way_.find(key);
  if (--found->second.writes != 0) return;
  under_way_.erase(found);
  ++ended_;
}

}  // namespace gonets::feedback
