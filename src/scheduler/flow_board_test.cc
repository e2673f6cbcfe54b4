#include "scheduler/flow_board.h"

#include <fmt/format.h>
#include "scheduler/scheduler_test_support.h"

namespace gonets::scheduler {
namespace {

class full_board : public ::testing::Test {
 protected:
  full_board() {
    for (std::size_t i = 0; i < flow_board::sites_max; ++i)
      note(fmt::format("mx:{}.test", i), begins);
  }
  void note(std::string_view site, std::int64_t at) {
    board_.note(site, "google", "default", account_id{1}, events::kind::delivered, at);
  }
  static constexpr std::int64_t begins = 1'000'000;
  flow_board board_;
};

TEST_F(full_board, takes_no_more_sites_but_counts_on_for_those_it_has) {
  note("mx:new.test", begins + 1);
  note("mx:7.test", begins + 1);
  EXPECT_EQ(board_.sites().size(), flow_board::sites_max);
  EXPECT_FALSE(board_.sites().contains("mx:new.test"));
  EXPECT_EQ(board_.sites().at("mx:7.test").counts.delivered, 2u);
  EXPECT_EQ(board_.accounts().at(account_id{1}).delivered, flow_board::sites_max + 2);
}

TEST_F(full_board, forgets_what_was_long_not_counted_when_there_are_new_sites) {
  const auto later = begins + flow_board::forgotten_after_ms + 1;
  note("mx:7.test", later);
  note("mx:new.test", later);
  EXPECT_EQ(board_.sites().size(), 2u);
  EXPECT_TRUE(board_.sites().contains("mx:7.test"));
}

TEST_F(full_board, is_not_swept_for_every_site_that_has_no_place) {
  const auto full = begins + flow_board::forgotten_after_ms;  // nothing is old enough yet
  note("mx:new.test", full);
  note("mx:new.test", full + flow_board::swept_each_ms - 1);
  EXPECT_FALSE(board_.sites().contains("mx:new.test"));
  note("mx:new.test", full + flow_board::swept_each_ms);
  EXPECT_TRUE(board_.sites().contains("mx:new.test"));
}

TEST_F(scheduling, shows_what_waits_for_its_next_attempt_under_the_provider_of_its_domain) {
  const auto m = message();
  m->envelope.recipients[0].address = "to@small.test";
  admit(m);
  settle(*take(), {smtp::disposition::deferred});
  const auto view = on_shard([&] { return scheduler_->flow(); });
  const auto line = std::ranges::find(view.sites, "small.test", &flow_line::site);
  ASSERT_NE(line, view.sites.end());
  EXPECT_EQ(line->provider, "small");
}

}  // namespace
}  // namespace gonets::scheduler
