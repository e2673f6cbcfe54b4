// What comes of an attempt: the recipients' new states, the events, and the reports to the sender, in one batch.
#include <algorithm>
#include <array>
#include <ranges>

#include "accounts/model.h"
#include "base/log.h"
#include "message/utf8.h"
#include "scheduler/detail/tuning.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {
namespace {

bool same_happening(const events::event& e, events::kind how, const smtp::recipient_outcome& o, wall_time next,
                    unsigned attempts, std::string_view reason, std::string_view provider) {
  return e.reason == reason && e.kind == how && e.answer == o.answer && e.at_stage == o.at && e.next_attempt == next &&
         e.attempts == attempts && e.from_peer == o.from_peer && e.provider == provider;
}

// Rules that are about one recipient say when it is tried again; the site's own are kept by the site.
wall_time due_by(const shaping::ruling& by, wall_time scheduled, wall_time now, wall_time last_chance) {
  using enum shaping::verdict_kind;
  const bool its_own = by.what.kind == defer || by.what.kind == greylisted || by.what.kind == hold_account;
  if (!its_own || by.what.duration.count() == 0) return scheduled;
  constexpr std::chrono::seconds margin{1};  // the peer counts from a moment of its own
  return std::min(now + by.what.duration + margin, std::max(last_chance, now));
}

// How much an outcome says about pace.
int telling(shaping::pace_outcome o) {
  using enum shaping::pace_outcome;
  switch (o) {
    case unrelated:
      return 0;
    case accepted:
      return 1;
    case deferred_other:
      return 2;
    case timed_out:
      return 3;
    case throttled:
    case too_many_connections:
      return 4;
  }
  return 0;
}

// Whose fault it is decides: what is about an address, an account or content slows nobody else down.
shaping::pace_outcome pace_of(const smtp::recipient_outcome& o, const std::optional<shaping::ruling>& ruled) {
  using enum shaping::pace_outcome;
  if (ruled) {
    const bool ours = ruled->what.about == shaping::concern::egress || ruled->what.about == shaping::concern::site;
    const bool slower =
        ruled->what.kind == shaping::verdict_kind::slow_down || ruled->what.kind == shaping::verdict_kind::hold_site;
    return ours && slower ? throttled : unrelated;
  }
  if (o.what == smtp::disposition::failed) return unrelated;
  if (o.from_peer) return deferred_other;
  return o.at >= stage::ehlo ? timed_out : unrelated;
}

void log_event(const events::event& e) {
  if (!log::enabled(log::level::info)) return;
  const bool cut = e.recipients.size() > 1;
  log::line line(log::level::info, events::to_text(e.kind));
  line.add("id", to_text(e.message));
  line.add("to", e.recipients.front().address);
  if (cut) line.add("recipients", e.recipients.size());
  if (e.at_stage != stage::none) line.add("stage", to_text(e.at_stage));
  if (e.answer.code != 0) line.add("reply", to_text(e.answer));
  if (!e.remote_host.empty()) line.add("host", e.remote_host);
  if (!e.remote_address.empty()) line.add("address", e.remote_address);
  if (e.category) line.add("category", bounce::to_text(*e.category));
  if (!e.tls.protocol.empty()) line.add("tls", e.tls.protocol);
  if (!e.tls.clear_reason.empty()) line.add("clear", e.tls.clear_reason);
  if (e.attempts != 0) line.add("attempts", e.attempts);
  line.add("delay_ms", (e.at - wall_time(std::chrono::milliseconds(accepted_at_ms(e.message)))).count());
  if (!e.reason.empty()) line.add("reason", e.reason);
}

}  // namespace

