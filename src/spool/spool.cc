#include "spool/spool.h"

#include <thread>

#include "base/log.h"
#include "base/wire.h"
#include "events/log_search.h"
#include "spool/detail/committer.h"

namespace gonets::spool {
namespace {

using storage::family;

constexpr std::string_view format_key = "format";
constexpr std::string_view format_value = "gonets-spool 1";
// How often the free space of the disk is looked at.
constexpr std::chrono::milliseconds space_check_period{1000};
constexpr std::size_t load_block = 4096;
constexpr std::size_t lapsed_at_once = 10'000;

message_id id_of(std::string_view key) {
  wire::reader from(key);
  return message_id{from.be64()};
}

// `records` has only those recipients that have changed; the others are as they were accepted.
std::vector<loaded_recipient> still_under_way(const queued_message& m, const std::vector<loaded_recipient>& records) {
  std::vector<loaded_recipient> left;
  auto next = records.begin();
  for (std::size_t i = 0; i < m.envelope.recipients.size(); ++i) {
    if (next == records.end() || next->index.value != i) {
      left.push_back({recipient_index{static_cast<std::uint16_t>(i)}, {}});
    } else {
      if (next->record.phase != recipient_phase::ended) left.push_back(*next);
      ++next;
    }
  }
  return left;
}

}  // namespace

struct spool::impl {
  options with;
  runtime::shards& shards;
  const clock& time;
  std::unique_ptr<storage::store> store;
  quota_ledger quotas;
  pace_ledger pace;
  suppression::list suppressed;
  std::unique_ptr<detail::committer> committer;
  std::optional<storage::snapshot> load_view;
  std::atomic<bool> low_space{false};
  std::atomic<std::uint64_t> free_bytes_min;
  std::atomic<std::chrono::milliseconds> event_retention;
  message_id highest;
  metrics::counter& unreadable;
  metrics::gauge& free_space;

  impl(const options& o, runtime::shards& s, const clock& c, metrics::registry& counts)
      : with(o),
        shards(s),
        time(c),
        free_bytes_min(o.free_bytes_min),
        event_retention(o.event_retention),
        unreadable(counts.make_counter("gonets_spool_unreadable_total", "Stored records that could not be read.")),
        free_space(counts.make_gauge("gonets_spool_free_bytes", "Free space of the spool's disk.")) {}

  void check_space() {
    const auto free = storage::free_bytes(with.path);
    if (!free) return;
    free_space.set(static_cast<std::int64_t>(*free));
    const bool low = *free < free_bytes_min.load();
    if (low_space.exchange(low) != low) {
      GONETS_LOG(warning, low ? "disk_nearly_full" : "disk_has_space_again", "free_bytes", *free, "needed",
                 free_bytes_min.load());
    }
  }

  void lost(message_id id, std::string_view what) {
    unreadable.add();
    GONETS_LOG(error, "spool_record_unreadable", "id", to_text(id), "what", what);
  }

  storage::result<void> check_format(storage::store& s) {
    auto found = s.get(family::meta, format_key);
    if (!found) return std::unexpected(found.error());
    if (*found && **found != format_value) {
      return std::unexpected(storage::error{storage::failure::corruption,
                                            "the spool in " + with.path + " has the format '" + **found +
                                                "'; this release reads '" + std::string(format_value) + "'"});
    }
    if (*found) return {};
    storage::batch first;
    first.put(family::meta, format_key, format_value);
    return s.write(first, storage::durability::synced);
  }

  // Then there is nothing to wait for; what there is comes with load().
  storage::result<void> load_if_empty() {
    auto last = store->last_key(family::suppression);
    if (!last) return std::unexpected(last.error());
    if (*last) return {};
    if (auto none = suppressed.load(*store); !none) return std::unexpected(none.error());
    return {};
  }

  storage::result<event_seq> last_event_of(storage::store& s) {
    auto last = s.last_key(family::events);
    if (!last) return std::unexpected(last.error());
    return *last ? event_seq{wire::reader(**last).be64()} : event_seq{0};
  }

  storage::result<void> find_highest(storage::store& s) {
    for (const auto f : {family::messages, family::history}) {
      auto last = s.last_key(f);
      if (!last) return std::unexpected(last.error());
      if (*last) highest = std::max(highest, id_of(**last));
    }
    return {};
  }

