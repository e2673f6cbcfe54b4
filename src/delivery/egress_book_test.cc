#include "delivery/egress_book.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gonets::delivery {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

constexpr std::string_view here = "mx:mx.example";

struct set_clock final : clock {
  wall_time wall() const override { return wall_time(now.time_since_epoch()); }
  steady_time steady() const override { return steady_time(now.time_since_epoch()); }
  std::chrono::time_point<std::chrono::steady_clock, std::chrono::milliseconds> now{1h};
};

class egress_book_test : public ::testing::Test {
 protected:
  egress_book_test() {
    with.delivery.helo = "mail.example.com";
    with.egresses = {{.name = "a", .source_ipv4 = "192.0.2.1", .helo = "a.example.com"}, {.name = "b"}, {.name = "c"}};
    with.pools = {{"bulk", {{"a", 6}, {"b", 3}, {"c", 1}}}, {"pair", {{"a"}, {"b"}}}};
    with.streams = {{.name = "transactional"}, {.name = "bulk", .egress = "bulk"}};
    book.configure(with);
  }
  std::string chosen(const std::string& name, std::string_view wanted, std::string_view site = here) const {
    return book.choose(spool::parse_lookup_name(name), wanted, site);
  }
  std::map<std::string, int> spread(const std::string& pool, std::string_view site = here) const {
    std::map<std::string, int> count;
    for (unsigned slot = 0; slot < egress_book::slots; ++slot)
      ++count[chosen(fmt::format("d.example;egress={}#{}", pool, slot), pool, site)];
    return count;
  }

  static spool::queued_message message_of(std::string stream, account_id account = {}) {
    spool::queued_message m;
    m.id = message_id{5};
    m.stream = std::move(stream);
    m.account = account;
    return m;
  }

  config::settings with;
  set_clock time;
  metrics::registry counts;
  egress_book book{time, counts};
};

TEST_F(egress_book_test, marks_nothing_and_takes_the_default_where_there_is_no_other) {
  book.configure({});
  EXPECT_EQ(book.mark_of(message_of("bulk")), "");
  EXPECT_EQ(chosen("d.example", ""), "default");
}

TEST_F(egress_book_test, marks_messages_with_what_their_stream_wants_and_a_slot_that_stays) {
  EXPECT_THAT(book.mark_of(message_of("bulk")), HasSubstr(";egress=bulk#"));
  EXPECT_THAT(book.mark_of(message_of("transactional")), HasSubstr(";egress=#"));
  EXPECT_EQ(book.mark_of(message_of("bulk")), book.mark_of(message_of("bulk")));
  with.pools.clear();
  with.streams[1].egress = "a";
  book.configure(with);
  EXPECT_EQ(book.mark_of(message_of("bulk")), ";egress=a");
}

TEST_F(egress_book_test, lets_the_sender_choose_before_the_account_and_the_account_before_the_stream) {
  book.set_accounts({{account_id{7}, "pair"}});
  EXPECT_THAT(book.mark_of(message_of("bulk", account_id{7})), HasSubstr(";egress=pair#"));
  EXPECT_THAT(book.mark_of(message_of("bulk", account_id{8})), HasSubstr(";egress=bulk#"));
  auto m = message_of("bulk", account_id{7});
  m.egress = "c";
  EXPECT_THAT(book.mark_of(m), HasSubstr(";egress=c#"));
  book.set_accounts({});
  EXPECT_THAT(book.mark_of(message_of("bulk", account_id{7})), HasSubstr(";egress=bulk#"));
}

TEST_F(egress_book_test, takes_the_one_that_is_named_or_the_usual_one_for_a_name_that_is_gone) {
  EXPECT_EQ(chosen("d.example", "c"), "c");
  EXPECT_EQ(chosen("d.example", "gone"), "default");
  with.delivery.egress = "b";
  book.configure(with);
  EXPECT_EQ(chosen("d.example", "gone"), "b");
  EXPECT_EQ(chosen("d.example", ""), "b");
  EXPECT_EQ(chosen("d.example", "default"), "default");
}

TEST_F(egress_book_test, shares_slots_out_by_weight) {
  const auto count = spread("bulk");
  EXPECT_NEAR(count.at("a"), 0.6 * egress_book::slots, 0.02 * egress_book::slots);
  EXPECT_NEAR(count.at("b"), 0.3 * egress_book::slots, 0.02 * egress_book::slots);
  EXPECT_NEAR(count.at("c"), 0.1 * egress_book::slots, 0.02 * egress_book::slots);
}

TEST_F(egress_book_test, moves_only_the_slots_of_an_egress_that_is_down) {
  std::map<unsigned, std::string> before;
  for (unsigned slot = 0; slot < egress_book::slots; ++slot)
    before[slot] = chosen(fmt::format("d.example;egress=bulk#{}", slot), "bulk");
  book.failed("a", "broken");
  for (const auto& [slot, was] : before) {
    const auto now = chosen(fmt::format("d.example;egress=bulk#{}", slot), "bulk");
    EXPECT_NE(now, "a");
    if (was == "a") continue;
    EXPECT_EQ(now, was);
  }
  book.worked("a");
  EXPECT_EQ(chosen("d.example;egress=bulk#0", "bulk"), before[0]);
}

TEST_F(egress_book_test, leaves_a_failing_egress_alone_for_longer_each_time_up_to_a_bound) {
  EXPECT_FALSE(book.trouble_of("a"));
  EXPECT_EQ(book.failed("a", "no route").lasts, 30s);
  ASSERT_TRUE(book.trouble_of("a"));
  EXPECT_THAT(book.trouble_of("a")->why, HasSubstr("egress a does not work: no route"));
  time.now += 10s;
  EXPECT_EQ(book.failed("a", "the same pause").lasts, 20s);
  time.now += 20s;
  EXPECT_FALSE(book.trouble_of("a"));
  EXPECT_EQ(book.failed("a", "again").lasts, 60s);
  for (int n = 0; n < 10; ++n) {
    time.now += 15min;
    book.failed("a", "again");
  }
  EXPECT_EQ(book.trouble_of("a")->lasts, 15min);
  book.worked("a");
  EXPECT_EQ(book.failed("a", "anew").lasts, 30s);
}

