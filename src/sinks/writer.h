// Where the lines of a sink go. For one thread; blocks, but no longer than some seconds once the sink is to stop. After
// any failure, open() again.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "events/event.h"
#include "sinks/detail/os_file.h"

namespace gonets::sinks {

// Events in JSON, a line each, in the order of the log.
struct line_batch {
  struct mark {
    event_seq seq;
    message_id message;  // zero: of none
    events::kind kind = events::kind::accepted;
    wall_time at{};
    std::size_t end = 0;  // of its line in `text`, behind the LF
  };
  std::string text;
  std::vector<mark> marks;

  // Without its LF.
  std::string_view line(std::size_t i) const {
    const auto begin = i == 0 ? 0 : marks[i - 1].end;
    return std::string_view(text).substr(begin, marks[i].end - begin - 1);
  }
};

struct progress {
  event_seq cursor;          // all wanted events up to here are safe there, and whatever happens they aren't sent again
  std::uint64_t events = 0;  // that became so since the last time
};

class writer {
 public:
  virtual ~writer() = default;
  // The cursor to go on from.
  virtual outcome<event_seq> open() = 0;
  // The wanted ones of the events up to `through`, none where none was wanted.
  virtual outcome<void> append(const line_batch& batch, event_seq through, wall_time now) = 0;
  // What is due now and then, also when no event comes.
  virtual outcome<void> tend(wall_time now) = 0;
  virtual outcome<progress> commit() = 0;
  // The last commit, which may wait for what is under way.
  virtual outcome<progress> finish() = 0;
};

}  // namespace gonets::sinks