  // One scan of `recipients` for many messages: a look-up for each would cost more than all the rest of loading.
  storage::result<void> visit_block(const std::vector<std::shared_ptr<queued_message>>& block,
                                    const load_visitor& visit) {
    const auto from = message_key(block.front()->id);
    const auto to = message_key(message_id{block.back()->id.value + 1});
    std::vector<loaded_recipient> records;
    auto next = block.begin();
    const auto finish_until = [&](message_id id) {
      for (; next != block.end() && (*next)->id < id; ++next) {
        hand_over(*next, records, visit);
        records.clear();
      }
    };
    auto scanned = store->scan(family::recipients, from, to, [&](std::string_view key, std::string_view value) {
      const auto id = id_of(key);
      finish_until(id);
      loaded_recipient r;
      r.index.value = wire::reader(key.substr(8)).be16();
      if (next == block.end() || (*next)->id != id) return true;
      if (!decode_recipient(value, r.record)) {
        // Taken as new it might be sent twice, left out it might never be: an operator decides.
        lost(id, "recipient");
        r.record = {};
        r.record.phase = recipient_phase::held;
        r.record.hold_reason = "its record cannot be read";
      }
      records.push_back(std::move(r));
      return true;
    });
    finish_until(message_id{~0ull});
    return scanned;
  }

  void hand_over(std::shared_ptr<queued_message> m, const std::vector<loaded_recipient>& records,
                 const load_visitor& visit) {
    auto left = still_under_way(*m, records);
    if (m->envelope.recipients.size() > 1) {
      committer->live().add(m->id, {static_cast<std::uint16_t>(left.size()), !records.empty()});
    }
    visit(std::move(m), std::move(left));
  }