TEST_F(egress_book_test, tells_the_metrics_which_egresses_work) {
  const auto shows = [&](const char* line) { return counts.render().find(line) != std::string::npos; };
  EXPECT_TRUE(shows("gonets_egress_up{egress=\"a\"} 1"));
  book.failed("a", "broken");
  EXPECT_TRUE(shows("gonets_egress_up{egress=\"a\"} 0"));
  EXPECT_TRUE(shows("gonets_egress_up{egress=\"default\"} 1"));
  time.now += 1min;  // the pause is over, and nobody has seen it work yet
  EXPECT_TRUE(shows("gonets_egress_up{egress=\"a\"} 0"));
  book.worked("a");
  EXPECT_TRUE(shows("gonets_egress_up{egress=\"a\"} 1"));
}

TEST_F(egress_book_test, takes_of_a_pool_that_is_down_the_one_that_can_be_tried_first) {
  book.failed("a", "broken");
  time.now += 1s;
  book.failed("b", "broken");
  for (unsigned slot = 0; slot < 20; ++slot)
    EXPECT_EQ(chosen(fmt::format("d.example;egress=pair#{}", slot), "pair"), "a");
}

TEST_F(egress_book_test, passes_over_an_egress_at_the_site_that_refuses_it_while_that_lasts) {
  book.refused("a", here, 1h);
  EXPECT_FALSE(spread("pair").contains("a"));
  EXPECT_TRUE(spread("pair", "mx:elsewhere.example").contains("a"));
  book.refused("b", here, 1h);
  EXPECT_EQ(spread("pair").size(), 2u);  // there is nothing better
  time.now += 1h;
  EXPECT_EQ(spread("pair").size(), 2u);
}

TEST_F(egress_book_test, passes_over_what_was_refused_for_the_recipient) {
  for (unsigned slot = 0; slot < 20; ++slot)
    EXPECT_EQ(chosen(fmt::format("d.example;egress=pair#{}!a", slot), "pair"), "b");
  const auto has_other = [&](const char* name, const char* than) {
    return book.has_other(spool::parse_lookup_name(name), "pair", than, here);
  };
  EXPECT_TRUE(has_other("d.example;egress=pair#1", "a"));
  EXPECT_FALSE(has_other("d.example;egress=pair#1!b", "a"));
  book.failed("b", "broken");
  EXPECT_FALSE(has_other("d.example;egress=pair#1", "a"));
}

TEST_F(egress_book_test, passes_over_what_is_listed_while_another_of_the_pool_works) {
  EXPECT_TRUE(book.listed("a", "192.0.2.1 is on l.test"));
  EXPECT_FALSE(book.listed("a", "192.0.2.1 is on l.test"));
  EXPECT_FALSE(spread("pair").contains("a"));
  EXPECT_FALSE(spread("bulk").contains("a"));
  const auto has_other = [&] {
    return book.has_other(spool::parse_lookup_name("d.example;egress=pair#1"), "pair", "b", here);
  };
  EXPECT_FALSE(has_other());
  book.configure(with);
  EXPECT_FALSE(spread("pair").contains("a"));
  EXPECT_TRUE(book.listed("a", {}));
  EXPECT_EQ(spread("pair").size(), 2u);
  EXPECT_TRUE(has_other());
}

TEST_F(egress_book_test, empties_no_pool_for_a_list) {
  EXPECT_EQ(chosen("d.example", "a"), "a");
  book.listed("a", "listed");
  EXPECT_EQ(chosen("d.example", "a"), "a");
  book.listed("b", "listed");
  EXPECT_EQ(spread("pair").size(), 2u);
  book.listed("b", {});
  book.failed("b", "broken");
  EXPECT_EQ(chosen("d.example;egress=pair#1", "pair"), "a");
}

TEST_F(egress_book_test, tells_which_listed_egresses_a_streams_mail_might_go_by) {
  book.listed("a", "listed");
  spool::queued_message m;
  m.stream = "bulk";
  EXPECT_EQ(book.listed_for(m, "d.example").size(), 1u);
  m.stream = "transactional";
  EXPECT_TRUE(book.listed_for(m, "d.example").empty());
  m.account = account_id{7};
  book.set_accounts({{account_id{7}, "pair"}});
  EXPECT_EQ(book.listed_for(m, "d.example").size(), 1u);
}

TEST_F(egress_book_test, finds_an_egress_with_the_helo_name_of_all_where_it_has_none) {
  EXPECT_EQ(book.find("a").helo, "a.example.com");
  EXPECT_EQ(book.find("b").helo, "mail.example.com");
  EXPECT_EQ(book.find("gone").name, "default");
}

TEST_F(egress_book_test, gives_each_egress_another_chance_at_a_reload) {
  book.failed("a", "broken");
  book.configure(with);
  EXPECT_FALSE(book.trouble_of("a"));
}

TEST_F(egress_book_test, lists_all_with_their_pools_and_state) {
  book.failed("b", "broken");
  const auto all = book.lines();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[0].what.name, "default");
  EXPECT_EQ(all[1].pools, (std::vector<std::string>{"bulk", "pair"}));
  EXPECT_FALSE(all[1].down);
  EXPECT_TRUE(all[2].down);
}

}  // namespace
}  // namespace gonets::delivery
