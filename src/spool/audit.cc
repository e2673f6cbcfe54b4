#include "spool/audit.h"

#include <fmt/format.h>

#include <map>
#include <optional>

#include "base/wire.h"
#include "events/event.h"
#include "spool/spool.h"

namespace gonets::spool {
namespace {

using storage::family;

// What the history says of one message.
struct account_of_message {
  message_id id;
  std::uint64_t accepted = 0;
  bool accepted_seen = false;
  std::map<std::uint64_t, events::kind> ends;  // by recipient
  std::vector<std::string> faults;
};

class auditor {
 public:
  auditor(const storage::store& store, const storage::snapshot* view) : store_(store), view_(view) {}

  storage::result<audit_result> run() {
    if (auto queue = collect_queue(); !queue) return std::unexpected(queue.error());
    auto scanned = store_.scan(
        family::history, "", "",
        [this](std::string_view key, std::string_view value) {
          add_history(key, value);
          return true;
        },
        view_);
    if (!scanned) return std::unexpected(scanned.error());
    finish_message();
    const bool some_history = result_.messages > 0;
    for (const auto& [id, left] : queue_) {
      if (id >= oldest_ || !some_history) {
        find(message_id{id}, fmt::format("{} queued, but there is no history of it", left));
        continue;
      }
      // Held for longer than events are kept: its history went with them.
      ++result_.messages;
      result_.accepted += left;
      result_.queued += left;
    }
    return std::move(result_);
  }

 private:
  // Recipients still queued, by message. The queue is small beside the history, or else memory is what it needs anyway.
  storage::result<void> collect_queue() {
    auto scanned = store_.scan(
        family::messages, "", "",
        [this](std::string_view key, std::string_view value) {
          const message_id id{wire::reader(key).be64()};
          queued_message m;
          if (!decode_message(id, value, m)) {
            find(id, "its record in the queue can't be read");
            return true;
          }
          queue_[id.value] = m.envelope.recipients.size();
          return true;
        },
        view_);
    if (!scanned) return scanned;
    return store_.scan(
        family::recipients, "", "",
        [this](std::string_view key, std::string_view value) {
          const message_id id{wire::reader(key).be64()};
          recipient_record r;
          const auto at = queue_.find(id.value);
          if (!decode_recipient(value, r)) {
            find(id, "the record of a recipient can't be read");
          } else if (at == queue_.end()) {
            find(id, "there is a record of a recipient, but no message");
          } else if (r.phase == recipient_phase::ended) {
            --at->second;
          }
          return true;
        },
        view_);
  }

  void add_history(std::string_view key, std::string_view value) {
    wire::reader from(key);
    const message_id id{from.be64()};
    if (!current_ || current_->id != id) {
      finish_message();
      oldest_ = std::min(oldest_, id.value);
      current_.emplace();
      current_->id = id;
    }
    wire::reader record(value);
    const auto version = record.byte();
    const auto kind = static_cast<events::kind>(record.byte());
    const auto count = record.varint();
    if (version != 1 || !record.ok()) return current_->faults.push_back("a record of its history can't be read");
    if (kind == events::kind::accepted) {
      if (current_->accepted_seen) current_->faults.push_back("accepted twice");
      current_->accepted_seen = true;
      current_->accepted = count;
      return;
    }
    if (!events::is_end(kind)) return;
    for (std::uint64_t i = 0; i < count && record.ok(); ++i) {
      const auto index = record.varint();
      if (!current_->ends.emplace(index, kind).second) {
        current_->faults.push_back(fmt::format("recipient {} ended twice", index));
      }
    }
  }

  void finish_message() {
    if (!current_) return;
    const auto& m = *current_;
    ++result_.messages;
    result_.accepted += m.accepted;
    for (const auto& [index, kind] : m.ends)
      count_end(kind);
    std::uint64_t queued = 0;
    if (const auto at = queue_.find(m.id.value); at != queue_.end()) {
      queued = at->second;
      queue_.erase(at);
    }
    result_.queued += queued;
    for (const auto& fault : m.faults)
      find(m.id, fault);
    if (!m.accepted_seen) {
      find(m.id, "has a history, but was never accepted");
    } else if (m.accepted != m.ends.size() + queued) {
      find(m.id, fmt::format("{} recipients accepted, but {} ended and {} queued", m.accepted, m.ends.size(), queued));
    }
    current_.reset();
  }

  void count_end(events::kind k) {
    switch (k) {
      case events::kind::delivered:
        ++result_.delivered;
        break;
      case events::kind::bounced:
        ++result_.bounced;
        break;
      case events::kind::expired:
        ++result_.expired;
        break;
      case events::kind::cancelled:
        ++result_.cancelled;
        break;
      case events::kind::discarded:
        ++result_.discarded;
        break;
      case events::kind::suppressed:
        ++result_.suppressed;
        break;
      default:
        break;
    }
  }

  void find(message_id id, std::string detail) {
    ++result_.findings_in_all;
    if (result_.findings.size() < findings_max) result_.findings.push_back({id, std::move(detail)});
  }

  const storage::store& store_;
  const storage::snapshot* view_;
  std::map<std::uint64_t, std::uint64_t> queue_;
  std::optional<account_of_message> current_;
  std::uint64_t oldest_ = ~0ull;  // message that the history tells of
  audit_result result_;
};

}  // namespace

storage::result<audit_result> audit(const storage::store& store, const storage::snapshot* view) {
  return auditor(store, view).run();
}

}  // namespace gonets::spool
