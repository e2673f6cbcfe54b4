#include "app/cli/top_view.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/cli/text.h"
#include "base/text.h"

namespace gonets::app::cli {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class top_view : public ::testing::Test {
 protected:
  // A look at so many seconds past noon; rows in JSON.
  void look(int second, const std::string& rows, const std::string& total = "{}") {
    const auto text = R"({"at":"2026-01-01T12:00:)" + std::string(second < 10 ? "0" : "") + std::to_string(second) +
                      R"(.000Z","rows_in_all":3,"rows":[)" + rows + R"(],"total":)" + total + "}";
    history.add(json::parse(text).as_object());
  }
  std::vector<std::string> names(top_sort by) const {
    std::vector<std::string> all;
    for (const auto& r : history.rows(by))
      all.push_back(r.name);
    return all;
  }
  std::string drawn(unsigned width, unsigned height, top_state state = {}) const {
    terminal on;
    on.width = width;
    on.interactive = true;
    return render_top(history, state, on, height, *parse_time("2026-01-01T12:00:30.000Z"));
  }
  top_history history;
};

constexpr const char* before = R"({"name":"google","delivered":100,"deferred":0,"failed":0},{"name":"yahoo"})";
constexpr const char* after_ =
    R"({"name":"google","delivered":140,"deferred":10,"failed":0,"waiting":7,"connections":3,)"
    R"("oldest":"2026-01-01T11:59:00.000Z"},{"name":"yahoo","waiting":90,"delivered":10},{"name":"apple"})";

TEST_F(top_view, makes_rates_of_the_difference_of_two_looks) {
  look(0, before);
  EXPECT_EQ(history.rows(top_sort::name)[0].rate, 0);
  look(5, after_);
  const auto google = history.rows(top_sort::name)[1];
  EXPECT_EQ(google.name, "google");
  EXPECT_EQ(google.rate, 8);
  EXPECT_EQ(google.attempts, 10);
  EXPECT_EQ(google.deferral_share, 0.2);
}

TEST_F(top_view, looks_back_for_ten_seconds) {
  look(0, R"({"name":"a","delivered":0})");
  look(10, R"({"name":"a","delivered":1000})");
  look(20, R"({"name":"a","delivered":1010})");
  EXPECT_EQ(history.rows(top_sort::name)[0].rate, 1);
}

TEST_F(top_view, takes_counts_that_went_back_for_new_ones) {
  look(0, R"({"name":"a","delivered":500})");
  look(2, R"({"name":"a","delivered":4})");
  EXPECT_EQ(history.rows(top_sort::name)[0].rate, 2);
}

TEST_F(top_view, sorts_as_is_asked) {
  look(0, before);
  look(5, after_);
  EXPECT_EQ(names(top_sort::rate), (std::vector<std::string>{"google", "yahoo", "apple"}));
  EXPECT_EQ(names(top_sort::queue), (std::vector<std::string>{"yahoo", "google", "apple"}));
  EXPECT_EQ(names(top_sort::deferrals).front(), "google");
  EXPECT_EQ(names(top_sort::oldest).front(), "google");
  EXPECT_EQ(names(top_sort::name).front(), "apple");
}

TEST_F(top_view, fits_the_terminal) {
  std::string rows;
  for (int n = 0; n < 40; ++n)
    rows += std::string(n > 0 ? "," : "") + R"({"name":"mx:a-very-long-name-of-a-mail-host-)" + std::to_string(n) +
            R"(.example.com"})";
  look(0, rows);
  look(1, rows);
  for (const auto& [width, height] : {std::pair{60u, 10u}, {120u, 24u}, {80u, 60u}}) {
    const auto text = drawn(width, height);
    EXPECT_LE(std::ranges::count(text, '\n'), height);
    for (std::size_t at = 0; at < text.size();) {
      const auto end = text.find('\n', at);
      EXPECT_LE(columns(text.substr(at, end - at)), width);
      at = end + 1;
    }
  }
}

TEST_F(top_view, shows_the_numbers_the_total_and_what_is_left_out) {
  look(0, before, R"({"delivered":100})");
  look(5, after_, R"({"delivered":150,"waiting":97})");
  const auto text = drawn(100, 7);
  EXPECT_THAT(text, HasSubstr("by provider, sorted by rate"));
  EXPECT_THAT(text, HasSubstr("20.0%"));
  EXPECT_THAT(text, HasSubstr("90s"));
  EXPECT_THAT(text, HasSubstr("1 more"));
  EXPECT_THAT(text, HasSubstr("q quit"));
  EXPECT_THAT(text, Not(HasSubstr("PAUSED")));
  EXPECT_THAT(drawn(100, 7, {.paused = true}), HasSubstr("PAUSED"));
}

}  // namespace
}  // namespace gonets::app::cli
