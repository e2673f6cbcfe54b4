#include "scheduler/entry_table.h"

#include <gtest/gtest.h>

#include <set>

namespace gonets::scheduler {
namespace {

class entry_table_test : public ::testing::Test {
 protected:
  handle add(std::uint64_t id, std::uint16_t index = 0) {
    entry e;
    e.id = message_id{id};
    e.index = recipient_index{index};
    e.state = entry_state::ready;
    e.domain = table_.domains.add("x.test");
    return table_.add(e);
  }
  std::multiset<std::uint16_t> indexes(std::uint64_t id) const {
    std::multiset<std::uint16_t> found;
    for (auto h = table_.find(message_id{id}); h != no_handle; h = table_[h].sibling)
      found.insert(table_[h].index.value);
    return found;
  }
  entry_table table_;
};

TEST_F(entry_table_test, finds_the_recipients_of_a_message) {
  add(7, 0);
  add(8, 0);
  add(7, 1);
  add(7, 2);
  EXPECT_EQ(indexes(7), (std::multiset<std::uint16_t>{0, 1, 2}));
  EXPECT_EQ(indexes(8), (std::multiset<std::uint16_t>{0}));
  EXPECT_EQ(indexes(9), (std::multiset<std::uint16_t>{}));
  EXPECT_EQ(table_.size(), 4u);
}

TEST_F(entry_table_test, takes_a_recipient_out_wherever_it_stands_among_its_siblings) {
  for (std::uint16_t gone = 0; gone < 3; ++gone) {
    std::array<handle, 3> handles{};
    std::multiset<std::uint16_t> left;
    for (std::uint16_t i = 0; i < 3; ++i) {
      handles[i] = add(7, i);
      if (i != gone) left.insert(i);
    }
    table_.remove(handles[gone]);
    EXPECT_EQ(indexes(7), left);
    for (std::uint16_t i = 0; i < 3; ++i) {
      if (i != gone) table_.remove(handles[i]);
    }
    EXPECT_EQ(table_.find(message_id{7}), no_handle);
    EXPECT_EQ(table_.size(), 0u);
  }
}

TEST_F(entry_table_test, uses_the_place_of_what_is_gone_again) {
  const auto first = add(1);
  add(2);
  table_.remove(first);
  EXPECT_EQ(table_[first].state, entry_state::free);
  EXPECT_EQ(add(3), first);
  EXPECT_EQ(table_.slots(), 2u);
  EXPECT_EQ(table_[first].id, message_id{3});
  EXPECT_EQ(indexes(1), (std::multiset<std::uint16_t>{}));
}

TEST_F(entry_table_test, lets_go_of_the_message_and_the_domain_of_what_is_gone) {
  const auto h = add(1);
  const auto m = std::make_shared<const spool::queued_message>();
  table_[h].hot = m;
  table_.remove(h);
  EXPECT_EQ(m.use_count(), 1);
  EXPECT_EQ(table_.domains.add("other.test"), 0u);  // the number was free again
}

TEST(name_table, keeps_a_name_as_long_as_it_is_used) {
  name_table domains;
  const auto a = domains.add("a.test");
  const auto b = domains.add("b.test");
  EXPECT_NE(a, b);
  EXPECT_EQ(domains.add("a.test"), a);
  EXPECT_EQ(domains.name(a), "a.test");
  domains.release(a);
  EXPECT_EQ(domains.add("a.test"), a);  // two users are left
  domains.release(a);
  domains.release(a);
  EXPECT_EQ(domains.add("c.test"), a);
  EXPECT_EQ(domains.name(a), "c.test");
  EXPECT_EQ(domains.name(b), "b.test");
  EXPECT_EQ(domains.add("b.test"), b);
}

TEST(name_table, finds_names_however_many_there_are) {
  name_table domains;
  for (std::uint32_t i = 0; i < 1000; ++i)
    ASSERT_EQ(domains.add("d" + std::to_string(i) + ".test"), i);
  for (std::uint32_t i = 0; i < 1000; i += 2)
    domains.release(i);
  for (std::uint32_t i = 1; i < 1000; i += 2)
    EXPECT_EQ(domains.add("d" + std::to_string(i) + ".test"), i);
}

TEST(entry_state, has_a_word_for_each) {
  EXPECT_EQ(to_text(entry_state::free), "free");
  EXPECT_EQ(to_text(entry_state::resolving), "resolving");
  EXPECT_EQ(to_text(entry_state::ready), "ready");
  EXPECT_EQ(to_text(entry_state::loading), "loading");
  EXPECT_EQ(to_text(entry_state::leased), "sending");
  EXPECT_EQ(to_text(entry_state::deferred), "deferred");
  EXPECT_EQ(to_text(entry_state::held), "held");
  EXPECT_EQ(to_text(entry_state::paused), "paused");
}

}  // namespace
}  // namespace gonets::scheduler
