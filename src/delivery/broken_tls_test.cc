#include "delivery/broken_tls.h"

#include <gtest/gtest.h>

namespace gonets::delivery {
namespace {

using namespace std::chrono_literals;

TEST(BrokenTls, is_remembered_for_an_hour) {
  broken_tls hosts;
  const steady_time now{};
  hosts.note("mx.example.com", "wrong version number", now);
  ASSERT_NE(hosts.find("mx.example.com", now + 59min), nullptr);
  EXPECT_EQ(*hosts.find("mx.example.com", now + 59min), "wrong version number");
  EXPECT_EQ(hosts.find("mx.example.com", now + 60min), nullptr);
  EXPECT_EQ(hosts.find("other.example.com", now), nullptr);
}

TEST(BrokenTls, is_bounded) {
  broken_tls hosts;
  for (std::size_t i = 0; i < 2 * broken_tls::hosts_max + 5; ++i)
    hosts.note(std::to_string(i), "x", steady_time{});
  EXPECT_LE(hosts.size(), broken_tls::hosts_max);
  EXPECT_NE(hosts.find(std::to_string(2 * broken_tls::hosts_max + 4), steady_time{}), nullptr);
}

}  // namespace
}  // namespace gonets::delivery
