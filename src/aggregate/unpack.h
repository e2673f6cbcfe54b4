// The file in a report's attachment: gzip (RFC 1952), a zip archive of one file, or neither. Pure; any bytes are
// survived, in bounded time and memory.
#pragma once
#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

namespace gonets::aggregate {

struct unpack_limits {
  std::size_t bytes_max = 10u << 20;  // of what comes out
  // What reports consist of repeats, and packs to a tenth or a hundredth. Deflate reaches 1030.
  std::size_t ratio_max = 400;
};

// What is packed in no way that is known here is given back as it is. The error is a sentence for the operator.
std::expected<std::string, std::string> unpack(std::string_view packed, const unpack_limits& limits = {});

}  // namespace gonets::aggregate