struct scheduler::settlement {
  struct report {
    message::dsn_kind kind;
    std::size_t recipient;  // in the envelope
    smtp::recipient_outcome outcome;
    wall_time until{};
  };
  spool::message_ptr message;
  spool::attempt_result facts;  // without recipients
  std::string route, egress, reason;
  std::chrono::milliseconds waited{0};  // before the attempt
  spool::change change;
  std::vector<report> reports;
  // What it says about pace, of all recipients the most telling.
  std::optional<shaping::pace_outcome> pace;
  std::string pace_rule;
  bool egress_refused = false;  // to others, too
  bool against_egress = false;  // some reply was: by its reputation, or a block of it
  std::string original;         // of a message that is not in memory, when a report needs it
  bool original_cut = false;
  wall_time now{};
  wall_time began{};  // of the attempt, on the clock of pace and limits

  void note(shaping::pace_outcome o, std::string_view rule = {}) {
    if (pace && telling(*pace) >= telling(o)) return;
    pace = o;
    pace_rule = rule;
  }

  // Null when the recipient can be told of with others.
  events::event* add_event(events::kind how, const entry& e, const smtp::recipient_outcome& o, wall_time next,
                           std::string_view why, std::string_view provider) {
    const auto& recipient = message->envelope.recipients[e.index.value];
    if (why.empty()) why = reason;
    if (!change.events.empty() && same_happening(change.events.back(), how, o, next, e.attempts, why, provider)) {
      change.events.back().recipients.push_back({e.index, recipient.address});
      return nullptr;
    }
    auto& happened = change.events.emplace_back();
    happened.kind = how;
    happened.at = now;
    happened.message = message->id;
    happened.account = message->account;
    happened.stream = message->stream;
    happened.sender = message->envelope.reverse_path;
    happened.labels = message->labels;
    happened.recipients.push_back({e.index, recipient.address});
    happened.at_stage = o.at;
    happened.answer = o.answer;
    happened.from_peer = o.from_peer;
    happened.remote_host = facts.remote_host;
    happened.remote_address = facts.remote_address;
    happened.route = route;
    happened.egress = egress;
    happened.provider = provider;
    happened.attempts = e.attempts;
    happened.queue_ms = static_cast<std::uint32_t>(waited.count());
    if (facts.connecting) happened.connect_ms = static_cast<std::uint32_t>(facts.connecting->count());
    happened.duration_ms = static_cast<std::uint32_t>(facts.duration.count());
    happened.transcript = facts.tried + facts.said.of(&recipient);
    happened.next_attempt = next;
    happened.reason = why;
    happened.tls = facts.tls;
    return &happened;
  }

  void add_record(const entry& e, const smtp::recipient_outcome& o, spool::recipient_phase phase, wall_time next) {
    spool::recipient_record r;
    r.phase = phase;
    r.attempts = e.attempts;
    r.delay_reported = e.delay_reported;
    r.due = next;
    r.last_attempt = now;
    r.last_stage = o.at;
    r.last_answer = o.answer;
    r.last_from_peer = o.from_peer;
    r.last_host = facts.remote_host;
    change.recorded |= e.recorded;
    change.recipients.push_back({e.index, std::move(r)});
  }
};

