#include "metrics/metrics.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <thread>

namespace gonets::metrics {
namespace {

TEST(registry, renders_nothing_when_empty) {
  EXPECT_EQ(registry().render(), "");
}

TEST(registry, renders_families_by_name_with_help_and_type) {
  registry r;
  r.make_gauge("gonets_queue_messages", "Messages in the queue.").set(-2);
  r.make_counter("gonets_accepted_total", "Messages accepted.").add(3);
  r.make_callback_gauge("gonets_uptime_seconds", "Since the start.", [] { return 1.5; });
  EXPECT_EQ(r.render(),
            "# HELP gonets_accepted_total Messages accepted.\n"
            "# TYPE gonets_accepted_total counter\n"
            "gonets_accepted_total 3\n"
            "# HELP gonets_queue_messages Messages in the queue.\n"
            "# TYPE gonets_queue_messages gauge\n"
            "gonets_queue_messages -2\n"
            "# HELP gonets_uptime_seconds Since the start.\n"
            "# TYPE gonets_uptime_seconds gauge\n"
            "gonets_uptime_seconds 1.5\n");
}

TEST(registry, renders_one_header_for_all_labels_of_a_family) {
  registry r;
  r.make_counter("gonets_attempts_total", "Attempts.", {{"outcome", "deferred"}}).add(2);
  r.make_counter("gonets_attempts_total", "Other words.", {{"outcome", "delivered"}, {"ip", "6"}}).add();
  EXPECT_EQ(r.render(),
            "# HELP gonets_attempts_total Attempts.\n"
            "# TYPE gonets_attempts_total counter\n"
            "gonets_attempts_total{ip=\"6\",outcome=\"delivered\"} 1\n"
            "gonets_attempts_total{outcome=\"deferred\"} 2\n");
}

TEST(registry, gives_the_same_instrument_for_the_same_name_and_labels_in_any_order) {
  registry r;
  counter& one = r.make_counter("a", "", {{"x", "1"}, {"y", "2"}});
  EXPECT_EQ(&one, &r.make_counter("a", "", {{"y", "2"}, {"x", "1"}}));
  EXPECT_NE(&one, &r.make_counter("a", "", {{"x", "1"}, {"y", "3"}}));
  EXPECT_NE(&one, &r.make_counter("b", "", {{"x", "1"}, {"y", "2"}}));
}

TEST(registry, escapes_label_values_and_help) {
  registry r;
  r.make_counter("a", "back\\slash, \"quotes\"\nand line", {{"x", "back\\slash, \"quotes\"\nand line"}});
  EXPECT_EQ(r.render(),
            "# HELP a back\\\\slash, \"quotes\"\\nand line\n"
            "# TYPE a counter\n"
            "a{x=\"back\\\\slash, \\\"quotes\\\"\\nand line\"} 0\n");
}

TEST(registry, renders_histograms_cumulatively_with_inclusive_bounds) {
  registry r;
  histogram& h = r.make_histogram("gonets_delay_seconds", "Delay.", {0.005, 1, 10});
  for (const double v : {0.001, 0.005, 0.5, 1.0, 10.5})
    h.observe(v);
  h.observe(std::nan(""));
  EXPECT_EQ(r.render(),
            "# HELP gonets_delay_seconds Delay.\n"
            "# TYPE gonets_delay_seconds histogram\n"
            "gonets_delay_seconds_bucket{le=\"0.005\"} 2\n"
            "gonets_delay_seconds_bucket{le=\"1\"} 4\n"
            "gonets_delay_seconds_bucket{le=\"10\"} 4\n"
            "gonets_delay_seconds_bucket{le=\"+Inf\"} 5\n"
            "gonets_delay_seconds_sum 12.006\n"
            "gonets_delay_seconds_count 5\n");
}

TEST(registry, renders_a_histograms_labels_before_its_bound) {
  registry r;
  r.make_histogram("h", "", {}, {{"site", "a"}}).observe(3);
  EXPECT_EQ(r.render(),
            "# HELP h \n# TYPE h histogram\n"
            "h_bucket{site=\"a\",le=\"+Inf\"} 1\nh_sum{site=\"a\"} 3\nh_count{site=\"a\"} 1\n");
}

TEST(registry, reads_a_callback_each_time_and_only_the_last_one_set) {
  registry r;
  int reads = 0;
  r.make_callback_gauge("a", "", [] { return 0.0; });
  r.make_callback_gauge("a", "", [&] { return ++reads == 1 ? NAN : -std::numeric_limits<double>::infinity(); });
  EXPECT_EQ(r.render(), "# HELP a \n# TYPE a gauge\na NaN\n");
  EXPECT_EQ(r.render(), "# HELP a \n# TYPE a gauge\na -Inf\n");
}

TEST(registry, refuses_a_name_that_has_another_type_or_is_none) {
  registry r;
  r.make_counter("a", "");
  r.make_gauge("g", "");
  r.make_callback_gauge("c", "", [] { return 1.0; });
  EXPECT_THROW(r.make_gauge("a", ""), std::logic_error);
  EXPECT_THROW(r.make_histogram("a", "", {1}), std::logic_error);
  EXPECT_THROW(r.make_callback_gauge("g", "", [] { return 1.0; }), std::logic_error);
  EXPECT_THROW(r.make_gauge("c", ""), std::logic_error);
  EXPECT_THROW(r.make_counter("1a", ""), std::logic_error);
  EXPECT_THROW(r.make_counter("b", "", {{"no-name", ""}}), std::logic_error);
}

TEST(histogram, refuses_bounds_that_do_not_ascend) {
  EXPECT_THROW(histogram({1, 1}), std::invalid_argument);
  EXPECT_THROW(histogram({2, 1}), std::invalid_argument);
  EXPECT_THROW(histogram({1, INFINITY}), std::invalid_argument);
}

TEST(registry, loses_no_count_of_several_threads) {
  registry r;
  counter& c = r.make_counter("c", "");
  histogram& h = r.make_histogram("h", "", {1});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) {
        c.add();
        h.observe(i % 2 == 0 ? 1 : 2);
      }
    });
  }
  for (std::thread& t : threads)
    t.join();
  EXPECT_EQ(r.render(),
            "# HELP c \n# TYPE c counter\nc 4000\n# HELP h \n# TYPE h histogram\n"
            "h_bucket{le=\"1\"} 2000\nh_bucket{le=\"+Inf\"} 4000\nh_sum 6000\nh_count 4000\n");
}

}  // namespace
}  // namespace gonets::metrics
