#include "base/wire.h"

namespace gonets::wire {
namespace {

void put_fixed(std::string& to, std::uint64_t v, int bytes) {
  for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
    to.push_back(static_cast<char>(v >> shift));
}

}  // namespace

void put_be64(std::string& to, std::uint64_t v) {
  put_fixed(to, v, 8);
}
void put_be32(std::string& to, std::uint32_t v) {
  put_fixed(to, v, 4);
}
void put_be16(std::string& to, std::uint16_t v) {
  put_fixed(to, v, 2);
}

void put_varint(std::string& to, std::uint64_t v) {
  for (; v >= 0x80; v >>= 7)
    to.push_back(static_cast<char>(v | 0x80));
  to.push_back(static_cast<char>(v));
}

void put_text(std::string& to, std::string_view text) {
  put_varint(to, text.size());
  to.append(text);
}

std::uint64_t reader::fixed(std::size_t n) {
  const auto taken = bytes(n);
  std::uint64_t v = 0;
  for (const char c : taken)
    v = v << 8 | static_cast<unsigned char>(c);
  return v;
}

std::uint8_t reader::byte() {
  return static_cast<std::uint8_t>(fixed(1));
}
std::uint64_t reader::be64() {
  return fixed(8);
}
std::uint32_t reader::be32() {
  return static_cast<std::uint32_t>(fixed(4));
}
std::uint16_t reader::be16() {
  return static_cast<std::uint16_t>(fixed(2));
}

std::uint64_t reader::varint() {
  std::uint64_t v = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (rest_.empty()) break;
    const auto b = static_cast<unsigned char>(rest_.front());
    rest_.remove_prefix(1);
    v |= static_cast<std::uint64_t>(b & 0x7f) << shift;
    if (b < 0x80) return v;
  }
  ok_ = false;
  rest_ = {};
  return 0;
}

std::string_view reader::text() {
  const auto length = varint();
  if (length > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  return bytes(length);
}

std::string_view reader::bytes(std::size_t n) {
  if (n > rest_.size()) {
    ok_ = false;
    rest_ = {};
    return {};
  }
  const auto taken = rest_.substr(0, n);
  rest_.remove_prefix(n);
  return taken;
}

}  // namespace gonets::wire
