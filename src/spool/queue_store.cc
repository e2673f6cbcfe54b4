#include "spool/queue_store.h"

#include <utility>

namespace gonets::spool {

void queue_store::record(events::event happened) {
  change c;
  c.events.push_back(std::move(happened));
  settle(std::move(c));
}

void queue_store::keep(std::vector<pace_fact> facts, std::size_t shard, on_commit done) {
  change c;
  c.facts = std::move(facts);
  c.shard = shard;
  c.done = std::move(done);
  settle(std::move(c));
}

}  // namespace gonets::spool
