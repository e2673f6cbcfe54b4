#include "events/log_search.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <filesystem>
#include <vector>

#include "base/wire.h"

namespace gonets::events {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class log_search : public testing::Test {
 protected:
  log_search() {
    std::string folder = std::filesystem::temp_directory_path() / "gonets-log-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    store_ = std::move(*storage::store::open({.path = folder_}));
  }
  ~log_search() override {
    store_.reset();
    std::filesystem::remove_all(folder_);
  }

  void put(std::uint64_t seq, wall_time at, kind what) {
    event e;
    e.kind = what;
    e.at = at;
    std::string record, key;
    encode(e, record);
    wire::put_be64(key, seq);
    storage::batch b;
    b.put(storage::family::events, key, record);
    ASSERT_TRUE(store_->write(b, storage::durability::buffered));
  }
  // The numbers of what is found.
  std::vector<std::uint64_t> search(wall_time since, std::initializer_list<kind> kinds = {kind::pace},
                                    std::uint64_t max = 1000) {
    std::vector<std::uint64_t> found;
    const auto through =
        gonets::events::search_log(*store_, since, max, kinds, [&](const event& e) { found.push_back(e.seq.value); });
    EXPECT_TRUE(through);
    through_ = through.value_or(searched{});
    return found;
  }

  static constexpr wall_time start{1'767'268'800'000ms};
  std::string folder_;
  std::unique_ptr<storage::store> store_;
  searched through_;
};

TEST_F(log_search, finds_nothing_in_an_empty_log) {
  EXPECT_THAT(search(start), IsEmpty());
  EXPECT_EQ(through_.from, wall_time{});
  EXPECT_EQ(through_.events, 0u);
}

TEST_F(log_search, begins_with_the_first_event_of_the_time_wherever_that_is) {
  // As after a trim: the log begins at 7.
  for (std::uint64_t seq = 7; seq <= 40; ++seq)
    put(seq, start + seq * 1s, seq % 2 ? kind::pace : kind::delivered);
  for (std::uint64_t from = 0; from <= 45; ++from) {
    std::vector<std::uint64_t> expected;
    for (std::uint64_t seq = std::max<std::uint64_t>(7, from) | 1; seq <= 40; seq += 2)
      expected.push_back(seq);
    EXPECT_EQ(search(start + from * 1s), expected) << from;
  }
  EXPECT_THAT(search(start + 36s, {kind::pace, kind::delivered}), ElementsAre(36, 37, 38, 39, 40));
  EXPECT_EQ(through_.from, start + 36s);
}

TEST_F(log_search, looks_at_the_latest_when_there_are_too_many) {
  for (std::uint64_t seq = 1; seq <= 30; ++seq)
    put(seq, start + seq * 1s, kind::pace);
  EXPECT_THAT(search(start, {kind::pace}, 3), ElementsAre(28, 29, 30));
  EXPECT_TRUE(through_.cut);
  EXPECT_EQ(through_.from, start + 28s);
  EXPECT_EQ(search(start, {kind::pace}, 30).size(), 30u);
  EXPECT_FALSE(through_.cut);
}

}  // namespace
}  // namespace gonets::events
