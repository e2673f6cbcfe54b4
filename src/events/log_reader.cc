#include "events/log_reader.h"

#include <unordered_map>

#include "base/wire.h"
#include "events/detail/keys.h"

namespace gonets::events {
namespace {

using detail::key_of;
using storage::family;

void name_recipients(std::vector<event>& history) {
  std::unordered_map<std::uint16_t, std::string> names;
  for (auto& e : history) {
    for (auto& r : e.recipients) {
      if (e.kind == kind::accepted) names[r.index.value] = r.address;
      const auto known = names.find(r.index.value);
      if (r.address.starts_with('@') && known != names.end()) r.address = known->second;
    }
  }
}

}  // namespace

storage::result<std::vector<event>> read_after(const storage::store& store, event_seq after, std::size_t max) {
  std::vector<event> found;
  auto scanned =
      store.scan(family::events, key_of(after.value + 1), "", [&](std::string_view key, std::string_view value) {
        if (auto e = decode(event_seq{wire::reader(key).be64()}, value)) found.push_back(std::move(*e));
        return found.size() < max;
      });
  if (!scanned) return std::unexpected(scanned.error());
  return found;
}

storage::result<std::vector<event>> read_history(const storage::store& store, message_id id) {
  std::vector<std::uint64_t> seqs;
  auto scanned =
      store.scan(family::history, key_of(id.value), key_of(id.value + 1), [&](std::string_view key, std::string_view) {
        seqs.push_back(wire::reader(key.substr(8)).be64());
        return true;
      });
  if (!scanned) return std::unexpected(scanned.error());
  std::vector<event> found;
  for (const auto seq : seqs) {
    auto record = store.get(family::events, key_of(seq));
    if (!record) return std::unexpected(record.error());
    if (!*record) continue;  // older than the retention
    if (auto e = decode(event_seq{seq}, **record)) found.push_back(std::move(*e));
  }
  name_recipients(found);
  return found;
}

}  // namespace gonets::events
