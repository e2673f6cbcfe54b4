// Why something waits, and how fast a site is sent to: told by the code that decides it.
#include <fmt/format.h>

#include <algorithm>

#include "scheduler/scheduler.h"

namespace gonets::scheduler {
namespace {

constexpr std::chrono::milliseconds told_from{500};  // a shorter wait for the pace is none

std::int64_t to_ms(wall_time t) {
  return t.time_since_epoch().count();
}

}  // namespace

std::vector<explanation> scheduler::explain(message_id id) const {
  std::vector<explanation> all;
  for (auto h = entries_.find(id); h != no_handle; h = entries_[h].sibling) {
    const auto& e = entries_[h];
    if (e.state == entry_state::free) continue;
    explanation x;
    x.entry = view_of(h);
    const auto add = [&x](std::string what, std::string detail, std::int64_t until = 0) {
      x.obstacles.push_back({std::move(what), std::move(detail), until});
    };
    switch (e.state) {
      case entry_state::held:
        add("held", "held by an operator; `gonets queue release` lets it go");
        break;
      case entry_state::deferred:
        add("retry_time", "the last attempt failed for now", e.due_ms);
        break;
      case entry_state::paused:
        if (const auto why = paused_->find(e.account); why != paused_->end()) add("account_paused", why->second);
        break;
      case entry_state::resolving:
        add("resolving", "looking up where mail for the domain goes");
        break;
      default:
        break;
    }
    if (e.state != entry_state::leased && e.state != entry_state::held) {
      if (const auto* by = standing_over(e, e.at)) add("standing_hold", to_text(*by));
    }
    if (e.at != nullptr && e.state != entry_state::leased) {
      for (auto& o : in_the_way(e))
        x.obstacles.push_back(std::move(o));
    }
    all.push_back(std::move(x));
  }
  return all;
}

// In the order in which next_to_send() and kick() look.
std::vector<explanation::obstacle> scheduler::in_the_way(const entry& e) const {
  std::vector<explanation::obstacle> all;
  const auto& s = *e.at;
  const auto now = flow_now();
  const auto shown = [this](std::optional<wall_time> t) { return t ? to_ms(flow_.shown(*t)) : 0; };
  const auto add = [&](std::string what, std::string detail, std::optional<wall_time> until = {}) {
    all.push_back({std::move(what), std::move(detail), shown(until)});
  };
  if (s.held(now)) add("site_held", s.hold.why, s.hold.until);
  if (s.health.state() == shaping::site_state::suspended) {
    add("site_suspended", std::string(s.health.reason()), s.health.next_ready(now));
  } else if (s.health.state() == shaping::site_state::probing) {
    add("site_probing", std::string(s.health.reason()) + "; one connection is trying now");
  }
  if (const auto* h = account_held(s, e.stream, e.account, now)) add("account_held", h->why, h->until);
  const auto* line = s.queue.line(e.stream);
  const auto ahead = line == nullptr || line->empty() ? 0 : line->hot_count() + line->cold_count() - 1;
  if (const auto* p = s.pace(e.stream); is_paced(s) && p != nullptr) {
    // The accounts of a stream take turns: it may be sooner than after all that wait.
    const auto at =
        p->rate.next_send(now) + std::chrono::milliseconds(std::int64_t(1000 * double(ahead) / p->rate.rate()));
    if (at - now >= told_from) {
      add("pace",
          fmt::format("{} messages a second are sent to the site in this stream ({}); {} wait in it",
                      shaping::rate_text(p->rate.rate()),
                      p->slow ? p->slow->why : std::string(shaping::to_text(p->rate.phase())), ahead),
          at);
    }
  }
  if (s.limits) {
    for (const auto& l : shaping::limit_chain{s.limits.get()}.explain(now, urgency_of(e.stream))) {
      if (l.blocks) add("limit", to_text(l), l.until);
    }
  }
  for (const auto& l : env_.limits.explain(subject_of(s, e.stream, e.account), urgency_of(e.stream), now)) {
    if (l.blocks) add(l.level == shaping::limit_level::warm_up ? "warm_up" : "limit", l.text, l.until);
  }
  if (s.connections >= connections_max(s)) {
    add("site_connections", fmt::format("all {} connections to the site are busy", s.connections));
  }
  const auto waiting = s.queue.hot_count() + s.queue.cold_count();
  if (waiting > 1) add("queue", fmt::format("{} other recipients wait for the same site", waiting - 1));
  if (!e.hot) add("on_disk", "its body is on disk and is read when its turn comes");
  return all;
}

site_view scheduler::view_of(const site& s, const viewer& by) const {
  site_view v;
  const auto now = flow_now();
  const auto shown = [this](std::optional<wall_time> t) { return t ? to_ms(flow_.shown(*t)) : 0; };
  v.site = s.to->site_key;
  v.egress = s.to->egress();
  if (s.provider != nullptr) v.provider = s.provider->name;
  v.state = shaping::to_text(s.health.state());
  v.reason = s.health.reason();
  if (s.health.state() == shaping::site_state::suspended) v.until_ms = shown(s.health.next_ready(now));
  if (s.held(now)) {
    v.state = "held";
    v.reason = s.hold.why;
    v.until_ms = shown(s.hold.until);
  }
  v.waiting = s.queue.hot_count() + s.queue.cold_count() + s.loading;
  v.sending = s.leased;
  v.connections = s.connections;
  v.connections_max = connections_max(s);
  v.paced = is_paced(s);
  if (v.paced) v.start_rate = policy_for(s, nullptr).start;
  for (const auto& p : s.paces) {
    site_view::stream one;
    one.name = policy(p->stream).name;
    if (const auto* line = s.queue.line(p->stream)) one.waiting = line->hot_count() + line->cold_count();
    one.rate = p->rate.rate();
    one.good_rate = p->rate.good_rate();
    one.connections = p->rate.connections();
    one.phase = shaping::to_text(p->rate.phase());
    if (p->slow && now < p->slow->until) {
      one.slowed = p->slow->why;
      one.slowed_until_ms = shown(p->slow->until);
    }
    v.streams.push_back(std::move(one));
  }
  if (s.limits) {
    for (const auto& l : shaping::limit_chain{s.limits.get()}.explain(now))
      v.limits.push_back({to_text(l), l.used, l.max, shown(l.until), l.blocks, l.level, l.what});
  }
  auto about = subject_of(s);
  if (!by.stream.empty()) about.stream = by.stream;
  about.account = by.account;
  for (const auto& l : env_.limits.explain(about, shaping::urgency::urgent, now))
    v.limits.push_back({l.text, l.used, l.max, shown(l.until), l.blocks, l.level, l.kind});
  return v;
}

// ---- a site by one of its domains -------------------------------------------------------------------------------

void scheduler::with_site(const std::string& domain, site_change change, site_answer answer, const viewer& by) {
  env_.directory.find(domain, [this, by, change = std::move(change), answer = std::move(answer)](
                                  spool::destination_ptr to, const smtp::recipient_outcome& why_not) mutable {
    if (!to) return answer(std::nullopt, why_not);
    const auto owner = std::hash<std::string_view>{}(to->site_key) % all_.size();
    env_.shards.post(owner, [by, other = all_[owner], to = std::move(to), change = std::move(change),
                             answer = std::move(answer)]() mutable {
      auto& s = other->site_for(to);
      if (change) change(*other, s);
      answer(other->view_of(s, by), {});
      other->kick(s);
      other->drop_if_idle(s);
    });
  });
}

void scheduler::view_site(const std::string& domain, site_answer answer, const viewer& by) {
  with_site(domain, {}, std::move(answer), by);
}

void scheduler::pin_site(const std::string& domain, pin to, site_answer answer) {
  const auto change = [to = std::move(to)](scheduler& owner, site& s) {
    const auto now = owner.flow_now();
    for (std::size_t n = 0; n < owner.with_.streams.size(); ++n) {
      const auto stream = static_cast<std::uint8_t>(n);
      if (!to.stream.empty() && owner.policy(stream).name != to.stream) continue;
      auto& p = owner.pace_for(s, stream, now);
      p.used = now;
      owner.note_pace(s, stream, to_text(p.rate.pin(to.rate, to.connections.value_or(p.rate.connections()), now)));
      owner.keep_pin(s, p);
    }
  };
  with_site(domain, change, std::move(answer));
}

void scheduler::release_site(const std::string& domain, const std::string& stream, site_answer answer) {
  const auto change = [stream](scheduler& owner, site& s) {
    const auto now = owner.flow_now();
    owner.lift_hold(s);
    for (const auto& p : s.paces) {
      if (!stream.empty() && owner.policy(p->stream).name != stream) continue;
      p->slow.reset();
      (void)p->rate.reconfigure(owner.policy_for(s, nullptr), now);
      const auto released = p->rate.release(now);
      if (!released) continue;
      owner.note_pace(s, p->stream, to_text(*released));
      owner.keep_pin(s, *p);
    }
  };
  with_site(domain, change, std::move(answer));
}

}  // namespace gonets::scheduler
