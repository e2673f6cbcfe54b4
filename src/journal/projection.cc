#include "journal/projection.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "journal/statistics.h"
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

std::int64_t state_of(storage::sql_session& in, const table_names& names, std::string_view name) {
  const auto found = in.row(fmt::format("SELECT value FROM {} WHERE name = :name", names("state")), {name});
  return found ? found->integer(0) : 0;
}

void set_state(storage::sql_session& in, const table_names& names, std::string_view name, std::int64_t value) {
  in.change(fmt::format("UPDATE {} SET value = :value WHERE name = :name", names("state")), {value, name});
}

slots slots_of(storage::sql_session& in) {
  std::vector<message_id> splits;
  for (const auto& row : in.rows("SELECT first FROM splits ORDER BY first"))
    splits.push_back(message_id{static_cast<std::uint64_t>(row.integer(0))});
  return slots(std::move(splits));
}

day_shape shape_of(storage::sql_session& in, table_names names, const privacy& wanted) {
  day_shape shape{
      .names = std::move(names), .apart = true, .merging = false, .moving = false, .index = {}, .hashed = {}};
  shape.apart = state_of(in, shape.names, "apart") != 0;
  shape.merging = state_of(in, shape.names, "merged") != 0;
  shape.moving = state_of(in, shape.names, "moving") != 0;
  if (in.embedded()) shape.index = slots_of(in);
  for (const auto& row : in.rows(fmt::format("SELECT account FROM {}", shape.names("hashed")))) {
    const account_id account{static_cast<std::uint32_t>(row.integer(0))};
    shape.hashed.emplace(account, wanted.key_of(account));
  }
  return shape;
}

void insert_terms(storage::sql_session& to, const std::string& table, std::vector<term>& all) {
  std::ranges::sort(all);
  storage::sql_rows rows;
  for (const auto& t : all)
    rows.add(t.slot, t.number, t.message, t.index);
  to.insert_each(table, "slot, term, message, idx", "ON CONFLICT DO NOTHING", rows);
}

const address_hash* projection::hash_of(account_id account) const {
  const auto found = shape_.hashed.find(account);
  return found == shape_.hashed.end() ? nullptr : &found->second;
}

void projection::add(const events::event& e) {
  if (e.kind == events::kind::accepted) return add_accepted(e);
  // What became of the delivery stays what a recipient is found by.
  if (!events::is_visit(e.kind)) add_outcome(e);
}

void projection::add_accepted(const events::event& e) {
  const auto slot = shape_.index.of(e.message);
  const auto* hash = hash_of(e.account);
  const auto index = [&](term_kind kind, std::string_view text, recipient_index of = {}) {
    if (text.empty()) return;
    auto& to = shape_.apart && kind == term_kind::recipient ? recipient_terms_ : terms_;
    to.push_back({slot, term_of(kind, text), e.message.value, of.value});
  };
  std::string tags;
  for (const auto each : message::tags_of(e.labels)) {
    const auto tag = storable(each);
    if (!tags.empty()) tags += '\n';
    tags += tag;
    index(term_kind::tag, tag);
  }
  auto sender = to_lower(storable(e.sender));
  if (hash != nullptr) sender = without_recipient(sender);
  auto campaign = storable(message::campaign_of(e.labels));
  auto header_message_id = storable(e.header_message_id);
  index(term_kind::sender, sender);
  index(term_kind::campaign, campaign);
  index(term_kind::header_message_id, header_message_id);
  const auto when = e.at.time_since_epoch().count();
  messages_.add(e.message.value, e.account.value, storable(e.stream), std::move(sender), std::move(campaign),
                std::move(tags), std::move(header_message_id), when, e.message_bytes,
                hash != nullptr ? std::string() : storable(e.subject));
  for (const auto& r : e.recipients) {
    auto address = hash != nullptr ? hash->of(storable(r.address)) : storable(r.address);
    const auto lower = to_lower(address);
    index(term_kind::recipient, lower, r.index);
    index(term_kind::domain, message::domain_of(lower), r.index);
    fresh_[{e.message, r.index}] = recipients_.size();
    recipients_.add(e.message.value, r.index.value, std::move(address), storable(e.provider), to_text(e.kind), "", "",
                    when, 0);
  }
}

void projection::add_outcome(const events::event& e) {
  const std::string kind(to_text(e.kind)), why(e.category ? bounce::to_text(*e.category) : "");
  const auto said = hash_of(e.account) != nullptr ? codes_of(answer_of(e)) : answer_of(e), to = storable(e.provider);
  const auto when = e.at.time_since_epoch().count();
  const auto change = [&](std::span<storage::sql_value> known) {
    known[status] = kind;
    known[category] = why;
    known[reply] = said;
    known[at] = when;
    if (e.attempts != 0) known[attempts] = e.attempts;
    if (!to.empty()) known[provider] = to;
  };
  for (const auto& r : e.recipients) {
    const auto fresh = fresh_.find({e.message, r.index});
    if (fresh == fresh_.end()) {
      const auto [changed, first] = changed_.try_emplace({e.message, r.index}, outcomes_.size());
      if (first)
        outcomes_.add(e.message.value, r.index.value, "", to, kind, why, said, when, e.attempts);
      else
        change(outcomes_[changed->second]);
      continue;
    }
    change(recipients_[fresh->second]);
  }
}

