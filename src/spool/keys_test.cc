// What a spool has on disk, byte by byte: docs/formats/spool.md.
#include <map>

#include "base/hex_test_support.h"
#include "base/wire.h"
#include "spool/spool_test_support.h"

namespace gonets::spool {
namespace {

using storage::family;

constexpr message_id some_id{0x0123456789abcdef};

TEST(keys, have_the_bytes_that_their_grammar_says) {
  EXPECT_EQ(to_hex(message_key(some_id)), "0123456789abcdef");
  EXPECT_EQ(to_hex(body_key(some_id, 258)), "0123456789abcdef00000102");
  EXPECT_EQ(to_hex(recipient_key(some_id, recipient_index{258})), "0123456789abcdef0102");
  EXPECT_EQ(to_hex(event_key(event_seq{258})), "0000000000000102");
  EXPECT_EQ(to_hex(history_key(some_id, event_seq{258})), "0123456789abcdef0000000000000102");
}

TEST(keys, of_one_message_stand_together_and_in_order) {
  const message_id next{some_id.value + 1};
  EXPECT_LT(body_key(some_id, 0), body_key(some_id, 1));
  EXPECT_LT(body_key(some_id, 255), body_key(some_id, 256));
  EXPECT_LT(body_key(some_id, ~0u), message_key(next));
  EXPECT_LT(recipient_key(some_id, recipient_index{255}), recipient_key(some_id, recipient_index{256}));
  EXPECT_LT(recipient_key(some_id, recipient_index{65535}), message_key(next));
  EXPECT_LT(history_key(some_id, event_seq{~0ull}), message_key(next));
}

class stored_bytes : public spool_fixture {
 protected:
  std::map<std::string, std::string> all(family in) {
    std::map<std::string, std::string> found;
    auto scanned = store_->store().scan(in, "", "", [&](std::string_view key, std::string_view value) {
      found[to_hex(key)] = to_hex(value);
      return true;
    });
    EXPECT_TRUE(scanned);
    return found;
  }
  void put(family in, const std::string& key, const std::string& value) {
    storage::batch b;
    b.put(in, key, value);
    ASSERT_TRUE(store_->store().write(b, storage::durability::synced));
  }
};

TEST_F(stored_bytes, of_an_empty_spool_are_its_format) {
  open();
  EXPECT_EQ(all(family::meta), (std::map<std::string, std::string>{{to_hex("format"), to_hex("gonets-spool 1")}}));
  for (const auto f : {family::messages, family::bodies, family::recipients, family::events, family::history})
    EXPECT_TRUE(all(f).empty());
}

TEST_F(stored_bytes, follow_a_message_from_its_acceptance_to_its_end) {
  open();
  const auto m = make_message(some_id, 2, "Body\r\n");
  m->head = "Head: x\r\n";
  ASSERT_EQ(accept(m), commit_status::ok);
  const std::string id = "0123456789abcdef";
  std::string message;
  encode_message(*m, message);
  EXPECT_EQ(all(family::messages), (std::map<std::string, std::string>{{id, to_hex(message)}}));
  EXPECT_EQ(all(family::bodies),
            (std::map<std::string, std::string>{{id + "00000000", to_hex("Head: x\r\nBody\r\n")}}));
  EXPECT_TRUE(all(family::recipients).empty());
  EXPECT_EQ(all(family::history), (std::map<std::string, std::string>{{id + "0000000000000001", "010102"}}));

  auto c = make_end(*m, 1, events::kind::bounced);
  std::string ended;
  encode_recipient(c.recipients[0].record, ended);
  settle(std::move(c));
  EXPECT_EQ(all(family::recipients), (std::map<std::string, std::string>{{id + "0001", to_hex(ended)}}));
  EXPECT_EQ(all(family::history).at(id + "0000000000000002"), "01040101");

  settle(make_end(*m, 0));
  EXPECT_TRUE(all(family::messages).empty());
  EXPECT_TRUE(all(family::bodies).empty());
  EXPECT_TRUE(all(family::recipients).empty());
  EXPECT_EQ(all(family::history).at(id + "0000000000000003"), "01030100");
  const auto events_by_seq = all(family::events);
  ASSERT_EQ(events_by_seq.size(), 3u);
  EXPECT_TRUE(events_by_seq.at("0000000000000003").starts_with("0103"));
}

TEST_F(stored_bytes, name_a_message_that_is_still_coming_in) {
  open();
  const auto id = next_id();
  std::promise<commit_status> written;
  store_->append_chunk(id, 1, "first part", 0, [&](commit_status s) { written.set_value(s); });
  ASSERT_EQ(written.get_future().get(), commit_status::ok);
  EXPECT_EQ(all(family::meta).at("63" + to_hex(message_key(id))), "");
  EXPECT_EQ(all(family::bodies).at(to_hex(body_key(id, 1))), to_hex("first part"));
  close();
  open();
  EXPECT_EQ(all(family::meta).size(), 1u);
  EXPECT_TRUE(all(family::bodies).empty());
}

TEST_F(stored_bytes, of_another_format_are_refused_and_named) {
  open();
  put(family::meta, "format", "gonets-spool 2");
  close();
  shards_ = std::make_unique<runtime::shards>(1);
  options o;
  o.path = folder_.path();
  const auto opened = spool::open(o, *shards_, clock_, counts_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().detail.find("'gonets-spool 2'"), std::string::npos) << opened.error().detail;
  EXPECT_NE(opened.error().detail.find("'gonets-spool 1'"), std::string::npos) << opened.error().detail;
}

// One record that can't be read costs that message, and neither the start nor the others; the audit names it.
TEST_F(stored_bytes, that_cannot_be_read_are_left_where_they_are) {
  open();
  const auto fine = make_message(next_id());
  ASSERT_EQ(accept(fine), commit_status::ok);
  const auto odd = make_message(next_id());
  ASSERT_EQ(accept(odd), commit_status::ok);
  put(family::messages, message_key(odd->id), "\x02 of a newer release");
  const auto found = load();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].first->id, fine->id);
  EXPECT_EQ(store_->fetch(odd->id, true), nullptr);
  EXPECT_EQ(all(family::messages).size(), 2u);
  EXPECT_GT(audit_now().findings_in_all, 0u);
}

TEST_F(stored_bytes, of_a_recipient_that_cannot_be_read_hold_it) {
  open();
  const auto m = make_message(next_id(), 2);
  ASSERT_EQ(accept(m), commit_status::ok);
  put(family::recipients, recipient_key(m->id, recipient_index{1}), "\x02 of a newer release");
  const auto found = load();
  ASSERT_EQ(found.size(), 1u);
  ASSERT_EQ(found[0].second.size(), 2u);
  EXPECT_EQ(found[0].second[0].record, recipient_record{});
  EXPECT_EQ(found[0].second[1].record.phase, recipient_phase::held);
}

}  // namespace
}  // namespace gonets::spool
