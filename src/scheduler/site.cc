#include "scheduler/site.h"

namespace gonets::scheduler {

stream_pace* site::pace(std::uint8_t stream) const {
  for (const auto& p : paces) {
    if (p->stream == stream) return p.get();
  }
  return nullptr;
}

}  // namespace gonets::scheduler