void scheduler::settle(spool::lease done, spool::attempt_result result) {
  auto* at = find(done.site);
  at->leased -= done.entries.size();
  leased_ -= done.entries.size();
  const bool goes_on = result.goes_on;
  if (!goes_on) --at->attempts;
  const auto stream = entries_[done.entries.front()].stream;
  const auto account = entries_[done.entries.front()].account;
  const auto now = flow_now();
  if (crowded_out(*at, result)) {
    for (const auto h : done.entries | std::views::reverse)
      enqueue(h, *at, true);
    end_send(*at, stream, account, done.began);
    learn_pace(*at, stream,
               {now,
                done.began,
                shaping::pace_outcome::too_many_connections,
                static_cast<unsigned>(std::max<std::size_t>(1, at->reached)),
                {}});
    return kick(*at);
  }
  auto s = std::make_shared<settlement>();
  s->message = std::move(done.message);
  s->facts = std::move(result);
  s->route = at->to->site_key;
  s->egress = at->to->egress();
  s->now = env_.time.wall();
  s->began = done.began;
  s->waited = done.waited;
  const auto outcomes = std::move(s->facts.recipients);
  if (s->facts.site_failed && !outcomes.empty()) {
    at->health.connect_failed(now, outcomes.front().answer.text);
    GONETS_LOG(info, "site_suspended", "site", at->to->site_key, "reason", outcomes.front().answer.text);
  }
  for (std::size_t i = 0; i < done.entries.size(); ++i)
    settle_one(*s, done.entries[i], outcomes[i]);
  if (goes_on) return finish(std::move(s));
  end_send(*at, stream, account, s->pace ? std::optional<wall_time>() : done.began);
  learn_pace(*at, stream, {now, done.began, s->pace.value_or(shaping::pace_outcome::unrelated), 0, s->pace_rule});
  note_warm_up(*at, s->pace, s->against_egress);
  const auto egress_down = std::move(s->facts.egress_down);
  const bool egress_refused = s->egress_refused;
  finish(std::move(s));
  if (egress_down) leave_egress(*at, *egress_down);
  if (egress_refused) pass_on(*at);
  if (at->health.state() != shaping::site_state::ready) {
    expire_waiting(*at);
    wait_for(*at, {});
  }
  kick(*at);
}

void scheduler::settle_one(settlement& s, handle h, const smtp::recipient_outcome& o) {
  auto& e = entries_[h];
  if (o.what == smtp::disposition::delivered) {
    s.note(shaping::pace_outcome::accepted);
    return conclude(s, h, s.facts.discarded ? events::kind::discarded : events::kind::delivered, o);
  }
  if (o.what == smtp::disposition::not_attempted && !e.remove_wanted && !e.hold_wanted) {
    return enqueue(h, *e.at, true);
  }
  const auto ruled = ruling_of(e, o);
  obey(s, e, o, ruled);
  if (e.remove_wanted) return conclude(s, h, events::kind::cancelled, o);
  ++e.attempts;
  const auto why = ruled ? to_text(*ruled) : std::string();
  const bool dead = ruled && ruled->what.kind == shaping::verdict_kind::suppress;
  if (dead && !with_.pace.dry_run && !policy_decides(o)) suppress_address(s, e, ruled->rule->name);
  if (ruled ? ruled->what.final() : o.what == smtp::disposition::failed) {
    return conclude(s, h, events::kind::bounced, o, why);
  }
  if (e.hold_wanted) {
    e.hold_wanted = false;
    s.add_record(e, o, spool::recipient_phase::held, {});
    add_event(s, events::kind::held, e, o, {}, why);
    e.recorded = true;
    e.state = entry_state::held;
    e.at = nullptr;
    return cool(e);
  }
  const auto last_chance = expiry_of(e);
  const auto& retry = policy(e.stream).retry;
  const auto next = shaping::next_attempt(retry, e.id, e.attempts, last_chance - retry.expires_after, s.now);
  if (!next) return conclude(s, h, events::kind::expired, o, why);
  if (ruled && go_by_other(e, *ruled)) {
    s.egress_refused |= ruled->what.duration.count() > 0;
    return postpone(s, h, s.now, o, why);
  }
  postpone(s, h, ruled ? due_by(*ruled, *next, s.now, last_chance) : *next, o, why);
}

// Only what a peer said is judged; what we say for it, we mean as it stands.
std::optional<shaping::ruling> scheduler::ruling_of(const entry& e, const smtp::recipient_outcome& o) const {
  if (!o.from_peer || e.at == nullptr) return std::nullopt;
  const auto& rules = *with_.rules;
  const auto* of = rules.providers.find_domain(spool::without_mark(entries_.domains.name(e.domain)));
  return rules.judge(o.answer, o.at, of != nullptr ? of : e.at->provider);
}

bool scheduler::passes_host_over(const spool::lease& of, std::size_t recipient,
                                 const smtp::recipient_outcome& o) const {
  const auto ruled = ruling_of(entries_[of.entries[recipient]], o);
  return ruled && ruled->what.kind == shaping::verdict_kind::next_mx && !with_.pace.dry_run;
}

