#include "journal/projection.h"

#include <algorithm>

#include "base/text.h"
#include "journal/terms.h"
#include "message/address.h"
#include "message/labels.h"
#include "message/valid_utf8.h"

namespace gonets::journal {
namespace {

// Of a row of recipients, what later events change.
enum column : std::size_t { provider = 3, status, category, reply, at, attempts };

std::string answer_of(const events::event& e) {
  return storable(e.answer.code == 0 && e.answer.text.empty() ? e.reason : to_text(e.answer));
}

}  // namespace

std::string storable(std::string_view text) {
  auto clean = message::valid_utf8(std::string(text));
  std::ranges::replace(clean, '\0', ' ');
  return clean;
}

void projection::add(const events::event& e) {
  if (e.kind == events::kind::accepted)
    add_accepted(e);
  else
    add_outcome(e);
}

void projection::add_accepted(const events::event& e) {
  const auto hour = hour_of(e.message);
  const auto index = [&](term_kind kind, std::string_view text, recipient_index of = {}) {
    if (!text.empty()) terms_.push_back({hour, term_of(kind, text), e.message.value, of.value});
  };
  std::string tags;
  for (const auto each : message::tags_of(e.labels)) {
    const auto tag = storable(each);
    if (!tags.empty()) tags += '\n';
    tags += tag;
    index(term_kind::tag, tag);
  }
  auto sender = to_lower(storable(e.sender));
  auto campaign = storable(message::campaign_of(e.labels));
  auto header_message_id = storable(e.header_message_id);
  index(term_kind::sender, sender);
  index(term_kind::campaign, campaign);
  index(term_kind::header_message_id, header_message_id);
  const auto when = e.at.time_since_epoch().count();
  messages_.push_back({e.message.value, e.account.value, storable(e.stream), std::move(sender), std::move(campaign),
                       std::move(tags), std::move(header_message_id), when, e.message_bytes});
  for (const auto& r : e.recipients) {
    auto address = storable(r.address);
    const auto lower = to_lower(address);
    index(term_kind::recipient, lower, r.index);
    index(term_kind::domain, message::domain_of(lower), r.index);
    fresh_[{e.message, r.index}] = recipients_.size();
    recipients_.push_back({e.message.value, r.index.value, std::move(address), storable(e.provider),
                           std::string(to_text(e.kind)), "", "", when, 0});
  }
}

void projection::add_outcome(const events::event& e) {
  const std::string kind(to_text(e.kind)), why(e.category ? bounce::to_text(*e.category) : "");
  const auto said = answer_of(e), to = storable(e.provider);
  const auto when = e.at.time_since_epoch().count();
  for (const auto& r : e.recipients) {
    const auto fresh = fresh_.find({e.message, r.index});
    if (fresh == fresh_.end()) {
      outcomes_.push_back({kind, why, said, when, e.attempts, e.attempts, to, e.message.value, r.index.value});
      continue;
    }
    auto& known = recipients_[fresh->second];
    known[status] = kind;
    known[category] = why;
    known[reply] = said;
    known[at] = when;
    if (e.attempts != 0) known[attempts] = e.attempts;
    if (!to.empty()) known[provider] = to;
  }
}

// In this order, as each recipient is there before anything becomes of it.
void projection::write(storage::sql_session& to) {
  to.change_each(
      "INSERT INTO messages (id, account, stream, sender, campaign, tags, header_message_id, accepted, bytes) VALUES"
      " (:id, :account, :stream, :sender, :campaign, :tags, :header, :accepted, :bytes) ON CONFLICT DO NOTHING",
      messages_);
  to.change_each(
      "INSERT INTO recipients (message, idx, address, provider, status, category, reply, at, attempts) VALUES"
      " (:message, :idx, :address, :provider, :status, :category, :reply, :at, :attempts) ON CONFLICT DO NOTHING",
      recipients_);
  std::ranges::sort(terms_);
  std::vector<row> terms;
  terms.reserve(terms_.size());
  for (const auto& t : terms_)
    terms.push_back({t.hour, t.number, t.message, t.index});
  to.change_each(
      "INSERT INTO terms (hour, term, message, idx) VALUES (:hour, :term, :message, :idx) ON CONFLICT DO NOTHING",
      terms);
  to.change_each(
      "UPDATE recipients SET status = :status, category = :category, reply = :reply, at = :at,"
      " attempts = CASE WHEN :attempts > 0 THEN :made ELSE attempts END,"
      " provider = COALESCE(NULLIF(:provider, ''), provider) WHERE message = :message AND idx = :idx",
      outcomes_);
}

bool is_known(storage::sql_session& in, const events::event& e) {
  if (e.kind == events::kind::accepted)
    return in.row("SELECT 1 FROM messages WHERE id = :id", {e.message.value}).has_value();
  // What an event tells of its recipients was written at once: one of them tells of all.
  if (e.recipients.empty()) return false;
  const auto when = e.at.time_since_epoch().count();
  return in
      .row(
          "SELECT 1 FROM recipients WHERE message = :message AND idx = :idx AND (at > :at OR (at = :same AND status ="
          " :status))",
          {e.message.value, e.recipients.front().index.value, when, when, std::string(to_text(e.kind))})
      .has_value();
}

}  // namespace gonets::journal
