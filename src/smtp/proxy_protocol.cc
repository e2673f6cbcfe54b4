#include "smtp/proxy_protocol.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

namespace gonets::smtp {
namespace {

using namespace std::string_view_literals;
using result = std::expected<proxy_header, proxy_error>;

constexpr auto text_prefix = "PROXY "sv;
constexpr std::size_t text_bytes_max = 107;
constexpr auto binary_signature = "\r\n\r\n\0\r\nQUIT\n"sv;
constexpr std::size_t binary_fixed_bytes = 16;
constexpr std::size_t binary_rest_bytes_max = 1024;
constexpr std::uint8_t local_command = 0x20, proxy_command = 0x21;
constexpr std::uint8_t unspecified = 0x00, tcp4 = 0x11, tcp6 = 0x21, unix_stream = 0x31, unix_datagram = 0x32;

std::uint8_t octet_at(std::string_view in, std::size_t i) {
  return static_cast<std::uint8_t>(in[i]);
}
std::uint16_t be16_at(std::string_view in, std::size_t i) {
  return static_cast<std::uint16_t>(octet_at(in, i) << 8 | octet_at(in, i + 1));
}

// `address` is 4 or 16 octets in network order.
std::string to_text(std::string_view address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(address.size() == 4 ? AF_INET : AF_INET6, address.data(), text.data(), text.size());
  return text.data();
}

// The canonical spelling of a textual address; nothing if it isn't one of this family.
std::optional<std::string> canonical_address(std::string_view word, int family) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  std::array<char, 16> binary{};
  if (word.size() >= text.size() || word.find('\0') != std::string_view::npos) return std::nullopt;
  std::copy(word.begin(), word.end(), text.begin());
  if (inet_pton(family, text.data(), binary.data()) != 1) return std::nullopt;
  return to_text(std::string_view(binary.data(), family == AF_INET ? 4 : 16));
}

std::optional<std::uint16_t> port_number(std::string_view word) {
  std::uint16_t port = 0;
  const auto* end = word.data() + word.size();
  const auto [stop, error] = std::from_chars(word.data(), end, port);
  if (error != std::errc{} || stop != end || (word.size() > 1 && word.front() == '0')) return std::nullopt;
  return port;
}

// "TCP4 source destination source-port destination-port": single spaces, nothing else.
bool parse_text_fields(std::string_view line, proxy_header& to) {
  std::array<std::string_view, 5> words;
  for (std::size_t i = 0; i + 1 < words.size(); ++i) {
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return false;
    words[i] = line.substr(0, space);
    line.remove_prefix(space + 1);
  }
  words.back() = line;
  if (words[0] != "TCP4"sv && words[0] != "TCP6"sv) return false;
  const int family = words[0] == "TCP4"sv ? AF_INET : AF_INET6;
  auto source = canonical_address(words[1], family);
  auto destination = canonical_address(words[2], family);
  const auto source_port = port_number(words[3]);
  const auto destination_port = port_number(words[4]);
  if (!source || !destination || !source_port || !destination_port) return false;
  to.source_address = std::move(*source);
  to.destination_address = std::move(*destination);
  to.source_port = *source_port;
  to.destination_port = *destination_port;
  return true;
}

result parse_text(std::string_view in) {
  const auto end = in.substr(0, text_bytes_max).find("\r\n"sv);
  if (end == std::string_view::npos) {
    return std::unexpected(in.size() < text_bytes_max ? proxy_error::need_more : proxy_error::malformed);
  }
  const auto line = in.substr(text_prefix.size(), end - text_prefix.size());
  proxy_header parsed;
  parsed.header_bytes = end + 2;
  if (line == "UNKNOWN"sv || line.starts_with("UNKNOWN "sv)) {
    parsed.local = true;
  } else if (!parse_text_fields(line, parsed)) {
    return std::unexpected(proxy_error::malformed);
  }
  return parsed;
}

// `rest` is what follows the 16 fixed octets: the addresses, then TLVs.
bool take_binary_addresses(std::string_view rest, std::size_t address_bytes, proxy_header& to) {
  if (rest.size() < 2 * address_bytes + 4) return false;
  to.source_address = to_text(rest.substr(0, address_bytes));
  to.destination_address = to_text(rest.substr(address_bytes, address_bytes));
  to.source_port = be16_at(rest, 2 * address_bytes);
  to.destination_port = be16_at(rest, 2 * address_bytes + 2);
  return true;
}

result parse_binary(std::string_view in) {
  if (in.size() < binary_fixed_bytes) return std::unexpected(proxy_error::need_more);
  const auto command = octet_at(in, 12);
  const auto family = octet_at(in, 13);
  const std::size_t rest_bytes = be16_at(in, 14);
  if (command != local_command && command != proxy_command) return std::unexpected(proxy_error::malformed);
  if (rest_bytes > binary_rest_bytes_max) return std::unexpected(proxy_error::malformed);
  if (in.size() < binary_fixed_bytes + rest_bytes) return std::unexpected(proxy_error::need_more);
  proxy_header parsed;
  parsed.header_bytes = binary_fixed_bytes + rest_bytes;
  const auto rest = in.substr(binary_fixed_bytes, rest_bytes);
  if (command == local_command || family == unspecified || family == unix_stream || family == unix_datagram) {
    parsed.local = true;
  } else if ((family != tcp4 && family != tcp6) || !take_binary_addresses(rest, family == tcp4 ? 4 : 16, parsed)) {
    return std::unexpected(proxy_error::malformed);
  }
  return parsed;
}

// 4 or 16 octets in network order; nothing for what is no address.
std::string octets_of(std::string_view address) {
  std::array<char, 16> octets{};
  const std::string text(address);
  if (inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return {octets.data(), 4};
  return inet_pton(AF_INET6, text.c_str(), octets.data()) == 1 ? std::string(octets.data(), 16) : std::string();
}

void append_be16(std::string& to, std::size_t n) {
  to += static_cast<char>(n >> 8 & 0xFF);
  to += static_cast<char>(n & 0xFF);
}

bool begins_alike(std::string_view in, std::string_view prefix) {
  const auto common = std::min(in.size(), prefix.size());
  return in.substr(0, common) == prefix.substr(0, common);
}

}  // namespace

std::expected<proxy_header, proxy_error> parse_proxy_header(std::string_view in) {
  // What can't become a header is refused at its first wrong octet: no waiting for a client that speaks SMTP.
  const auto prefix = !in.empty() && in.front() == text_prefix.front() ? text_prefix : binary_signature;
  if (!begins_alike(in, prefix)) return std::unexpected(proxy_error::malformed);
  if (in.size() < prefix.size()) return std::unexpected(proxy_error::need_more);
  return prefix == text_prefix ? parse_text(in) : parse_binary(in);
}

std::string make_proxy_header(std::string_view source, std::uint16_t source_port, std::string_view destination,
                              std::uint16_t destination_port) {
  const auto from = octets_of(source), to = octets_of(destination);
  if (from.empty() || from.size() != to.size()) return {};
  std::string header(binary_signature);
  header += static_cast<char>(proxy_command);
  header += static_cast<char>(from.size() == 4 ? tcp4 : tcp6);
  append_be16(header, 2 * from.size() + 4);
  header.append(from).append(to);
  append_be16(header, source_port);
  append_be16(header, destination_port);
  return header;
}

}  // namespace gonets::smtp
