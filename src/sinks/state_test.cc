#include "sinks/state.h"

#include <gtest/gtest.h>

namespace gonets::sinks {
namespace {

const state with_part{event_seq{42}, open_part{"archive-20261127T041500Z-7.jsonl.zst", 1234, true,
                                               wall_time(std::chrono::milliseconds(1'790'000'000'123))}};

TEST(sink_state, has_the_form_of_the_format_document) {
  EXPECT_EQ(encode({event_seq{42}, {}}), "gonets-sink 1\ncursor 42\n");
  EXPECT_EQ(encode(with_part),
            "gonets-sink 1\ncursor 42\nfile archive-20261127T041500Z-7.jsonl.zst\nbytes 1234\nframe open\n"
            "opened 1790000000123\n");
}

TEST(sink_state, is_read_as_it_was_written) {
  EXPECT_EQ(decode_state(encode(with_part)), with_part);
  EXPECT_EQ(decode_state(encode({event_seq{1}, {}})), (state{event_seq{1}, {}}));
}

TEST(sink_state, is_refused_when_any_part_of_it_is_missing_or_strange) {
  const auto good = encode(with_part);
  for (std::size_t n = 0; n < good.size(); ++n) {
    if (good.substr(0, n) == encode({event_seq{42}, {}})) continue;
    EXPECT_EQ(decode_state(good.substr(0, n)), std::nullopt) << n;
  }
  EXPECT_EQ(decode_state(good + "x"), std::nullopt);
  EXPECT_EQ(decode_state("gonets-sink 2\ncursor 42\n"), std::nullopt);
  EXPECT_EQ(decode_state("gonets-sink 1\ncursor 42x\n"), std::nullopt);
  EXPECT_EQ(decode_state("gonets-sink 1\ncursor 1\nfile ../x\nbytes 1\nframe open\nopened 1\n"), std::nullopt);
}

}  // namespace
}  // namespace gonets::sinks
