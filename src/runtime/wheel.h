// Coarse time-outs for very many connections: one tick a second, and setting or moving a deadline costs a store. A
// deadline never fires early, and less than two ticks late; at most one when it is a whole number of ticks. Not
// thread-safe: each shard has its own.
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>

#include "base/clock.h"

namespace gonets::runtime {

class wheel;

// Owned by the connection; unlinks itself. `fire` runs on the wheel's shard, once a deadline, and may destroy the
// owner.
class deadline {
 public:
  deadline(wheel& on, std::function<void()> fire);
  ~deadline();
  deadline(const deadline&) = delete;
  deadline& operator=(const deadline&) = delete;

  void expires_after(std::chrono::milliseconds from_now);
  void clear() { due_ = never; }

 private:
  friend class wheel;
  static constexpr std::uint64_t never = ~0ull;
  wheel& wheel_;
  std::function<void()> fire_;
  std::uint64_t due_ = never;   // in ticks
  std::uint64_t slot_ = never;  // where it is linked; at or before due_
  deadline* next_ = nullptr;
  deadline* previous_ = nullptr;
};

class wheel {
 public:
  static constexpr std::chrono::milliseconds tick_length{1000};
  void tick();
  // Whoever outlives the wheel must not use its deadlines again.
  ~wheel();

 private:
  friend class deadline;
  static constexpr std::size_t slots = 512;
  void link(deadline& d, std::uint64_t at);
  void unlink(deadline& d);
  void visit(deadline& d);
  std::array<deadline*, slots> heads_{};
  std::uint64_t now_ = 0;
};

}  // namespace gonets::runtime