  // Chunks whose message was never completed: the server died while it came in.
  storage::result<void> remove_orphans() {
    storage::batch removals;
    auto scanned = store->scan(family::meta, "c", "d", [&](std::string_view key, std::string_view) {
      if (key.size() != 9) return true;
      const auto from = std::string(key.substr(1));
      const auto to = message_key(message_id{id_of(from).value + 1});
      removals.remove_range(family::bodies, from, to);
      removals.remove(family::meta, key);
      return true;
    });
    if (!scanned) return scanned;
    return removals.empty() ? storage::result<void>{} : store->write(removals, storage::durability::synced);
  }
};

spool::spool(std::unique_ptr<impl> i) : impl_(std::move(i)) {}
spool::~spool() {
  impl_->committer.reset();
  impl_->load_view.reset();
}

storage::result<std::unique_ptr<spool>> spool::open(const options& with, runtime::shards& on, const clock& time,
                                                    metrics::registry& counts) {
  auto made = std::make_unique<impl>(with, on, time, counts);
  storage::store_options how;
  how.path = with.path;
  how.file_system = with.file_system;
  auto opened = storage::store::open(how);
  if (!opened) return std::unexpected(opened.error());
  made->store = std::move(*opened);
  if (auto ok = made->check_format(*made->store); !ok) return std::unexpected(ok.error());
  if (auto ok = made->remove_orphans(); !ok) return std::unexpected(ok.error());
  if (auto ok = made->find_highest(*made->store); !ok) return std::unexpected(ok.error());
  if (auto ok = made->quotas.load(*made->store); !ok) return std::unexpected(ok.error());
  if (auto ok = made->pace.load(*made->store, time.wall()); !ok) return std::unexpected(ok.error());
  if (auto ok = made->suppressed.soft().load(*made->store, time.wall()); !ok) return std::unexpected(ok.error());
  if (auto ok = made->load_if_empty(); !ok) return std::unexpected(ok.error());
  auto last = made->last_event_of(*made->store);
  if (!last) return std::unexpected(last.error());
  made->committer = std::make_unique<detail::committer>(*made->store, on, time, with.commit_gap, *last, made->quotas,
                                                        made->pace, made->suppressed, counts);
  made->check_space();
  on.every(0, space_check_period, [i = made.get()] { i->check_space(); });
  return std::unique_ptr<spool>(new spool(std::move(made)));
}

void spool::drain() {
  impl_->committer->drain();
}

announcement spool::announce() {
  return impl_->committer->announce();
}

void spool::accept(acceptance request) {
  request.announced.reset();
  impl_->committer->submit(detail::pending_acceptance{std::move(request)});
}
void spool::settle(change request) {
  impl_->committer->submit(detail::pending_change{std::move(request), {}});
}

std::size_t spool::unwritten() const {
  return impl_->committer->unwritten();
}

void spool::append_chunk(message_id id, std::uint32_t number, std::string part, std::size_t shard, on_commit done) {
  impl_->committer->submit(detail::chunk_write{id, number, std::move(part), shard, std::move(done)});
}
void spool::discard_chunks(message_id id, std::uint32_t count) {
  impl_->committer->submit(detail::chunk_discard{id, count});
}

void spool::begin_load() {
  impl_->load_view.emplace(impl_->store->take_snapshot());
}

storage::result<std::uint64_t> spool::load(const load_visitor& visit) {
  // Beside the queue: neither waits for the other, however long it is. Until it is done, the disk is asked of each
  // recipient.
  storage::result<std::uint64_t> listed;
  std::jthread beside([&] { listed = impl_->suppressed.load(*impl_->store); });
  std::uint64_t loaded = 0;
  std::vector<std::shared_ptr<queued_message>> block;
  storage::result<void> joined;
  auto scanned = impl_->store->scan(
      family::messages, "", "",
      [&](std::string_view key, std::string_view value) {
        auto m = std::make_shared<queued_message>();
        if (!decode_message(id_of(key), value, *m)) {
          impl_->lost(id_of(key), "message");
          return true;
        }
        block.push_back(std::move(m));
        if (block.size() < load_block) return true;
        joined = impl_->visit_block(block, visit);
        loaded += block.size();
        block.clear();
        return joined.has_value();
      },
      &*impl_->load_view);
  if (scanned && joined && !block.empty()) {
    joined = impl_->visit_block(block, visit);
    loaded += block.size();
  }
  impl_->load_view.reset();
  if (!scanned) return std::unexpected(scanned.error());
  if (!joined) return std::unexpected(joined.error());
  beside.join();
  if (!listed) return std::unexpected(listed.error());
  return loaded;
}

std::vector<loaded_recipient> spool::fetch_records(message_id id) const {
  std::vector<loaded_recipient> found;
  const auto from = message_key(id);
  const auto to = message_key(message_id{id.value + 1});
  auto scanned = impl_->store->scan(family::recipients, from, to, [&](std::string_view key, std::string_view value) {
    loaded_recipient r;
    r.index.value = wire::reader(key.substr(8)).be16();
    if (decode_recipient(value, r.record)) {
      found.push_back(std::move(r));
    } else {
      impl_->lost(id, "recipient");
    }
    return true;
  });
  if (!scanned) impl_->lost(id, scanned.error().detail);
  return found;
}

message_ptr spool::fetch(message_id id, bool with_body) const {
  auto record = impl_->store->get(family::messages, message_key(id));
  auto m = std::make_shared<queued_message>();
  if (!record || (*record && !decode_message(id, **record, *m))) {
    impl_->lost(id, record ? "message" : record.error().detail);
    return nullptr;
  }
  if (!*record) return nullptr;
  if (with_body && m->chunks == 1) {
    auto body = fetch_chunk(id, 0);
    if (!body) {
      impl_->lost(id, "body");
      return nullptr;
    }
    m->body = std::move(*body);
    m->in_memory = true;
  }
  return m;
}

std::optional<std::string> spool::fetch_chunk(message_id id, std::uint32_t number) const {
  auto part = impl_->store->get(family::bodies, body_key(id, number));
  if (!part) {
    impl_->lost(id, part.error().detail);
    return std::nullopt;
  }
  return std::move(*part);
}

commit_status spool::admission() const {
  if (impl_->committer->failing()) return impl_->committer->health();
  return impl_->low_space.load(std::memory_order_relaxed) ? commit_status::no_space : commit_status::ok;
}

message_id spool::highest_id() const {
  return impl_->highest;
}
const quota_ledger& spool::quotas() const {
  return impl_->quotas;
}

bool spool::may_be_suppressed(account_id of, std::string_view address) const {
  return impl_->suppressed.may_have(of, address);
}

std::optional<suppression::entry> spool::find_suppression(account_id of, std::string_view address,
                                                          const suppression::mail& what, wall_time now) const {
  auto found = suppression::find(*impl_->store, of, address, what, now);
  if (found) return std::move(*found);
  GONETS_LOG(error, "suppression_not_read", "error", found.error().detail);
  return std::nullopt;
}

bool spool::may_have_soft_bounces(account_id of, std::string_view address) const {
  return impl_->suppressed.soft().may_have(of, address);
}

const pace_ledger& spool::pace() const {
  return impl_->pace;
}
storage::store& spool::store() {
  return *impl_->store;
}
event_seq spool::last_event() const {
  return impl_->committer->last_event();
}
events::log_end& spool::safe_events() {
  return impl_->committer->safe_events();
}

void spool::reconfigure(std::uint64_t free_bytes_min, std::chrono::milliseconds event_retention) {
  impl_->free_bytes_min = free_bytes_min;
  impl_->event_retention = event_retention;
}

void spool::trim() {
  trim_events();
  auto lapsed = suppression::expired_counts(*impl_->store, impl_->time.wall(), lapsed_at_once);
  if (!lapsed || lapsed->empty()) return;
  change c;
  c.soft_bounces = std::move(*lapsed);
  settle(std::move(c));
}

void spool::trim_events() {
  const auto oldest = impl_->time.wall() - impl_->event_retention.load();
  const auto known = events::extent_of(*impl_->store, oldest);
  if (!known || !*known || (*known)->since == (*known)->oldest) return;
  detail::trim old;
  old.writes.remove_range(family::events, event_key((*known)->oldest), event_key((*known)->since));
  const auto border = first_id_at(oldest.time_since_epoch().count());
  old.writes.remove_range(family::history, message_key(message_id{0}), message_key(border));
  impl_->committer->submit(std::move(old));
}

}  // namespace gonets::spool
