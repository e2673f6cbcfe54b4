// The PROXY protocol (HAProxy's specification): a pure parser of what clients' proxies send before the greeting,
// versions 1 and 2, and the header that we send to a proxy, version 2.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace gonets::smtp {

struct proxy_header {
  bool local = false;          // LOCAL or UNKNOWN: use the connection's own addresses
  std::string source_address;  // textual IPv4 or IPv6, as inet_ntop writes it
  std::uint16_t source_port = 0;
  std::string destination_address;
  std::uint16_t destination_port = 0;
  std::size_t header_bytes = 0;  // to be taken off the front of the input
};

enum class proxy_error : std::uint8_t { need_more, malformed };

// v1: at most 107 bytes; v2: at most 16 + 1024 bytes; more is malformed. TLVs are skipped; AF_UNIX counts as local.
std::expected<proxy_header, proxy_error> parse_proxy_header(std::string_view in);

// Textual addresses of one family. Empty where they are not.
std::string make_proxy_header(std::string_view source, std::uint16_t source_port, std::string_view destination,
                              std::uint16_t destination_port);

}  // namespace gonets::smtp