// Late ones: the merging may have passed their place already.
void insert_merged(storage::sql_session& to, const std::string& table, const std::vector<term>& all) {
  storage::sql_rows rows;
  for (const auto& t : all)
    rows.add(t.number, t.message, t.index);
  to.insert_each(table, "term, message, idx", "ON CONFLICT DO NOTHING", rows);
}

// In this order, as each recipient is there before anything becomes of it.
void projection::write(storage::sql_session& to) {
  constexpr std::string_view once = "ON CONFLICT DO NOTHING";
  const auto& names = shape_.names;
  to.insert_each(names("messages"),
                 "id, account, stream, sender, campaign, tags, header_message_id, accepted, bytes, subject", once,
                 messages_);
  to.insert_each(names("recipients"), "message, idx, address, provider, status, category, reply, at, attempts", once,
                 recipients_);
  insert_terms(to, names("terms"), terms_);
  insert_terms(to, names("recipient_terms"), recipient_terms_);
  if (shape_.merging) insert_merged(to, names("merged_terms"), recipient_terms_);
  write_outcomes(to, names("recipients"));
  if (shape_.moving) write_outcomes(to, names("moved_recipients"));
}

// A recipient is there once at most.
void projection::write_outcomes(storage::sql_session& to, const std::string& table) const {
  if (outcomes_.empty()) return;
  if (!to.embedded()) {
    std::vector<storage::sql_value> bound;
    const auto rows = storage::sql_session::unnested(outcomes_, bound);
    to.change(fmt::format("UPDATE {} AS r SET status = v.status, category = v.category, reply = v.reply, at = v.at,"
                          " attempts = CASE WHEN v.attempts > 0 THEN v.attempts ELSE r.attempts END,"
                          " provider = COALESCE(NULLIF(v.provider, ''), r.provider) FROM {} AS v (message, idx,"
                          " address, provider, status, category, reply, at, attempts)"
                          " WHERE r.message = v.message AND r.idx = v.idx",
                          table, rows),
              bound);
    return;
  }
  storage::sql_rows rows;
  for (std::size_t i = 0; i < outcomes_.size(); ++i) {
    const auto o = outcomes_[i];
    rows.add(o[status], o[category], o[reply], o[at], o[attempts], o[attempts], o[provider], o[0], o[1]);
  }
  to.change_each(
      fmt::format("UPDATE {} SET status = :status, category = :category, reply = :reply, at = :at,"
                  " attempts = CASE WHEN :attempts > 0 THEN :made ELSE attempts END,"
                  " provider = COALESCE(NULLIF(:provider, ''), provider) WHERE message = :message AND idx = :idx",
                  table),
      rows);
}

bool is_known(storage::sql_session& in, const day_shape& shape, const events::event& e) {
  // What an event tells of its recipients was written at once: one of them tells of all.
  if (e.recipients.empty() && e.kind != events::kind::accepted) return false;
  if (events::is_visit(e.kind)) return true;  // no row can tell; a log that was set back has counted most of them
  const auto when = e.at.time_since_epoch().count();
  const auto has = [&](std::string_view messages, std::string_view recipients) {
    if (e.kind == events::kind::accepted)
      return in.row(fmt::format("SELECT 1 FROM {} WHERE id = :id", shape.names(messages)), {e.message.value})
          .has_value();
    return in
        .row(fmt::format("SELECT 1 FROM {} WHERE message = :message AND idx = :idx AND (at > :at OR (at = :same AND"
                         " status = :status))",
                         shape.names(recipients)),
             {e.message.value, e.recipients.front().index.value, when, when, std::string(to_text(e.kind))})
        .has_value();
  };
  return has("messages", "recipients") || (shape.moving && has("moved_messages", "moved_recipients"));
}

void apply_events(storage::sql_session& to, const day_shape& shape, std::span<const events::event* const> batch,
                  std::uint64_t known, event_seq known_until) {
  projection all(shape);
  tally counts;
  for (const auto* e : batch) {
    if (e->seq.value <= known) continue;
    if (e->seq <= known_until) {
      if (is_known(to, shape, *e)) continue;
      projection one(shape);
      one.add(*e);
      one.write(to);
    } else {
      all.add(*e);
    }
    counts.add(*e);
  }
  all.write(to);
  counts.write(to, shape.names);
}

}  // namespace gonets::journal
