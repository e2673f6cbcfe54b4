#include "intake/intake.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/log.h"
#include "base/text.h"
#include "intake/feedback_id.h"
#include "intake/schedule_text.h"
#include "intake/sender_fields.h"
#include "intake/sender_policy.h"
#include "intake/track.h"
#include "intake/unsubscribe_fields.h"
#include "message/address.h"
#include "message/fixed_addresses.h"
#include "message/labels.h"
#include "message/list_id.h"
#include "message/mailbox_list.h"
#include "message/mime_tree.h"
#include "message/trace.h"
#include "runtime/dns_name.h"

namespace gonets::intake {
namespace {

// splitmix64: spreads a counter over all 64 bits.
std::uint64_t mixed(std::uint64_t x) {
  x += 0x9E3779B97F4A7C15ull;
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ull;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBull;
  return x ^ (x >> 31);
}

// RFC 3848, and RFC 6531 4.3 for the UTF8 forms.
std::string_view with_protocol(const source& from, bool smtputf8) {
  static constexpr std::string_view utf8[] = {"UTF8SMTP", "UTF8SMTPS", "UTF8SMTPA", "UTF8SMTPSA"};
  static constexpr std::string_view extended[] = {"ESMTP", "ESMTPS", "ESMTPA", "ESMTPSA"};
  const auto which = (from.tls.empty() ? 0u : 1u) + (from.authenticated ? 2u : 0u);
  if (smtputf8) return utf8[which];
  return from.esmtp ? extended[which] : "SMTP";
}

reply too_large(std::uint64_t bytes_max) {
  return {552, {5, 3, 4}, fmt::format("Message is larger than the {} octets that this account may send", bytes_max)};
}

reply header_refusal(message::header_error e, const message::header_limits& limits) {
  switch (e) {
    case message::header_error::too_large:
      return {552, {5, 3, 4}, fmt::format("Message header is larger than {} bytes", limits.header_bytes_max)};
    case message::header_error::too_many_fields:
      return {552, {5, 3, 4}, fmt::format("Message header has more than {} fields", limits.fields_max)};
    case message::header_error::loop:
      break;
  }
  return {554, {5, 4, 6}, fmt::format("Mail loop: the message has passed more than {} servers", limits.hops_max)};
}

bool is_role(std::string_view local_part) {
  const auto name = to_lower(local_part);
  return name == "postmaster" || name == "abuse";
}

bool takes_what_comes_back(const options& with, const accounts::directory& all, std::string_view domain) {
  return !with.feedback_domain.empty() && (domain == with.feedback_domain || all.is_return_path(domain));
}

// What comes back to the return-path host of a sender is one thing with what comes back to ours.
void name_feedback(const options& with, const accounts::directory& all, message::envelope& in) {
  for (auto& r : in.recipients) {
    const auto domain = message::domain_of(r.address);
    if (!takes_what_comes_back(with, all, domain)) continue;
    const auto local = message::local_part_of(r.address);
    if (is_role(local)) {
      r.address = with.postmaster;
    } else if (domain != with.feedback_domain) {
      r.address = fmt::format("{}@{}", local, with.feedback_domain);
    }
  }
}

bool includes(const std::vector<std::string>& streams, std::string_view name) {
  return std::ranges::find(streams, name) != streams.end();
}

// Empty when the author can't be judged: such mail is signed for nobody.
std::string author_domain(const message::header_summary& header) {
  if (header.from_fields != 1) return {};
  const auto authors = message::parse_mailbox_list(header.from);
  if (!authors || authors->size() != 1) return {};
  return runtime::to_a_labels(message::domain_of(authors->front())).value_or("");
}

// As reports that come back name it: what no server would repeat as it stands is not worth keeping.
std::string bare_message_id(std::string_view field) {
  constexpr std::size_t bytes_max = 255;
  const auto from = field.find('<');
  const auto to = field.find('>', from);
  if (to == std::string_view::npos || to - from > bytes_max) return {};
  const auto id = field.substr(from + 1, to - from - 1);
  const bool printable = std::ranges::all_of(id, [](char c) { return c > ' ' && c < '\x7f'; });
  return printable ? std::string(id) : std::string();
}

constexpr enhanced_status not_authorized{5, 7, 1};
constexpr std::size_t subject_bytes_max = 512;

std::vector<byte_range> fields_named(std::string_view name, std::string_view header) {
  std::vector<byte_range> found;
  auto rest = header;
  for (message::field f;;) {
    const auto begins = header.size() - rest.size();
    if (!message::take_field(rest, f)) return found;
    if (message::same_field_name(f.name, name)) found.push_back({begins, header.size() - rest.size() - begins});
  }
}

void log_accepted(const events::event& e) {
  if (!log::enabled(log::level::info)) return;
  log::line line(log::level::info, "accepted");
  line.add("id", to_text(e.message));
  line.add("from", e.sender);
  line.add("to", e.recipients.front().address);
  if (e.recipients.size() > 1) line.add("recipients", e.recipients.size());
  line.add("bytes", e.message_bytes);
  line.add("origin", e.origin);
}

}  // namespace

std::size_t leave_out(std::string& text, const std::vector<byte_range>& ranges) {
  std::size_t bytes = 0;
  for (auto r = ranges.rbegin(); r != ranges.rend(); ++r) {
    text.erase(r->begins, r->bytes);
    bytes += r->bytes;
  }
  return bytes;
}

intake::intake(options with, const message::verp_signer& return_paths, const message::verp_signer& unsubscribes,
               const message::verp_signer& feedback_ids, const message::tracked_addresses& tracked, spool::spool& store,
               id_source& ids, const clock& time, const accounts::directory_source& accounts, metrics::registry& counts,
               std::uint64_t seed, runtime::shards& on, runtime::blocking_pool& signers, admit_function admit)
    : with_(std::make_shared<const options>(std::move(with))),
      return_paths_(return_paths),
      unsubscribes_(unsubscribes),
      feedback_ids_(feedback_ids),
      tracked_(tracked),
      store_(store),
      ids_(ids),
      time_(time),
      accounts_(accounts),
      shards_(on),
      signers_(signers),
      admit_(std::move(admit)),
      refusals_(store, time, counts),
      random_(seed),
      accepted_(counts.make_counter("gonets_messages_accepted_total", "Messages answered 250.")),
      accepted_bytes_(counts.make_counter("gonets_messages_accepted_bytes_total", "Their size.")),
      refused_(counts.make_counter("gonets_messages_refused_total", "Messages refused after their data.")),
      over_quota_(counts.make_counter("gonets_over_quota_total", "Commands and messages refused for a quota.")),
      signed_(counts.make_counter("gonets_messages_signed_total", "Messages that got a DKIM signature.")),
      tracking_(counts.make_counter("gonets_messages_tracked_total", "Messages whose opens or clicks will be seen.")) {}

void intake::reconfigure(options with) {
  with_.store(std::make_shared<const options>(std::move(with)));
}

std::optional<reply> intake::check_sender(const source& from, std::string_view reverse_path,
                                          std::uint64_t declared_bytes) const {
  if (!from.trusted) {
    if (from.submission) return reply{530, {5, 7, 0}, "Authentication required"};
    return std::nullopt;
  }
  const auto all = accounts_.current();
  const auto* account = all->find(from.account);
  if (auto refusal = check_account(*all, account, reverse_path)) return refusal;
  if (account->message_bytes_max != 0 && declared_bytes > account->message_bytes_max)
    return too_large(account->message_bytes_max);
  return check_quotas(*all, from, {1, 1, declared_bytes});
}

std::optional<reply> intake::check_account(const accounts::directory& all, const accounts::account* of,
                                           std::string_view reverse_path) const {
  if (of == nullptr || of->state == accounts::account_state::closed)
    return reply{550, not_authorized, "This account is closed"};
  if (of->policy == accounts::from_policy::off) return std::nullopt;
  auto wrong = judge_reverse_path(all, of->id, reverse_path);
  if (!wrong) return std::nullopt;
  if (of->policy == accounts::from_policy::enforce) return reply{550, not_authorized, std::move(*wrong)};
  GONETS_LOG(warning, "sender_not_verified", "account", of->name, "finding", *wrong);
  return std::nullopt;
}

std::optional<reply> intake::check_quotas(const accounts::directory& all, const source& from,
                                          const shaping::quota_charge& charge) const {
  const auto& quotas = all.quotas_of(from.account);
  if (quotas.empty()) return std::nullopt;
  const auto excess = store_.quotas().find_excess(from.account, from.stream, quotas, charge, time_.wall());
  if (!excess) return std::nullopt;
  return quota_refusal(*all.find(from.account), *excess);
}

reply intake::quota_refusal(const accounts::account& of, const shaping::quota_excess& e) const {
  over_quota_.add();
  refusals_.over_quota(of.id, e);
  const auto text = "This account is " + to_text(e);
  if (e.which.window == shaping::quota_window::month && of.month_is_final) return {550, not_authorized, text};
  return {452, {4, 2, 2}, text};
}

std::optional<reply> intake::check_recipient(const source& from, std::string_view address,
                                             std::size_t recipients) const {
  if (from.trusted) {
    const auto all = accounts_.current();
    const auto* account = all->find(from.account);
    if (account != nullptr && account->recipients_max != 0 && recipients >= account->recipients_max)
      return reply{452, {4, 5, 3}, fmt::format("This account may name {} recipients", account->recipients_max)};
    return check_quotas(*all, from, {0, recipients + 1, 0});
  }
  const auto domain = message::domain_of(address);
  const auto with = with_.load();
  if (takes_what_comes_back(*with, *accounts_.current(), domain)) return check_feedback(address);
  if (std::ranges::find(with->inbound_domains, domain) != with->inbound_domains.end()) return std::nullopt;
  return reply{550, {5, 7, 1}, "Relaying denied: this server does not accept mail for that domain from your address"};
}

// The domain takes what comes back, and what people write to who runs it: RFC 5321 4.5.1, RFC 2142.
std::optional<reply> intake::check_feedback(std::string_view address) const {
  const auto local = message::local_part_of(address);
  if (is_role(local) || message::parse_fixed_address(local) || return_paths_.open(local) || unsubscribes_.open(local))
    return std::nullopt;
  return reply{550, {5, 1, 1}, "No such address: this domain takes only what comes back"};
}

reply intake::refusal_for(spool::commit_status status) {
  if (status == spool::commit_status::over_quota) return {452, {4, 2, 2}, "This account is over a quota"};
  if (status == spool::commit_status::no_space) return {452, {4, 3, 1}, "Insufficient system storage, try again later"};
  return {451, {4, 3, 0}, "The message could not be stored, try again later"};
}

std::optional<reply> intake::check_space() const {
  const auto status = store_.admission();
  if (status == spool::commit_status::ok) return std::nullopt;
  return refusal_for(status);
}

std::expected<composed, reply> intake::compose(const source& from, message::envelope envelope, std::string_view first) {
  const auto with = with_.load();
  const auto header = message::scan_header(first, with->header);
  if (!header) {
    refused_.add();
    return std::unexpected(header_refusal(header.error(), with->header));
  }
  const auto all = accounts_.current();
  if (from.trusted) {
    if (auto refusal = judge(*all, from, *header, first.size())) {
      refused_.add();
      return std::unexpected(std::move(*refusal));
    }
  }
  composed c{std::make_shared<spool::queued_message>(), nullptr, {}, {}, {}, {}};
  auto& m = *c.message;
  m.id = ids_.next(time_.wall());
  m.account = from.account;
  m.stream = from.stream;
  m.envelope = std::move(envelope);
  if (!with->feedback_domain.empty()) {
    m.own_return_path = from.trusted && !m.envelope.reverse_path.empty();
    name_feedback(*with, *all, m.envelope);
  }
  // RFC 8689 5: the one value that there is; REQUIRETLS outranks it.
  m.tls_optional = !m.envelope.require_tls && message::same_field_name(header->tls_required, "no");
  c.track = {includes(with->track_opens_streams, m.stream), includes(with->track_clicks_streams, m.stream)};
  if (from.trusted && header->gonets_fields > 0) {
    if (auto refusal = read_fields(*with, *all, first.substr(0, header->header_bytes), c)) {
      refused_.add();
      return std::unexpected(std::move(*refusal));
    }
  }
  // Each recipient has addresses of his own, and the message is signed once for all of them.
  if (!from.trusted || m.envelope.recipients.size() != 1 || with->web_url.empty()) c.track = {};
  const auto author = from.trusted && !all->all().domains.empty() ? author_domain(*header) : std::string();
  if (m.own_return_path) m.return_path_domain = all->return_path_for(from.account, author);
  add_head(*with, from, *header, c);
  if (from.trusted) {
    const auto* account = all->find(from.account);
    if (account != nullptr && account->journal_subject)
      c.subject = message::decoded_field(header->subject, subject_bytes_max);
  }
  if (from.trusted) m.list_id = message::list_id_of(header->list_id);
  if (m.own_return_path && !header->unsubscribes) add_unsubscribing(*with, m);
  // A field that is there counts, be it empty.
  if (m.own_return_path && header->feedback_id.data() == nullptr) add_feedback_id(*with, *all, m);
  if (from.trusted && !all->all().domains.empty())
    c.signatures = signatures_for(*all, from.account, author, with->signing);
  return c;
}

std::optional<reply> intake::read_fields(const options& with, const accounts::directory& all, std::string_view header,
                                         composed& to) {
  auto& m = *to.message;
  auto fields = read_sender_fields(header);
  if (!fields) return reply{554, {5, 6, 0}, std::move(fields.error())};
  if (!fields->egress.empty() && std::ranges::find(with.egress_choices, fields->egress) == with.egress_choices.end())
    return reply{550, not_authorized,
                 fmt::format("X-Gonets-Egress: \"{}\" may not be chosen; see delivery.egress_choices", fields->egress)};
  const auto* account = all.find(m.account);
  if (fields->ignore_suppression && (account == nullptr || !account->may_ignore_suppression))
    return reply{
        550, not_authorized,
        fmt::format("{}: this account has no right to send to suppressed addresses", ignore_suppression_field)};
  m.ignores_suppression = fields->ignore_suppression;
  to.left_out = fields_named(ignore_suppression_field, header);
  m.egress = std::move(fields->egress);
  m.labels = message::join_labels(fields->campaign, fields->tags);
  if (fields->track) to.track = *fields->track;
  return std::nullopt;
}

std::optional<reply> intake::judge(const accounts::directory& all, const source& from,
                                   const message::header_summary& header, std::size_t first_bytes) const {
  const auto* account = all.find(from.account);
  if (account == nullptr || account->policy == accounts::from_policy::off) return std::nullopt;
  auto wrong = judge_header(all, from.account, header, first_bytes);
  if (!wrong) return std::nullopt;
  if (account->policy == accounts::from_policy::enforce) return reply{550, not_authorized, std::move(*wrong)};
  GONETS_LOG(warning, "sender_not_verified", "account", account->name, "finding", *wrong);
  return std::nullopt;
}

// Mail of trusted networks is not counted unless somebody gave quotas to its account.
void intake::charge(const source& from, spool::acceptance& request) const {
  if (!from.trusted) return;
  auto all = accounts_.current();
  const auto& quotas = all->quotas_of(from.account);
  if (from.account == accounts::default_account && quotas.empty()) return;
  request.quotas = {std::move(all), &quotas};
}

void intake::add_head(const options& with, const source& from, const message::header_summary& header, composed& c) {
  auto& m = *c.message;
  c.header_message_id = bare_message_id(header.message_id);
  const auto now = time_.wall();
  message::received_facts facts;
  facts.helo_name = from.helo;
  facts.peer_address = from.peer_address;
  facts.by = with.hostname;
  facts.with = with_protocol(from, m.envelope.smtputf8);
  facts.tls = from.tls;
  if (m.envelope.recipients.size() == 1) facts.for_address = m.envelope.recipients.front().address;
  facts.id = m.id;
  facts.at = now;
  message::append_received(m.head, facts);
  if (!from.submission) return;
  if (header.date.empty()) {
    m.head += "Date: ";
    message::append_date(m.head, now);
    m.head += "\r\n";
  }
  if (header.message_id.empty()) {
    const auto begins = m.head.size();
    message::append_message_id(m.head, m.id, mixed(random_.fetch_add(1, std::memory_order_relaxed)), with.hostname);
    c.header_message_id = bare_message_id(std::string_view(m.head).substr(begins));
  }
}

// A message is signed once, for all of its recipients, and these fields must be signed and name the recipient (RFC 8058
// 3.1, 4). So only a message to one has them, which is how bulk mail comes.
void intake::add_unsubscribing(const options& with, spool::queued_message& m) const {
  if (m.envelope.recipients.size() != 1) return;
  if (!includes(with.unsubscribe_streams, m.stream)) return;
  append_unsubscribe_fields(m.head, unsubscribes_, {m.id, recipient_index{0}}, with.web_url,
                            m.return_path_domain.empty() ? with.feedback_domain : m.return_path_domain);
}

void intake::add_feedback_id(const options& with, const accounts::directory& all, spool::queued_message& m) const {
  if (!includes(with.feedback_id_streams, m.stream)) return;
  std::optional<message::verp> only;
  if (m.envelope.recipients.size() == 1) only = {m.id, recipient_index{0}};
  const auto* account = all.find(m.account);
  append_feedback_id(
      m.head, feedback_ids_, only,
      {message::campaign_of(m.labels), m.stream, account == nullptr ? std::string_view() : account->name});
}

void intake::accept(composed c, const source& from, std::uint32_t chunks_written, std::size_t shard, on_accepted done) {
  spool::acceptance request;
  auto& m = *c.message;
  auto& e = request.event;
  e.kind = events::kind::accepted;
  e.at = time_.wall();
  e.message = m.id;
  e.account = m.account;
  e.stream = m.stream;
  e.sender = m.envelope.reverse_path;
  e.labels = m.labels;
  e.list_id = m.list_id;
  e.ignores_suppression = m.ignores_suppression;
  e.header_message_id = std::move(c.header_message_id);
  e.subject = std::move(c.subject);
  e.origin = fmt::format("{} ({})", from.peer_address, from.helo);
  e.reason = schedule_text(m.envelope);
  e.recipients.reserve(m.envelope.recipients.size());
  for (std::size_t i = 0; i < m.envelope.recipients.size(); ++i) {
    e.recipients.push_back({recipient_index{static_cast<std::uint16_t>(i)}, m.envelope.recipients[i].address});
  }
  request.message = std::move(c.message);
  request.chunks_written = chunks_written;
  request.shard = shard;
  charge(from, request);
  // One that is not kept in memory is not tracked.
  const auto track = request.message->in_memory ? c.track : track_wish{};
  const bool tracks = track != track_wish{};
  if (!c.signatures && !tracks) return commit(std::move(request), shard, std::move(done));

  const bool quick = !tracks && c.signatures->quick(*request.message);
  auto answer = std::make_shared<on_accepted>(std::move(done));
  auto waiting = std::make_shared<spool::acceptance>(std::move(request));
  auto finish = [this, shard, answer, waiting, track, tracks, signatures = std::move(c.signatures)] {
    if (tracks && put_addresses(*waiting->message, track, tracked_, with_.load()->web_url)) tracking_.add();
    if (signatures && !signatures->sign(*waiting->message, time_.wall()))
      return give_up(*waiting, {451, {4, 3, 0}, "The message could not be signed"}, answer);
    if (signatures) signed_.add();
    commit(std::move(*waiting), shard, std::move(*answer));
  };
  if (quick) return finish();
  waiting->announced = store_.announce();
  if (signers_.run(std::move(finish))) return;
  give_up(*waiting, {451, {4, 3, 2}, "Too busy to sign the message; try again later"}, answer);
}

void intake::give_up(const spool::acceptance& request, reply why, std::shared_ptr<on_accepted> done) {
  refused_.add();
  if (request.chunks_written > 0) store_.discard_chunks(request.message->id, request.chunks_written);
  shards_.post(request.shard, [done = std::move(done), why = std::move(why)]() mutable { (*done)(std::move(why)); });
}

// The quota was there when it was asked for, and others were faster.
reply intake::refusal_of(spool::commit_status status, const spool::queued_message& m) const {
  if (status != spool::commit_status::over_quota) return refusal_for(status);
  source from;
  from.account = m.account;
  from.stream = m.stream;
  return check_quotas(*accounts_.current(), from, spool::charge_of(m)).value_or(refusal_for(status));
}

// From any thread.
void intake::commit(spool::acceptance request, std::size_t shard, on_accepted done) {
  auto& m = *request.message;
  request.event.message_bytes = m.body_bytes;
  log_accepted(request.event);
  if (request.chunks_written > 0) {
    m.chunks = request.chunks_written + 1;
    request.first_chunk = std::move(m.head);
    m.head.clear();
  }
  spool::message_ptr kept = request.message;
  request.done = [this, shard, kept, answer = std::move(done)](spool::commit_status status) mutable {
    if (status != spool::commit_status::ok) {
      refused_.add();
      return answer(refusal_of(status, *kept));
    }
    accepted_.add();
    accepted_bytes_.add(kept->body_bytes);
    answer(std::nullopt);
    admit_(shard, std::move(kept));
  };
  store_.accept(std::move(request));
}

}  // namespace gonets::intake
