// Any bytes as the local-part of what comes back: only what we made is opened, and is then what we would make.
#include "message/verp.h"

#include <cstddef>

#include "check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gonets::fuzz::check;
  static const gonets::message::verp_signer signer({});
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  if (const auto found = signer.open(in)) check(signer.open(signer.local_part(*found)) == found);
  if (size < 10) return 0;
  gonets::message::verp of;
  for (std::size_t i = 0; i < 8; ++i)
    of.message.value = of.message.value << 8 | data[i];
  of.message.value = of.message.value >> 4 | 1;  // ids have 60 bits and are never zero
  of.recipient.value = static_cast<std::uint16_t>(data[8] << 8 | data[9]);
  auto made = signer.local_part(of);
  check(signer.open(made) == of);
  if (size < 12) return 0;
  const auto at = data[10] % made.size();
  made[at] = static_cast<char>(data[11]);
  // Digits have second forms, as people write them (ids.h): the id then is the same, and so is the proof of it.
  const auto opened = signer.open(made);
  check(!opened || *opened == of);
  return 0;
}
