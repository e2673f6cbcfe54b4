#include "delivery/blocklist_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/resolver_test_support.h"

namespace gonets::delivery {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

struct set_clock final : clock {
  wall_time wall() const override { return wall_time(now.time_since_epoch()); }
  steady_time steady() const override { return steady_time(now.time_since_epoch()); }
  std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds> now{1h};
};

class blocklist_watch_test : public ::testing::Test {
 protected:
  blocklist_watch_test() {
    config::settings about;
    about.egresses = {{.name = "a"}, {.name = "b"}};
    about.pools = {{"pair", {{"a"}, {"b"}}}};
    book.configure(about);
    dns.set_a("2.0.0.127.l.test", {"127.0.0.2"});
  }
  void check() {
    watch.tick();
    dns.run();
  }
  void check_later() {
    time.now += 1h;
    check();
  }
  void list(const std::string& name, const std::string& answer = "127.0.0.4") {
    dns.set_a(name + ".l.test", {answer});
    dns.set_txt(name + ".l.test", {"seen\x07 spamming"});
  }
  void answer_failure(const std::string& name) {
    dns.set_failure("A " + name + ".l.test", runtime::dns_status::temporary, "timed out");
  }
  void unlist(const std::string& name) {
    dns.set_failure("A " + name + ".l.test", runtime::dns_status::no_such_name, "");
  }
  std::vector<std::string> told() const {
    std::vector<std::string> all;
    for (const auto& e : events) {
      EXPECT_EQ(e.kind, events::kind::blocklist);
      all.push_back((e.blocklist->listed ? "+" : "-") + e.blocklist->egress + " " + e.blocklist->zone);
    }
    return all;
  }
  bool taken_out(const std::string& egress) const {
    for (const auto& l : book.lines()) {
      if (l.what.name == egress) return l.taken_out;
    }
    return false;
  }
  shaping::listing state_of(const std::string& egress) const {
    for (const auto& l : watch.lines()) {
      if (l.egress == egress) return l.state;
    }
    return shaping::listing::unknown;
  }

  blocklist_options with{{"l.test"}, 1h, true, {{"a", "192.0.2.1"}, {"b", "192.0.2.2"}}};
  runtime::scripted_resolver dns;
  set_clock time;
  metrics::registry counts;
  egress_book book{time, counts};
  std::vector<events::event> events;
  std::vector<std::string> moved;
  blocklist_watch watch{with,
                        {dns, time, counts, book, [this](events::event e) { events.push_back(std::move(e)); },
                         [this](const std::string& name) { moved.push_back(name); }}};
};

TEST_F(blocklist_watch_test, tells_of_a_listing_once_with_the_words_of_the_list_and_of_its_end) {
  list("1.2.0.192");
  check();
  EXPECT_THAT(told(), ElementsAre("+a l.test"));
  EXPECT_EQ(events[0].reason, "127.0.0.4: seen  spamming");
  EXPECT_EQ(events[0].blocklist->address, "192.0.2.1");
  EXPECT_THAT(counts.render(), HasSubstr(R"(gonets_egress_listed{egress="a",zone="l.test"} 1)"));
  EXPECT_THAT(counts.render(), HasSubstr(R"(gonets_egress_listed{egress="b",zone="l.test"} 0)"));
  check_later();
  EXPECT_THAT(told(), SizeIs(1));
  unlist("1.2.0.192");
  check_later();
  EXPECT_THAT(told(), ElementsAre("+a l.test", "-a l.test"));
  EXPECT_THAT(counts.render(), HasSubstr(R"(gonets_egress_listed{egress="a",zone="l.test"} 0)"));
}

TEST_F(blocklist_watch_test, asks_again_when_the_time_has_come_and_not_before) {
  check();
  const auto asked = dns.asked.size();
  EXPECT_GT(asked, 0u);
  time.now += 59min;
  check();
  EXPECT_EQ(dns.asked.size(), asked);
  time.now += 1min;
  check();
  EXPECT_EQ(dns.asked.size(), 2 * asked);
}

TEST_F(blocklist_watch_test, takes_out_what_is_listed_and_back_what_is_not_any_more) {
  list("1.2.0.192");
  check();
  EXPECT_TRUE(taken_out("a"));
  EXPECT_FALSE(taken_out("b"));
  EXPECT_THAT(moved, ElementsAre("a"));
  unlist("1.2.0.192");
  check_later();
  EXPECT_FALSE(taken_out("a"));
  EXPECT_THAT(moved, ElementsAre("a", "a"));
}

TEST_F(blocklist_watch_test, only_tells_where_nothing_is_to_be_taken_out) {
  with.take_out = false;
  watch.reconfigure(with);
  list("1.2.0.192");
  check();
  EXPECT_THAT(told(), SizeIs(1));
  EXPECT_FALSE(taken_out("a"));
}

TEST_F(blocklist_watch_test, does_not_believe_a_list_that_lists_the_world) {
  list("1.0.0.127");
  list("1.2.0.192");
  check();
  EXPECT_THAT(told(), IsEmpty());
  ASSERT_THAT(watch.zones(), SizeIs(1));
  EXPECT_THAT(watch.zones()[0].trouble, HasSubstr("lists the world"));
}

TEST_F(blocklist_watch_test, drops_the_listings_of_a_list_that_came_to_list_the_world) {
  list("1.2.0.192");
  check();
  list("1.0.0.127");
  check_later();
  EXPECT_THAT(told(), ElementsAre("+a l.test", "-a l.test"));
  EXPECT_FALSE(taken_out("a"));
}

TEST_F(blocklist_watch_test, believes_no_list_that_lacks_its_test_entry) {
  unlist("2.0.0.127");
  check();
  EXPECT_THAT(watch.zones()[0].trouble, HasSubstr("127.0.0.2 is not there"));
  EXPECT_EQ(state_of("a"), shaping::listing::unknown);
}

TEST_F(blocklist_watch_test, takes_a_refusal_and_a_failure_for_no_news_but_for_a_day) {
  list("1.2.0.192");
  check();
  list("1.2.0.192", "127.255.255.254");
  check_later();
  EXPECT_TRUE(taken_out("a"));
  EXPECT_THAT(watch.zones()[0].trouble, HasSubstr("127.255.255.254"));
  answer_failure("2.0.0.127");
  check_later();
  EXPECT_TRUE(taken_out("a"));
  EXPECT_THAT(watch.zones()[0].trouble, HasSubstr("timed out"));
  EXPECT_THAT(told(), SizeIs(1));
  time.now += 22h;
  check();
  EXPECT_FALSE(taken_out("a"));
  EXPECT_EQ(events.back().reason, "not confirmed for a day");
}

TEST_F(blocklist_watch_test, looks_ipv6_addresses_up_and_tests_the_list_for_them) {
  with.addresses = {{"a", "2001:db8::1"}};
  watch.reconfigure(with);
  const std::string reversed = "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2";
  list(reversed);
  check();
  EXPECT_THAT(told(), ElementsAre("+a l.test"));
  list("1.0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0");
  check_later();
  EXPECT_THAT(told(), ElementsAre("+a l.test", "-a l.test"));
}

TEST_F(blocklist_watch_test, forgets_what_is_asked_no_more) {
  list("1.2.0.192");
  check();
  with.zones.clear();
  watch.reconfigure(with);
  EXPECT_THAT(watch.lines(), IsEmpty());
  EXPECT_FALSE(taken_out("a"));
  EXPECT_THAT(counts.render(), HasSubstr(R"(gonets_egress_listed{egress="a",zone="l.test"} 0)"));
}

}  // namespace
}  // namespace gonets::delivery
