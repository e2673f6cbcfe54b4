// What parse_enhanced_status accepts is printed as it was read.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/status.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto status = gonets::parse_enhanced_status(text);
  if (!status) return 0;
  const auto again = gonets::parse_enhanced_status(gonets::to_text(*status));
  if (!again || gonets::to_text(*again) != gonets::to_text(*status)) std::abort();
  return 0;
}