// What it means for others than this recipient.
void scheduler::obey(settlement& s, const entry& e, const smtp::recipient_outcome& o,
                     const std::optional<shaping::ruling>& ruled) {
  using enum shaping::verdict_kind;
  if (e.at == nullptr) return;
  auto outcome = pace_of(o, ruled);
  s.against_egress |= ruled && ruled->what.about == shaping::concern::egress;
  if (ruled && ruled->what.kind == hold_site) this->hold_site(*e.at, *ruled);
  if (ruled && ruled->what.kind == close_window) this->close_window(*e.at, *ruled);
  // Through a smarthost the provider's reply comes from behind the site, which goes on for other providers.
  const auto* of = with_.rules->providers.find_domain(spool::without_mark(entries_.domains.name(e.domain)));
  if (ruled && ruled->what.kind == hold_account && (of == nullptr || of == e.at->provider)) {
    this->hold_account(*e.at, e.stream, e.account, *ruled);
  }
  // The rule has said how much slower: nothing is left to be learnt.
  if (outcome == shaping::pace_outcome::throttled && ruled->what.kind == slow_down &&
      this->slow_down(*e.at, e.stream, *ruled, s.began)) {
    outcome = shaping::pace_outcome::unrelated;
  }
  s.note(outcome, ruled ? std::string_view(ruled->rule->name) : std::string_view());
}

void scheduler::add_event(settlement& s, events::kind how, const entry& e, const smtp::recipient_outcome& o,
                          wall_time next, std::string_view why) {
  const auto* provider = provider_of(e, e.at);
  auto* happened = s.add_event(how, e, o, next, why, provider != nullptr ? provider->name : std::string_view());
  using enum events::kind;
  if (with_.bounces == nullptr || (how != deferred && how != bounced && how != expired)) return;
  const auto verdict = with_.bounces->classify({o.answer.code, o.answer.status, o.answer.text});
  if (how != deferred) draw_consequence(s, e, how, o.from_peer, verdict);
  if (happened == nullptr) return;
  const bool unclear = how == expired && verdict.is == bounce::category::unknown;
  happened->category = unclear ? bounce::category::expired : verdict.is;
}

// Whether what the answer means is among what accounts decide on themselves: then no rule does it for them.
bool scheduler::policy_decides(const smtp::recipient_outcome& o) const {
  if (with_.bounces == nullptr) return false;
  const auto verdict = with_.bounces->classify({o.answer.code, o.answer.status, o.answer.text});
  return verdict.permanent && bounce::may_suppress(verdict.is);
}

// A dead address. Not for the account `default`, whose mail is relayed for others: they look after their lists
// themselves.
void scheduler::suppress_address(settlement& s, const entry& e, std::string_view why) {
  const auto& m = *s.message;
  if (m.is_report || m.account == accounts::default_account) return;
  const auto address = suppression::normalised(m.envelope.recipients[e.index.value].address);
  s.change.suppressions.push_back({{m.account, address, {}, std::string(why), m.id, s.now, {}}});
}

// Only a peer knows that an address is dead; from anywhere else, and when it may pass, it takes several to believe it.
void scheduler::draw_consequence(settlement& s, const entry& e, events::kind end, bool from_peer,
                                 const bounce::verdict& of) {
  const auto& m = *s.message;
  if (m.is_report || m.account == accounts::default_account) return;
  const auto& by = suppression_policy_of(m.account);
  const auto what = bounce::consequence_of(of, by);
  if (what == bounce::consequence::none) return;
  if (what == bounce::consequence::suppress && end == events::kind::bounced && from_peer)
    return suppress_address(s, e, bounce::to_text(of.is));
  if (by.soft_bounces == 0) return;
  const auto address = suppression::normalised(m.envelope.recipients[e.index.value].address);
  s.change.soft_bounces.push_back({m.account, address, suppression::soft_news::bounced, {s.now, m.id, false}, by});
}

