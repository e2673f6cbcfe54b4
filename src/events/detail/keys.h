// Keys of the families `events` and `history`: docs/formats/spool.md.
#pragma once
#include <cstdint>
#include <string>

#include "base/wire.h"

namespace gonets::events::detail {

// Of an event's number, or of a message's id, which the keys of its history begin with.
inline std::string key_of(std::uint64_t number) {
  std::string key;
  wire::put_be64(key, number);
  return key;
}

}  // namespace gonets::events::detail
