#include "message/maildir_name.h"

#include <gtest/gtest.h>

namespace gonets::message {
namespace {

using namespace std::chrono_literals;

maildir_facts facts() {
  return {.now = wall_time{1'792'124'912'345ms},
          .microseconds = 345,
          .process_id = 4711,
          .delivery = 42,
          .host = "mx.example.test"};
}

TEST(maildir_name, has_time_unique_part_and_host) {
  EXPECT_EQ(maildir_name(facts()), "1792124912.M000345P4711Q42.mx.example.test");
}

TEST(maildir_name, differs_from_delivery_to_delivery) {
  auto next = facts();
  ++next.delivery;
  EXPECT_NE(maildir_name(next), maildir_name(facts()));
}

TEST(maildir_name, escapes_what_separates_paths_and_flags) {
  auto f = facts();
  f.host = "../a:2,S";
  EXPECT_EQ(maildir_name(f), "1792124912.M000345P4711Q42...\\057a\\0722,S");
}

TEST(maildir_name, replaces_what_is_not_printable) {
  using namespace std::string_view_literals;
  auto f = facts();
  f.host = "a b\0\n\xff"sv;
  EXPECT_EQ(maildir_name(f), "1792124912.M000345P4711Q42.a_b___");
}

TEST(maildir_name, fits_a_file_name_whatever_the_host) {
  auto f = facts();
  const std::string host(1000, '/');
  f.host = host;
  f.process_id = UINT32_MAX;
  f.delivery = UINT64_MAX;
  f.now = wall_time{std::chrono::milliseconds::max()};
  EXPECT_LE(maildir_name(f).size(), 210u);
}

TEST(maildir_name, names_a_host_without_name_localhost) {
  auto f = facts();
  f.host = {};
  EXPECT_TRUE(maildir_name(f).ends_with(".localhost"));
}

}  // namespace
}  // namespace gonets::message
