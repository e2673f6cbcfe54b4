#include "feedback/inbox.h"

#include <fmt/format.h>

#include <algorithm>

#include "accounts/model.h"
#include "base/log.h"
#include "base/text.h"
#include "message/address.h"
#include "message/utf8.h"

namespace gonets::feedback {
namespace {

constexpr std::string_view counted_help = "Messages that came back to return paths.";

// A report that names several recipients tells of ours in one place; many name none, or the address that ours was
// forwarded to.
const bounce::report& report_on(const std::string& recipient, const std::vector<bounce::report>& all) {
  const auto names = [&](const bounce::report& r) { return to_lower(r.recipient) == to_lower(recipient); };
  if (const auto named = std::ranges::find_if(all, names); named != all.end()) return *named;
  const auto telling =
      std::ranges::find_if(all, [](const auto& r) { return r.kind != bounce::report_kind::not_a_report; });
  return telling == all.end() ? all.front() : *telling;
}

// Only so much of a message is looked at, and so much kept in memory to be passed on.
bool fits(const spool::queued_message& m) {
  return m.body_bytes <= bounce::report_limits{}.message_bytes_max;
}

// A bounce that was written for people alone has no code: it gets the general one of its kind.
reply answer_of(const bounce::report& r) {
  const bool lasts = r.action != "delayed" && r.what.permanent;
  const std::uint16_t code = r.code != 0 ? r.code : lasts ? 550 : 450;
  return {code, r.status, r.diagnostic};
}

reply unreadable() {
  return {451, {4, 3, 0}, "the spool can't be read"};
}

}  // namespace

inbox::inbox(options with, environment env)
    : with_(std::make_shared<const options>(std::move(with))),
      env_(std::move(env)),
      bounces_(env_.counts.make_counter("gonets_feedback_total", counted_help, {{"kind", "bounce"}})),
      complaints_(env_.counts.make_counter("gonets_feedback_total", counted_help, {{"kind", "complaint"}})),
      others_(env_.counts.make_counter("gonets_feedback_total", counted_help, {{"kind", "other"}})),
      forged_(env_.counts.make_counter("gonets_feedback_total", counted_help, {{"kind", "forged"}})) {}

void inbox::reconfigure(options with) {
  with_.store(std::make_shared<const options>(std::move(with)));
}

reply inbox::take(const spool::queued_message& m, std::string_view recipient) {
  const auto local_part = message::local_part_of(recipient);
  if (const auto fixed = message::parse_fixed_address(local_part)) {
    auto content = read(m);
    if (!content) return unreadable();
    return *fixed == message::fixed_address::complaints ? take_complaint(m, std::move(*content))
                                                        : take_report(m, std::move(*content));
  }
  if (const auto leaves = env_.unsubscribes.open_address(local_part)) return take_wish(m, *leaves);
  const auto who = env_.return_paths.open(local_part);
  if (!who) {
    forged_.add();
    return {550, {5, 1, 1}, "no such address: this domain takes only what comes back"};
  }
  auto content = read(m);
  if (!content) return unreadable();
  const auto reports = bounce::read_report(*content, env_.bounces);
  const auto found = find_original(env_.store.store(), *who);
  if (!found) return unreadable();
  const auto& of = *found;
  if (!of) {
    others_.add();
    GONETS_LOG(warning, "feedback_on_unknown", "id", to_text(m.id), "about", to_text(who->message), "kind",
               bounce::to_text(reports.front().kind), "reason", "its events are no longer kept");
    return {250, {2, 0, 0}, "nothing is known any more of the message that it is about"};
  }
  const auto& report = report_on(of->recipient, reports);
  spool::change c;
  c.shard = env_.shard;
  note({*of, *who, {}}, report, m.id, c);
  if (report.kind != bounce::report_kind::complaint && with_.load()->forward && !of->accepted.sender.empty()) {
    if (fits(m)) {
      forward({of->accepted.account, of->accepted.sender,
               fmt::format("report {} on {}", to_text(m.id), to_text(who->message))},
              m, std::move(*content), c);
    } else {
      GONETS_LOG(warning, "feedback_not_forwarded", "id", to_text(m.id), "bytes", m.body_bytes, "reason", "its size");
    }
  }
  if (c.events.empty() && c.reports.empty()) return {250, {2, 0, 0}, "read"};
  settle(std::move(c));
  return {250, {2, 0, 0}, fmt::format("read: {}", bounce::to_text(report.kind))};
}

void inbox::settle(spool::change c) const {
  c.done = [this, all = c.reports](spool::commit_status) {
    for (const auto& forwarded : all)
      env_.admit(forwarded);
  };
  env_.store.settle(std::move(c));
}

// By feedback loops: they know one address of ours, and leave of the message what they please.
reply inbox::take_complaint(const spool::queued_message& m, std::string content) {
  const auto reports = bounce::read_report(content, env_.bounces);
  const auto kind = reports.front().kind;
  const auto marks = bounce::read_original_marks(content);
  const bool complained = kind == bounce::report_kind::complaint;
  const bool opts_out = kind == bounce::report_kind::unsubscribe && marks.is_feedback;
  if (!complained && !opts_out) {
    if (!marks.is_feedback) return take_letter(m, std::move(content));
    others_.add();
    return {250, {2, 0, 0}, "read: a report that is no complaint"};
  }
  const auto found = env_.complaints.find(marks, reports);
  if (!found) return unreadable();
  if (!*found) {
    others_.add();
    GONETS_LOG(warning, "feedback_on_unknown", "id", to_text(m.id), "kind", bounce::to_text(kind), "message_id",
               marks.message_id, "reason", "nothing in it names a message whose events are kept");
    return {250, {2, 0, 0}, "nothing is known of the message that it is about"};
  }
  if (opts_out) return take_opt_out(**found, m.id);
  spool::change c;
  c.shard = env_.shard;
  note({(*found)->of, (*found)->who, (*found)->by}, reports.front(), m.id, c);
  settle(std::move(c));
  return {250, {2, 0, 0}, "read: complaint"};
}

// RFC 5965 7.3 and what came before it: a wish, not a complaint. Without a proof anybody could have it.
reply inbox::take_opt_out(const complained_of& found, message_id came_as) {
  if (!is_signed(found.by)) {
    others_.add();
    return {250, {2, 0, 0}, "read: a wish to unsubscribe that nothing proves"};
  }
  return unsubscribe(found.who, came_as);
}

reply inbox::take_report(const spool::queued_message& m, std::string content) {
  const auto outcome = env_.reports.take(content, m.id);
  if (outcome == report_keeper::outcome::no_report) return take_letter(m, std::move(content));
  if (outcome == report_keeper::outcome::unavailable) return {451, {4, 3, 0}, "the reports' database can't be written"};
  return {250, {2, 0, 0}, fmt::format("read: {}", to_text(outcome))};
}

reply inbox::take_letter(const spool::queued_message& m, std::string content) {
  others_.add();
  const auto with = with_.load();
  if (!fits(m) || with->postmaster.empty()) {
    GONETS_LOG(warning, "feedback_not_forwarded", "id", to_text(m.id), "bytes", m.body_bytes, "reason",
               with->postmaster.empty() ? "there is no feedback.postmaster" : "its size");
    return {250, {2, 0, 0}, "no report"};
  }
  spool::change c;
  c.shard = env_.shard;
  forward({accounts::default_account, with->postmaster, "report " + to_text(m.id)}, m, std::move(content), c);
  settle(std::move(c));
  return {250, {2, 0, 0}, "no report: passed on to the postmaster"};
}

// Whatever people write there, they mean it; machines that answer by themselves don't.
reply inbox::take_wish(const spool::queued_message& m, const message::verp& who) {
  const auto content = read(m);
  if (!content) return unreadable();
  const auto kind = bounce::read_report(*content, env_.bounces).front().kind;
  if (kind == bounce::report_kind::bounce || kind == bounce::report_kind::auto_reply) {
    others_.add();
    return {250, {2, 0, 0}, fmt::format("read: {}, which is no wish to unsubscribe", bounce::to_text(kind))};
  }
  return unsubscribe(who, m.id);
}

reply inbox::unsubscribe(const message::verp& who, message_id came_as) {
  const auto taken =
      env_.unsubscribes.take(who, wish::unsubscribe, said_by::mail, "report " + to_text(came_as), env_.shard, {});
  if (taken) return {250, {2, 0, 0}, "read: unsubscribed"};
  if (taken.error() == no_subscription::unavailable) return unreadable();
  return {250, {2, 0, 0}, "nothing is known any more of the message that it is about"};
}

std::optional<std::string> inbox::read(const spool::queued_message& m) const {
  if (m.in_memory) return m.head + m.body;
  std::string all;
  for (std::uint32_t n = 0; n < m.chunks && (fits(m) || all.size() < bounce::report_limits{}.message_bytes_max); ++n) {
    auto part = env_.store.fetch_chunk(m.id, n);
    if (!part) return std::nullopt;
    all += *part;
  }
  return all;
}

// What nothing proves is told, and has no other effect: anybody could have made it up.
void inbox::note(const finding& about, const bounce::report& what, message_id came_as, spool::change& to) const {
  const auto& of = about.of;
  const bool proved = !about.by || is_signed(*about.by);
  const bool refused = what.kind == bounce::report_kind::bounce;
  const bool complained = what.kind == bounce::report_kind::complaint;
  (refused ? bounces_ : complained ? complaints_ : others_).add();
  if (complained && proved && !of.egress.empty()) env_.complained(of.egress, of.provider);
  if (!refused && !complained) return;
  auto e =
      event_about(of, about.who, refused ? events::kind::inbound_bounce : events::kind::complained, env_.time.wall());
  e.origin = "report " + to_text(came_as);
  if (about.by) e.reason = fmt::format("{}{}", to_text(*about.by), proved ? "" : ", not proved");
  e.provider = of.provider;
  e.egress = of.egress;
  if (refused) {
    e.answer = answer_of(what);
    e.from_peer = true;
    e.remote_host = what.remote_mta;
    if (what.has_category) e.category = what.what.is;
  }
  GONETS_LOG(info, events::to_text(e.kind), "id", to_text(e.message), "to", of.recipient, "reply", to_text(e.answer),
             "category", e.category ? bounce::to_text(*e.category) : std::string_view(), "report", to_text(came_as));
  if (proved) suppress(of, what, e, to);
  to.events.push_back(std::move(e));
}

// The return path proves which recipient it is, so that this is the only one who can be meant. Who complains of one
// stream may still want the others: his receipts, say.
void inbox::suppress(const original& of, const bounce::report& what, const events::event& told,
                     spool::change& to) const {
  if (told.account == accounts::default_account) return;
  suppression::entry e{told.account, suppression::normalised(of.recipient), {}, {}, told.message, told.at, {}};
  if (what.kind == bounce::report_kind::complaint) {
    e.scope = told.stream;
    e.reason = suppression::complained;
    to.suppressions.push_back({std::move(e)});
    return;
  }
  if (what.kind != bounce::report_kind::bounce || !what.has_category || what.action == "delayed") return;
  const auto known = env_.accounts.current();
  const auto* account = known->find(told.account);
  const auto by = account != nullptr ? account->suppression : bounce::suppression_policy{};
  switch (bounce::consequence_of(what.what, by)) {
    case bounce::consequence::none:
      break;
    case bounce::consequence::soft:
      to.soft_bounces.push_back(
          {e.account, std::move(e.address), suppression::soft_news::bounced, {told.at, told.message, true}, by});
      break;
    case bounce::consequence::suppress:
      e.reason = bounce::to_text(what.what.is);
      to.suppressions.push_back({std::move(e)});
  }
}

// As it came: with the null return path, as what would be said of it is no one's business.
void inbox::forward(forwarding where, const spool::queued_message& m, std::string content, spool::change& to) const {
  auto forwarded = std::make_shared<spool::queued_message>();
  forwarded->id = env_.ids.next(env_.time.wall());
  forwarded->account = where.account;
  forwarded->stream = with_.load()->stream;
  forwarded->envelope.recipients.push_back({where.to, {}, {.never = true}});
  forwarded->envelope.smtputf8 = m.envelope.smtputf8 || !message::is_ascii(where.to);
  forwarded->envelope.body = m.envelope.body;
  forwarded->body_bytes = content.size();
  forwarded->has_leading_dot = content.starts_with('.') || content.find("\r\n.") != std::string::npos;
  forwarded->has_eight_bit = m.has_eight_bit;
  forwarded->ends_in_crlf = content.ends_with("\r\n");
  forwarded->is_report = true;
  forwarded->in_memory = true;
  forwarded->body = std::move(content);
  events::event accepted;
  accepted.kind = events::kind::accepted;
  accepted.at = env_.time.wall();
  accepted.message = forwarded->id;
  accepted.account = forwarded->account;
  accepted.stream = forwarded->stream;
  accepted.recipients.push_back({recipient_index{0}, std::move(where.to)});
  accepted.message_bytes = forwarded->body_bytes;
  accepted.origin = std::move(where.origin);
  to.reports.push_back(std::move(forwarded));
  to.report_events.push_back(std::move(accepted));
}

}  // namespace gonets::feedback
