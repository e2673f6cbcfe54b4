#include "base/ids.h"

#include <gtest/gtest.h>

#include <unordered_set>

namespace gonets {
namespace {

constexpr std::uint64_t highest = (1ull << 60) - 1;  // 41 + 8 + 11 bits

TEST(ids, prints_a_message_id_as_twelve_digits) {
  EXPECT_EQ(to_text(message_id{1}), "000000000001");
  EXPECT_EQ(to_text(message_id{31}), "00000000000Z");
  EXPECT_EQ(to_text(message_id{32}), "000000000010");
  EXPECT_EQ(to_text(message_id{highest}), "ZZZZZZZZZZZZ");
  EXPECT_EQ(to_text(message_id{0x123456789abcdef}), "28T5CY4TQKFF");
}

TEST(ids, reads_back_what_it_prints) {
  for (std::uint64_t v = 1; v <= highest; v = v * 3 + 1)
    EXPECT_EQ(parse_message_id(to_text(message_id{v})), message_id{v}) << v;
}

TEST(ids, prints_ids_that_sort_as_the_numbers_do) {
  std::string before;
  for (std::uint64_t v = 1; v <= highest; v = v * 2 + 1) {
    const auto text = to_text(message_id{v});
    EXPECT_LT(before, text);
    before = text;
  }
}

TEST(ids, reads_either_case_and_the_letters_that_people_mistake) {
  EXPECT_EQ(parse_message_id("28t5cy4tqkff"), message_id{0x123456789abcdef});
  EXPECT_EQ(parse_message_id("OoIiLl000000"), parse_message_id("001111000000"));
}

TEST(ids, refuses_what_is_no_id) {
  for (const auto* text : {"", "00000000001", "0000000000001", "00000000000U", "00000000000-", " 00000000001",
                           "00000000000\xc3", "000000000000"}) {
    EXPECT_FALSE(parse_message_id(text)) << text;
  }
}

TEST(ids, tells_when_a_message_was_accepted) {
  EXPECT_EQ(accepted_at_ms(message_id{1}), 1'577'836'800'000);  // 2020-01-01T00:00:00Z
  EXPECT_EQ(accepted_at_ms(message_id{172'800'123ull << 19 | 0x7ffff}), 1'578'009'600'123);
}

TEST(ids, hashes_neighbours_apart) {
  std::unordered_set<std::size_t> hashes;
  for (std::uint64_t v = 1; v <= 1000; ++v)
    hashes.insert(std::hash<message_id>{}(message_id{v}));
  EXPECT_EQ(hashes.size(), 1000u);
}

}  // namespace
}  // namespace gonets