void scheduler::note_delivered(settlement& s, const entry& e) {
  const auto& m = *s.message;
  const auto& address = m.envelope.recipients[e.index.value].address;
  if (m.is_report || !env_.store.may_have_soft_bounces(m.account, address)) return;
  s.change.soft_bounces.push_back(
      {m.account, suppression::normalised(address), suppression::soft_news::delivered, {s.now, m.id, false}, {}});
}

void scheduler::conclude(settlement& s, handle h, events::kind how, const smtp::recipient_outcome& o,
                         std::string_view why) {
  auto& e = entries_[h];
  if (how == events::kind::delivered || how == events::kind::discarded) ++e.attempts;
  s.add_record(e, o, spool::recipient_phase::ended, {});
  add_event(s, how, e, o, {}, why);
  want_report(s, e, how, o, {});
  note_flow(e, how, s.now);
  if (how == events::kind::delivered) {
    note_delivered(s, e);
    delivered_.add();
  }
  if (how == events::kind::bounced) bounced_.add();
  if (how == events::kind::expired) expired_.add();
  if (how == events::kind::discarded) discarded_.add();
  if (how == events::kind::cancelled) cancelled_.add();
  if (how == events::kind::suppressed) suppressed_.add();
  forget(h);
}

void scheduler::postpone(settlement& s, handle h, wall_time due_at, const smtp::recipient_outcome& o,
                         std::string_view why) {
  auto& e = entries_[h];
  const auto& retry = policy(e.stream).retry;
  const auto told_by = s.message->envelope.deliver_by;
  const bool late = told_by != wall_time{} && s.now >= told_by;
  if (!e.delay_reported && (late || s.now - s.message->begins() >= retry.delay_notice_after)) {
    e.delay_reported = true;
    if (e.by_notice) note_schedule(e, *s.message);
    want_report(s, e, events::kind::deferred, o, expiry_of(e));
  }
  s.add_record(e, o, spool::recipient_phase::queued, due_at);
  add_event(s, events::kind::deferred, e, o, due_at, why);
  e.recorded = true;
  deferred_.add();
  note_flow(e, events::kind::deferred, s.now);
  defer_until(h, due_at.time_since_epoch().count());
}

// RFC 3461 5.2: which reports a recipient is due. Never one about a report, and never one to nobody.
void scheduler::want_report(settlement& s, const entry& e, events::kind how, const smtp::recipient_outcome& o,
                            wall_time until) {
  if (s.message->is_report || s.message->envelope.reverse_path.empty()) return;
  const auto& notify = s.message->envelope.recipients[e.index.value].notify;
  const auto add = [&](message::dsn_kind kind) { s.reports.push_back({kind, e.index.value, o, until}); };
  using enum events::kind;
  if ((how == bounced || how == expired || how == suppressed) && notify.wants_failure()) {
    add(message::dsn_kind::failed);
  }
  if (how == events::kind::deferred && notify.wants_delay()) add(message::dsn_kind::delayed);
  if (how == events::kind::delivered && notify.wants_success()) {
    if (s.facts.final_here) {
      add(message::dsn_kind::delivered);
    } else if (!s.facts.dsn_passed_on) {
      add(message::dsn_kind::relayed);
    }
    return;
  }
  // RFC 2852 4.1.4: who set a time hears of it where that is not passed on, or a trace is wanted.
  const auto& asked = s.message->envelope;
  const bool timed = asked.deliver_by != wall_time{} && !notify.never && !s.facts.final_here;
  const bool lost = !asked.by_return && !s.facts.by_passed_on;
  if (how == events::kind::delivered && timed && (lost || asked.by_trace)) add(message::dsn_kind::relayed);
}

void scheduler::suppress(handle h, const spool::message_ptr& m, const suppression::entry& why) {
  auto s = std::make_shared<settlement>();
  s->message = m;
  s->now = env_.time.wall();
  smtp::recipient_outcome refused;
  refused.what = smtp::disposition::failed;
  refused.answer = {550, {5, 7, 1}, why_suppressed(why)};
  conclude(*s, h, events::kind::suppressed, refused);
  finish(std::move(s));
}

