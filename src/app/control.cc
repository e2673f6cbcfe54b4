#include "app/control.h"

#include <fmt/format.h>

#include <algorithm>
#include <ranges>

#include "app/ask_all.h"
#include "app/captured.h"
#include "app/from_pool.h"
#include "base/text.h"
#include "events/log_reader.h"
#include "message/address.h"
#include "spool/audit.h"

namespace gonets::app {
namespace {

constexpr std::size_t content_bytes_max = 1024 * 1024;
constexpr account_id nobodys{~0u};
constexpr std::size_t candidates_max = 5'000'000;

wall_time from_ms(std::int64_t ms) {
  return wall_time(std::chrono::milliseconds(ms));
}

std::optional<scheduler::entry_state> state_named(const std::string& name) {
  for (const auto s :
       {scheduler::entry_state::resolving, scheduler::entry_state::ready, scheduler::entry_state::leased,
        scheduler::entry_state::deferred, scheduler::entry_state::held, scheduler::entry_state::paused}) {
    if (to_text(s) == name) return s;
  }
  return std::nullopt;
}

scheduler::selector selector_of(const httpd::queue_filter& f, const accounts::directory& in, wall_time now) {
  scheduler::selector s;
  s.id = f.id;
  s.domain = to_lower(f.domain);
  s.state = state_named(f.state);
  if (!f.account.empty()) {
    const auto* account = in.find_account(f.account);
    s.account = account != nullptr ? account->id : nobodys;
  }
  if (!f.recipient.empty()) {
    const auto domain = to_lower(message::domain_of(f.recipient));
    if (!s.domain.empty() && s.domain != domain) s.account = nobodys;  // no recipient is in two domains
    s.domain = domain;
  }
  if (f.older_than.count() > 0) {
    s.accepted_before_ms = (now - f.older_than).time_since_epoch().count();
  }
  return s;
}

bool is_whole_address(const std::string& recipient) {
  return !recipient.empty() && recipient.front() != '@';
}

bool waits_for_release(const httpd::queue_row& row, wall_time now) {
  return row.attempts == 0 && row.next_attempt > now && row.next_attempt == row.release_at;
}

// The index has no addresses: the spool has.
std::optional<httpd::queue_row> row_of(parts& all, const scheduler::entry_view& v) {
  const auto m = all.store->fetch(v.id, false);
  if (!m || v.index.value >= m->envelope.recipients.size()) return std::nullopt;
  httpd::queue_row row;
  row.id = v.id;
  row.index = v.index;
  row.state = to_text(v.state);
  row.sender = m->envelope.reverse_path;
  row.recipient = m->envelope.recipients[v.index.value].address;
  row.stream = m->stream;
  const auto known = all.accounts->current();
  if (const auto* owner = known->find(m->account); owner != nullptr) row.account = owner->name;
  row.message_bytes = m->body_bytes;
  row.accepted = m->accepted();
  row.next_attempt = from_ms(v.due_ms);
  row.attempts = v.attempts;
  row.site = v.site;
  for (const auto& r : all.store->fetch_records(v.id)) {
    if (r.index != v.index) continue;
    row.last_stage = r.record.last_stage;
    row.last_answer = r.record.last_answer;
    row.hold_reason = r.record.hold_reason;
  }
  if (!v.why_paused.empty()) row.hold_reason = v.why_paused;
  row.release_at = m->envelope.release_at;
  row.deliver_by = m->envelope.deliver_by;
  if (waits_for_release(row, all.time.wall())) row.hold_reason = "held by its sender";
  return row;
}

std::vector<scheduler::entry_view> select(parts& all, const httpd::queue_filter& f, std::size_t max,
                                          std::uint64_t& matching) {
  const auto which = selector_of(f, *all.accounts->current(), all.time.wall());
  std::vector<scheduler::entry_view> rows;
  for (auto& part : ask_all(all, [which, max](scheduler::scheduler& s) { return s.select(which, max); })) {
    matching += part.matching;
    rows.insert(rows.end(), part.rows.begin(), part.rows.end());
  }
  std::ranges::sort(rows, [](const auto& a, const auto& b) { return a.id != b.id ? a.id < b.id : a.index < b.index; });
  return rows;
}

httpd::queue_page page_of(parts& all, const httpd::queue_filter& f, std::size_t rows_max) {
  httpd::queue_page page;
  const bool by_address = is_whole_address(f.recipient);
  const auto views = select(all, f, by_address ? candidates_max : rows_max, page.matching);
  if (by_address) page.matching = 0;
  for (const auto& v : views) {
    if (!by_address && page.rows.size() >= rows_max) break;
    auto row = row_of(all, v);
    if (!row || (by_address && row->recipient != f.recipient)) continue;
    if (by_address) ++page.matching;
    if (page.rows.size() < rows_max) page.rows.push_back(std::move(*row));
  }
  return page;
}

// What a rule made of the reply, as the event of the last attempt has it.
std::string said_of_deferral(const std::vector<events::event>& history, recipient_index who) {
  for (const auto& e : std::views::reverse(history)) {
    if (e.kind != events::kind::deferred ||
        std::ranges::find(e.recipients, who, &events::event_recipient::index) == e.recipients.end())
      continue;
    return e.reason.empty() ? std::string() : ": " + e.reason;
  }
  return {};
}

// No mail waits for them: it goes by others, or by them all the same.
std::vector<httpd::obstacle> egresses_passed_over(const parts& all, account_id account, const httpd::queue_row& row) {
  std::vector<httpd::obstacle> found;
  spool::queued_message m;
  m.account = account;
  m.stream = row.stream;
  for (const auto& [name, why] : all.egresses.listed_for(m, message::domain_of(row.recipient))) {
    const bool used = row.site.ends_with(" via " + name);
    found.push_back({"egress_listed",
                     fmt::format("the egress {} is taken out: {}; {}", name, why,
                                 used ? "its mail goes by it all the same, since no other of its pool works"
                                      : "the mail goes by another of its pool"),
                     {}});
  }
  return found;
}

}  // namespace

httpd::readiness control::ready() {
  const auto status = parts_.store->admission();
  if (status == spool::commit_status::no_space) return {false, "the disk of the spool is nearly full"};
  if (status == spool::commit_status::failed) return {false, "the spool can't be written"};
  return {true, {}};
}

std::string control::metrics_page() {
  return parts_.counts.render();
}

void control::summary(std::size_t lines_max, done<httpd::queue_summary> answer) {
  from_pool(parts_, std::move(answer), [this, lines_max] {
    httpd::queue_summary sum;
    sum.loading = parts_.loading.load();
    for (const auto& t : ask_all(parts_, [](scheduler::scheduler& s) { return s.count(); })) {
      sum.resolving += t.resolving;
      sum.ready += t.ready;
      sum.sending += t.sending;
      sum.deferred += t.deferred;
      sum.held += t.held;
    }
    for (const auto& lines : ask_all(parts_, [](scheduler::scheduler& s) { return s.lines(~std::size_t{0}); })) {
      sum.lines_in_all += lines.size();
      for (const auto& l : lines) {
        sum.lines.push_back({l.site, l.state, l.reason, l.ready, l.sending, l.deferred, l.held,
                             static_cast<std::uint32_t>(l.connections), from_ms(l.oldest_ms),
                             from_ms(l.next_attempt_ms)});
      }
    }
    const auto size = [](const auto& l) { return l.ready + l.sending + l.deferred + l.held; };
    std::ranges::stable_sort(sum.lines, [&](const auto& a, const auto& b) { return size(a) > size(b); });
    if (sum.lines.size() > lines_max) sum.lines.resize(lines_max);
    return sum;
  });
}

void control::list(httpd::queue_filter which, std::size_t rows_max, done<httpd::queue_page> answer) {
  from_pool(parts_, std::move(answer),
            [this, which = std::move(which), rows_max] { return page_of(parts_, which, rows_max); });
}

void control::show(message_id id, done<std::optional<httpd::queue_page>> answer) {
  from_pool(parts_, std::move(answer), [this, id]() -> std::optional<httpd::queue_page> {
    httpd::queue_filter f;
    f.id = id;
    auto page = page_of(parts_, f, 1000);
    if (page.rows.empty()) return std::nullopt;
    return page;
  });
}

void control::content(message_id id, done<std::optional<std::string>> answer) {
  from_pool(parts_, std::move(answer), [this, id]() -> std::optional<std::string> {
    const auto m = parts_.store->fetch(id, false);
    if (!m) return std::nullopt;
    std::string text;
    for (std::uint32_t n = 0; n < m->chunks && text.size() < content_bytes_max; ++n) {
      auto part = parts_.store->fetch_chunk(id, n);
      if (!part) break;
      text += *part;
    }
    if (text.size() > content_bytes_max) text.resize(content_bytes_max);
    return text;
  });
}

void control::act(httpd::queue_filter which, httpd::queue_action what, std::string reason, done<std::uint64_t> answer) {
  from_pool(parts_, std::move(answer), [this, which = std::move(which), what, reason = std::move(reason)] {
    auto chosen = selector_of(which, *parts_.accounts->current(), parts_.time.wall());
    if (is_whole_address(which.recipient)) {
      for (const auto& row : page_of(parts_, which, candidates_max).rows)
        chosen.only.emplace_back(row.id, row.index);
      if (chosen.only.empty()) return std::uint64_t{0};
    }
    const auto action = static_cast<scheduler::action>(what);
    std::uint64_t changed = 0;
    for (const auto n : ask_all(parts_, [=](scheduler::scheduler& s) { return s.act(chosen, action, reason); })) {
      changed += n;
    }
    return changed;
  });
}
static_assert(static_cast<int>(scheduler::action::remove) == static_cast<int>(httpd::queue_action::remove));
static_assert(static_cast<int>(scheduler::action::hold) == static_cast<int>(httpd::queue_action::hold));

void control::trace(message_id id, done<std::vector<events::event>> answer) {
  from_pool(parts_, std::move(answer), [this, id] {
    auto found = events::read_history(parts_.store->store(), id);
    return found ? std::move(*found) : std::vector<events::event>{};
  });
}

void control::why(message_id id, done<std::vector<httpd::why_row>> answer) {
  from_pool(parts_, std::move(answer), [this, id] {
    std::vector<httpd::why_row> rows;
    const auto history = events::read_history(parts_.store->store(), id).value_or(std::vector<events::event>{});
    for (const auto& part : ask_all(parts_, [id](scheduler::scheduler& s) { return s.explain(id); })) {
      for (auto x : part) {
        auto row = row_of(parts_, x.entry);
        if (!row) continue;
        httpd::why_row why{std::move(*row), {}, {}};
        bool for_operator = false;  // who alone knows until when
        for (auto& o : x.obstacles) {
          if (o.what == "retry_time" && waits_for_release(why.row, parts_.time.wall())) {
            o.what = "sender_hold";
            o.detail = "held by its sender; `gonets queue retry` sends it now";
          } else if (o.what == "retry_time") {
            o.detail += said_of_deferral(history, x.entry.index);
          }
          const bool with_reason = o.what == "held" && !why.row.hold_reason.empty();
          for_operator |= o.what == "held" || o.what == "standing_hold" || o.what == "account_paused";
          why.obstacles.push_back(
              {o.what, with_reason ? why.row.hold_reason + ": " + o.detail : o.detail, from_ms(o.until_ms)});
          why.expected = std::max(why.expected, from_ms(o.until_ms));
        }
        if (for_operator) why.expected = {};
        for (auto& o : egresses_passed_over(parts_, x.entry.account, why.row))
          why.obstacles.push_back(std::move(o));
        rows.push_back(std::move(why));
      }
    }
    std::ranges::sort(rows, {}, [](const auto& r) { return r.row.index; });
    return rows;
  });
}

void control::audit(done<httpd::audit_report> answer) {
  from_pool(parts_, std::move(answer), [this] {
    const auto view = parts_.store->store().take_snapshot();
    return to_report(spool::audit(parts_.store->store(), &view));
  });
}

void control::with_accounts(std::move_only_function<httpd::response(accounts::registry&)> work,
                            done<httpd::response> answer) {
  const auto asker = runtime::shards::current();
  auto shared = std::make_shared<done<httpd::response>>(std::move(answer));
  const bool taken = parts_.database.run([this, asker, shared, work = std::move(work)]() mutable {
    parts_.shards.post(asker, [shared, said = work(*parts_.accounts)]() mutable { (*shared)(std::move(said)); });
  });
  if (!taken)
    (*shared)(httpd::error_response(503, "busy", "too many changes wait for the database", "try again later"));
}

accounts::directory_ptr control::accounts_now() {
  return parts_.accounts->current();
}

std::vector<httpd::quota_use> control::used_of(account_id who, const std::vector<accounts::quota>& quotas) {
  const auto now = parts_.time.wall();
  const auto counters = parts_.store->quotas().of(who);
  std::vector<httpd::quota_use> all;
  for (const auto& q : quotas) {
    const auto at = std::ranges::find(counters, q.stream, &spool::quota_use::stream);
    all.push_back(
        {at == counters.end() ? 0 : at->counter.used(q.window, q.measure, now), shaping::window_end(q.window, now)});
  }
  return all;
}

// A listener on all addresses is named by the host's name; one on loopback is of use to this machine only.
std::vector<httpd::submission_port> control::submission_ports() {
  std::vector<httpd::submission_port> all;
  for (const auto& l : parts_.with.listeners) {
    if (l.kind == config::listener_kind::smtp) continue;
    const auto address = parse_address(l.address.host);
    const bool local = address && is_loopback(*address);
    const bool implicit = l.kind == config::listener_kind::submissions;
    all.push_back({local ? l.address.host : parts_.with.server.hostname, l.address.port,
                   implicit                                 ? "implicit"
                   : parts_.with.certificates_of(l).empty() ? ""
                                                            : "starttls"});
  }
  return all;
}

void control::captured(std::size_t rows_max, done<std::vector<httpd::captured_message>> answer) {
  from_pool(parts_, std::move(answer), [this, rows_max] { return list_captured(parts_.capture_path, rows_max); });
}

void control::captured_content(std::string id, done<std::optional<std::string>> answer) {
  from_pool(parts_, std::move(answer), [this, id = std::move(id)] { return read_captured(parts_.capture_path, id); });
}

}  // namespace gonets::app
