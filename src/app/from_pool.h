// How the API's questions leave the shard that they were asked on.
#pragma once
#include <memory>
#include <thread>
#include <utility>

#include "app/parts.h"

namespace gonets::app {

// Runs `work` on the blocking pool and `answer` on the shard that asked. Work may wait for shards: they never wait for
// the pool.
template <class Answer, class Work>
void from_pool(parts& all, Answer answer, Work work) {
  const auto asker = runtime::shards::current();
  auto task = [&all, asker, answer = std::move(answer), work = std::move(work)]() mutable {
    all.shards.post(asker, [answer = std::move(answer), found = work()]() mutable { answer(std::move(found)); });
  };
  // Operators are few; when the pool is full their question waits on a thread of its own rather than get no answer.
  auto shared = std::make_shared<decltype(task)>(std::move(task));
  if (!all.blocking.run([shared] { (*shared)(); })) std::thread([shared] { (*shared)(); }).detach();
}

}  // namespace gonets::app