void scheduler::tell_of_delay(handle h, const spool::message_ptr& m) {
  auto s = std::make_shared<settlement>();
  s->message = m;
  s->now = env_.time.wall();
  auto& e = entries_[h];
  e.delay_reported = true;
  note_schedule(e, *m);
  smtp::recipient_outcome late;
  late.what = smtp::disposition::deferred;
  late.answer = {451, {4, 4, 7}, "It is not delivered yet, and the time that its sender set has come"};
  want_report(*s, e, events::kind::deferred, late, expiry_of(e));
  // What the last attempt's answer was stays in its event.
  s->add_record(e, {}, spool::recipient_phase::queued, wall_time(std::chrono::milliseconds(e.due_ms)));
  e.recorded = true;
  finish(std::move(s));
}

void scheduler::finish(settlement_ptr s) {
  if (s->change.recipients.empty()) return;
  if (s->reports.empty() || s->message->in_memory) return write(*s);
  // Of a message in chunks only the header goes back, which the first two have: ours, and the client's.
  const bool asked = env_.blocking.run([this, s] {
    const bool cut = s->message->chunks > 1;
    for (std::uint32_t n = 0; n <= (cut ? 1 : 0); ++n)
      s->original += env_.store.fetch_chunk(s->message->id, n).value_or("");
    s->original_cut = cut;
    env_.shards.post(with_.shard, [this, s] { write(*s); });
  });
  if (asked) return;
  s->original_cut = true;  // too busy to read it: the report goes without
  write(*s);
}

void scheduler::write(settlement& s) {
  add_reports(s);
  auto& c = s.change;
  c.id = s.message->id;
  c.recipients_total = static_cast<std::uint16_t>(s.message->envelope.recipients.size());
  c.chunks = s.message->chunks;
  c.shard = with_.shard;
  for (const auto& e : c.events)
    log_event(e);
  if (!c.reports.empty()) {
    c.done = [this, reports = c.reports](spool::commit_status) {
      for (const auto& r : reports)
        admit(r);
    };
  }
  env_.store.settle(std::move(c));
}

void scheduler::add_reports(settlement& s) {
  for (const auto kind : {message::dsn_kind::failed, message::dsn_kind::delayed, message::dsn_kind::delivered,
                          message::dsn_kind::relayed}) {
    if (std::ranges::any_of(s.reports, [&](const auto& r) { return r.kind == kind; })) add_report(s, kind);
  }
}

void scheduler::add_report(settlement& s, message::dsn_kind kind) {
  const auto& m = *s.message;
  const std::string whole = m.in_memory ? m.head + m.body : std::move(s.original);
  auto report = std::make_shared<spool::queued_message>();
  report->id = env_.ids.next(s.now);
  message::dsn_facts facts;
  facts.kind = kind;
  facts.reporting_mta = with_.hostname;
  facts.to = m.envelope.reverse_path;
  facts.envelope_id = m.envelope.envelope_id;
  facts.arrived = m.accepted();
  facts.now = s.now;
  facts.original_id = m.id;
  facts.id = report->id;
  facts.random = random_();
  // RFC 8689 5: what reports on a message that needs TLS all the way needs it, too, and has its header only.
  facts.ret = m.envelope.require_tls ? message::return_content::headers : m.envelope.ret;
  facts.original = whole;
  facts.original_cut = s.original_cut;
  facts.smtputf8 = m.envelope.smtputf8;
  std::vector<message::dsn_recipient> about;
  for (const auto& r : s.reports) {
    if (r.kind != kind) continue;
    const auto& to = m.envelope.recipients[r.recipient];
    message::dsn_recipient one;
    one.final_recipient = to.address;
    one.original_recipient = to.original_recipient;
    one.answer = r.outcome.answer;
    one.from_peer = r.outcome.from_peer;
    one.remote_mta = r.outcome.from_peer ? std::string_view(s.facts.remote_host) : std::string_view();
    one.at = r.outcome.at;
    one.last_attempt = s.now;
    one.will_retry_until = r.until;
    about.push_back(std::move(one));
  }
  report->account = m.account;
  report->stream = with_.streams.front().name;
  report->body = compose_dsn(facts, about);
  report->body_bytes = report->body.size();
  report->envelope.require_tls = m.envelope.require_tls;
  report->envelope.smtputf8 = dsn_needs_smtputf8(facts, about);
  report->envelope.recipients.push_back({m.envelope.reverse_path, {}, {.never = true}});
  report->has_eight_bit = !message::is_ascii(report->body);
  if (report->has_eight_bit) report->envelope.body = message::body_type::eight_bit;
  report->has_leading_dot = report->body.starts_with('.') || report->body.find("\r\n.") != std::string::npos;
  report->is_report = true;
  report->in_memory = true;
  events::event accepted;
  accepted.kind = events::kind::accepted;
  accepted.at = s.now;
  accepted.message = report->id;
  accepted.account = m.account;
  accepted.stream = report->stream;
  accepted.recipients.push_back({recipient_index{0}, m.envelope.reverse_path});
  accepted.message_bytes = report->body_bytes;
  accepted.origin = "report on " + to_text(m.id);
  log_event(accepted);
  s.change.reports.push_back(std::move(report));
  s.change.report_events.push_back(std::move(accepted));
}

