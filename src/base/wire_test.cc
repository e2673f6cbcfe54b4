#include "base/wire.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "base/hex_test_support.h"

namespace gonets::wire {
namespace {

std::string varint(std::uint64_t v) {
  std::string bytes;
  put_varint(bytes, v);
  return bytes;
}

TEST(wire, writes_fixed_integers_with_the_high_byte_first) {
  std::string bytes;
  put_be64(bytes, 0x0102030405060708);
  put_be32(bytes, 0x090a0b0c);
  put_be16(bytes, 0x0d0e);
  EXPECT_EQ(to_hex(bytes), "0102030405060708090a0b0c0d0e");
}

TEST(wire, sorts_fixed_integers_as_numbers) {
  std::string before;
  for (const std::uint64_t v : {0ull, 1ull, 255ull, 256ull, 1ull << 31, 1ull << 63, ~0ull}) {
    std::string bytes;
    put_be64(bytes, v);
    EXPECT_TRUE(before.empty() || before < bytes) << v;
    before = bytes;
  }
}

TEST(wire, writes_varints_with_the_low_bits_first) {
  EXPECT_EQ(to_hex(varint(0)), "00");
  EXPECT_EQ(to_hex(varint(127)), "7f");
  EXPECT_EQ(to_hex(varint(128)), "8001");
  EXPECT_EQ(to_hex(varint(300)), "ac02");
  EXPECT_EQ(to_hex(varint(std::numeric_limits<std::uint32_t>::max())), "ffffffff0f");
  EXPECT_EQ(to_hex(varint(std::numeric_limits<std::uint64_t>::max())), "ffffffffffffffffff01");
}

TEST(wire, writes_text_after_its_length) {
  std::string bytes;
  put_text(bytes, "hello");
  put_text(bytes, "");
  EXPECT_EQ(to_hex(bytes), "0568656c6c6f00");
}

TEST(wire, reads_what_was_written) {
  std::string bytes;
  bytes.push_back('\x07');
  put_be64(bytes, 1ull << 63 | 5);
  put_be32(bytes, 0xfffffffe);
  put_be16(bytes, 0xfffd);
  put_varint(bytes, ~0ull);
  put_text(bytes, std::string_view("a\0b", 3));
  bytes += "rest";
  reader from(bytes);
  EXPECT_EQ(from.byte(), 7);
  EXPECT_EQ(from.be64(), 1ull << 63 | 5);
  EXPECT_EQ(from.be32(), 0xfffffffe);
  EXPECT_EQ(from.be16(), 0xfffd);
  EXPECT_EQ(from.varint(), ~0ull);
  EXPECT_EQ(from.text(), std::string_view("a\0b", 3));
  EXPECT_FALSE(from.at_end());
  EXPECT_EQ(from.rest(), "rest");
  EXPECT_EQ(from.bytes(4), "rest");
  EXPECT_TRUE(from.at_end());
  EXPECT_TRUE(from.ok());
}

TEST(wire, fails_on_a_fixed_integer_that_is_cut) {
  const std::string bytes = "\x01\x02\x03";
  reader from(bytes);
  EXPECT_EQ(from.be32(), 0u);
  EXPECT_FALSE(from.ok());
}

TEST(wire, gives_nothing_after_the_first_failure) {
  const auto bytes = from_hex("05 61 62");  // says five, has two
  reader from(bytes);
  EXPECT_EQ(from.text(), "");
  EXPECT_FALSE(from.ok());
  EXPECT_TRUE(from.at_end());
  EXPECT_EQ(from.byte(), 0);
  EXPECT_EQ(from.varint(), 0u);
  EXPECT_EQ(from.be64(), 0u);
  EXPECT_EQ(from.text(), "");
  EXPECT_FALSE(from.ok());
}

TEST(wire, fails_on_a_varint_that_is_cut_at_any_byte) {
  const auto whole = varint(~0ull);
  for (std::size_t n = 0; n < whole.size(); ++n) {
    reader from(std::string_view(whole).substr(0, n));
    EXPECT_EQ(from.varint(), 0u) << n;
    EXPECT_FALSE(from.ok()) << n;
  }
}

TEST(wire, fails_on_a_varint_without_end) {
  const std::string bytes(11, '\x80');
  reader from(bytes);
  EXPECT_EQ(from.varint(), 0u);
  EXPECT_FALSE(from.ok());
}

TEST(wire, fails_on_a_length_beyond_all_memory) {
  auto bytes = varint(~0ull);
  bytes += "abc";
  reader from(bytes);
  EXPECT_EQ(from.text(), "");
  EXPECT_FALSE(from.ok());
}

}  // namespace
}  // namespace gonets::wire
