#include "base/wire.h"
#include "spool/spool.h"

namespace gonets::spool {

std::string message_key(message_id id) {
  std::string key;
  wire::put_be64(key, id.value);
  return key;
}

std::string body_key(message_id id, std::uint32_t chunk) {
  auto key = message_key(id);
  wire::put_be32(key, chunk);
  return key;
}

std::string recipient_key(message_id id, recipient_index index) {
  auto key = message_key(id);
  wire::put_be16(key, index.value);
  return key;
}

std::string event_key(event_seq seq) {
  std::string key;
  wire::put_be64(key, seq.value);
  return key;
}

std::string history_key(message_id id, event_seq seq) {
  auto key = message_key(id);
  wire::put_be64(key, seq.value);
  return key;
}

}  // namespace gonets::spool