void scheduler::with_message(handle h, message_user then, message_user on_pool) {
  auto& waiting = entries_[h];
  waiting.state = entry_state::leased;
  waiting.at = nullptr;
  ++leased_;
  auto proceed = [this, h, then = std::move(then)](const spool::message_ptr& m) mutable {
    --leased_;
    if (m) return then(m);
    GONETS_LOG(error, "message_unreadable", "id", to_text(entries_[h].id));
    defer_until(h, now_ms() + detail::unreadable_retry_ms);
  };
  if (waiting.hot && !on_pool) return proceed(waiting.hot);
  const bool asked = env_.blocking.run(
      [this, id = waiting.id, hot = waiting.hot, proceed = std::move(proceed), on_pool = std::move(on_pool)]() mutable {
        auto m = hot ? hot : env_.store.fetch(id, true);
        if (m && on_pool) on_pool(m);
        env_.shards.post(with_.shard, [proceed = std::move(proceed), m]() mutable { proceed(m); });
      });
  if (asked) return;
  --leased_;
  defer_until(h, now_ms() + detail::busy_retry_ms);
}

void scheduler::end_entry(handle h, events::kind how, const smtp::recipient_outcome& why, const std::string& reason) {
  with_message(h, [this, h, how, why, reason](const spool::message_ptr& m) {
    auto s = std::make_shared<settlement>();
    s->message = m;
    s->now = env_.time.wall();
    s->reason = reason;
    const auto& e = entries_[h];
    if (how == events::kind::deferred && !e.remove_wanted) {
      settle_one(*s, h, why);
    } else {
      conclude(*s, h, e.remove_wanted ? events::kind::cancelled : how, why);
    }
    finish(std::move(s));
  });
}

// Recipients behind a suspended site make no attempts of their own, but their time runs out all the same.
void scheduler::expire_waiting(site& s) {
  const auto now = env_.time.wall();
  std::vector<handle> over;
  const auto visit = [&](handle h) {
    const auto& e = entries_[h];
    if (e.state == entry_state::ready && now >= expiry_of(e)) over.push_back(h);
  };
  s.queue.for_each(entries_, visit);
  if (over.empty()) return;
  smtp::recipient_outcome why;
  why.what = smtp::disposition::deferred;
  why.at = stage::connect;
  why.answer = {451, {4, 4, 1}, s.hold.by_egress ? s.hold.why : std::string(s.health.reason())};
  for (const auto h : over)
    end_entry(h, events::kind::expired, why, "its site could not be reached");
}

}  // namespace gonets::scheduler
