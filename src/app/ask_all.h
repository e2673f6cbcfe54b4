// Questions to all schedulers.
#pragma once
#include <future>
#include <utility>
#include <vector>

#include "app/parts.h"

namespace gonets::app {

// Asks each shard's scheduler in turn, and waits.
template <class Ask>
auto ask_all(parts& all, Ask ask) {
  using answer = decltype(ask(std::declval<scheduler::scheduler&>()));
  std::vector<std::future<answer>> waiting;
  for (std::size_t i = 0; i < all.shards.size(); ++i) {
    std::promise<answer> p;
    waiting.push_back(p.get_future());
    all.shards.post(i,
                    [s = all.by_shard[i]->scheduler.get(), ask, p = std::move(p)]() mutable { p.set_value(ask(*s)); });
  }
  std::vector<answer> answers;
  for (auto& w : waiting)
    answers.push_back(w.get());
  return answers;
}

}  // namespace gonets::app
