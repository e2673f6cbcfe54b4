#include "events/event.h"

#include <gtest/gtest.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "base/hex_test_support.h"
#include "events/filter.h"

namespace gonets::events {
namespace {

using namespace std::chrono_literals;
namespace json = boost::json;

constexpr event_seq some_seq{42};

// Every field differs from its default. docs/formats/events.md tells what each byte is.
constexpr std::string_view full_hex =
    "01 02 0000019b796dd67b 0123456789abcdef 07 02 00 087840632e74657374 ac02 087940632e74657374"
    "01 0462756c6b  02 086140622e74657374  03 8827  04 0e3139322e302e322e3120286d6529  05 08"
    "06 c203 04 02 00 056c61746572 01  07 096d782e632e74657374  08 093139322e302e322e32"
    "09 0c6d783a6d782e632e74657374  0a 02  0b dc0b  0c e080bbcbb733  0d 03776879"
    "0e 05  0f 07544c5376312e33  10 0178  11 02  12 026e6f  14 04780a7931  15 10  16 0167  17 0132  18 05314062632e"
    "19 11  1a 21  1b 03433a0a  1c 01  1d 0153  1e 016c"
    "1f 0175  20 0161  21 0162  22 01";
constexpr std::string_view least_hex = "01 01 0000019b796dd67b 0123456789abcdef 00 01 00 087840632e74657374";

event least() {
  event e;
  e.seq = some_seq;
  e.kind = kind::accepted;
  e.at = wall_time(1'767'268'800'123ms);
  e.message = message_id{0x123456789abcdef};
  e.recipients.push_back({recipient_index{0}, "x@c.test"});
  return e;
}

event full() {
  auto e = least();
  e.kind = kind::deferred;
  e.account = account_id{7};
  e.stream = "bulk";
  e.sender = "a@b.test";
  e.recipients.push_back({recipient_index{300}, "y@c.test"});
  e.message_bytes = 5000;
  e.origin = "192.0.2.1 (me)";
  e.at_stage = stage::rcpt;
  e.answer = {450, {4, 2, 0}, "later"};
  e.from_peer = true;
  e.remote_host = "mx.c.test";
  e.remote_address = "192.0.2.2";
  e.route = "mx:mx.c.test";
  e.attempts = 2;
  e.duration_ms = 1500;
  e.next_attempt = wall_time(1'767'268'860'000ms);
  e.reason = "why";
  e.tls = {tls_policy::policy::dane, "TLSv1.3", "x", tls_policy::proof::dane_ee, "no"};
  e.labels = "x\ny1";
  e.category = bounce::category::greylisted;
  e.provider = "g";
  e.egress = "2";
  e.header_message_id = "1@bc.";
  e.queue_ms = 17;
  e.connect_ms = 32;
  e.transcript = "C:\n";
  e.ignores_suppression = true;
  e.subject = "S";
  e.list_id = "l";
  e.url = "u";
  e.client_address = "a";
  e.user_agent = "b";
  e.repeated = true;
  return e;
}

std::string encoded(const event& e) {
  std::string bytes;
  encode(e, bytes);
  return bytes;
}

TEST(event_record, has_the_bytes_that_its_grammar_says) {
  EXPECT_EQ(to_hex(encoded(full())), to_hex(from_hex(full_hex)));
  EXPECT_EQ(to_hex(encoded(least())), to_hex(from_hex(least_hex)));
}

TEST(event_record, is_read_back_as_it_was_written) {
  for (const auto& e : {full(), least()}) {
    const auto found = decode(some_seq, encoded(e));
    ASSERT_TRUE(found);
    EXPECT_EQ(*found, e);
  }
}

// Fields are optional: cut between two of them it is a shorter record, cut anywhere else it is none.
TEST(event_record, that_is_cut_is_refused_or_has_only_what_is_left) {
  const auto bytes = encoded(full());
  std::size_t readable = 0;
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto cut = bytes.substr(0, n);
    const auto found = decode(some_seq, cut);
    if (!found) continue;
    ++readable;
    EXPECT_EQ(to_hex(encoded(*found)), to_hex(cut)) << n;
  }
  EXPECT_EQ(readable, 33u);
}

TEST(event_record, of_another_version_is_refused) {
  auto bytes = encoded(full());
  for (const char version : {'\x00', '\x02', '\xff'}) {
    bytes[0] = version;
    EXPECT_FALSE(decode(some_seq, bytes));
  }
}

TEST(event_record, with_an_unknown_field_is_refused) {
  for (const char tag : {'\x00', '\x23', '\xff'})
    EXPECT_FALSE(decode(some_seq, encoded(least()) + tag + '\x01')) << static_cast<int>(tag);
}

TEST(event_record, that_promises_more_recipients_than_it_has_is_refused) {
  auto bytes = from_hex(least_hex);
  bytes[19] = '\x7f';
  EXPECT_FALSE(decode(some_seq, bytes));
}

TEST(event_record, of_a_category_that_is_not_known_is_refused) {
  for (const char number : {'\x00', static_cast<char>(bounce::categories + 1), '\x7f'})
    EXPECT_FALSE(decode(some_seq, encoded(least()) + '\x15' + number)) << static_cast<int>(number);
}

TEST(event_kind, ends_a_recipient_or_does_not) {
  for (const auto k :
       {kind::delivered, kind::bounced, kind::expired, kind::cancelled, kind::discarded, kind::suppressed})
    EXPECT_TRUE(is_end(k)) << to_text(k);
  for (const auto k : {kind::accepted, kind::deferred, kind::held, kind::released, kind::domain, kind::pace,
                       kind::blocklist, kind::opened, kind::clicked, kind::unsubscribed, kind::resubscribed,
                       kind::complained, kind::inbound_bounce, kind::rejected, kind::quota, kind::certificate})
    EXPECT_FALSE(is_end(k)) << to_text(k);
}

TEST(event_kind, of_a_number_that_is_not_known_is_unknown) {
  EXPECT_EQ(to_text(static_cast<kind>(23)), "unknown");
  EXPECT_EQ(to_text(static_cast<kind>(255)), "unknown");
}

// ---- JSON, held against the contract ----------------------------------------------------------------------------

// The lines of one schema in api/openapi.yaml: it is written in one style, so that this little is enough.
std::vector<std::string> schema(const std::string& name) {
  const auto file = std::filesystem::path(__FILE__).parent_path() / "../../api/openapi.yaml";
  std::ifstream in(file);
  EXPECT_TRUE(in) << file;
  std::vector<std::string> lines;
  bool inside = false;
  for (std::string line; std::getline(in, line);) {
    if (inside && line.find_first_not_of(' ') <= 4) break;
    if (inside) lines.push_back(line);
    if (line == "    " + name + ":") inside = true;
  }
  EXPECT_FALSE(lines.empty()) << name;
  return lines;
}

std::set<std::string> words_in_brackets(const std::string& line) {
  const auto from = line.find('[') + 1;
  std::istringstream list(line.substr(from, line.find(']') - from));
  std::set<std::string> words;
  for (std::string word; std::getline(list, word, ',');)
    words.insert(word.substr(word.find_first_not_of(' ')));
  return words;
}

std::set<std::string> properties(const std::vector<std::string>& schema_lines) {
  std::set<std::string> names;
  for (const auto& line : schema_lines) {
    if (line.find_first_not_of(' ') == 8) names.insert(line.substr(8, line.find(':') - 8));
  }
  return names;
}

std::set<std::string> required(const std::vector<std::string>& schema_lines) {
  for (const auto& line : schema_lines) {
    if (line.starts_with("      required: [")) return words_in_brackets(line);
  }
  return {};
}

std::set<std::string> keys(const event& e, std::string_view account = {}) {
  std::set<std::string> names;
  const auto parsed = json::parse(to_json(e, account, with_transcript::yes));
  for (const auto& member : parsed.as_object())
    names.insert(member.key());
  return names;
}

TEST(event_json, has_the_properties_of_the_contract_and_no_others) {
  auto with_listing = full();
  with_listing.blocklist.emplace();
  EXPECT_EQ(keys(with_listing, "shop"), properties(schema("event")));
}

TEST(event_json, tells_of_tls_in_the_words_of_the_contract) {
  const auto contract = schema("tls_use");
  std::set<std::string> names, policies, proofs;
  const auto tls = json::parse(to_json(full())).at("tls").as_object();
  for (const auto& member : tls)
    names.insert(member.key());
  EXPECT_EQ(names, properties(contract));
  for (std::size_t i = 0; i < contract.size(); ++i) {
    if (contract[i].starts_with("        policy:")) policies = words_in_brackets(contract.at(i + 1));
    if (contract[i].starts_with("        verified_by:")) proofs = words_in_brackets(contract[i]);
  }
  for (int p = 1; p <= 7; ++p) {
    const auto word = std::string(tls_policy::to_text(static_cast<tls_policy::policy>(p)));
    EXPECT_EQ(policies.erase(word) + policies.erase('"' + word + '"'), 1u) << word;
  }
  EXPECT_TRUE(policies.empty());
  for (int p = 0; p <= 3; ++p)
    EXPECT_EQ(proofs.erase(std::string(tls_policy::to_text(static_cast<tls_policy::proof>(p)))), 1u) << p;
  EXPECT_TRUE(proofs.empty());
}

TEST(event_json, always_has_what_the_contract_requires) {
  EXPECT_EQ(keys(least()), required(schema("event")));
}

TEST(event_json, uses_the_words_of_the_contract) {
  std::set<std::string> kinds, stages;
  for (const auto& line : schema("event")) {
    if (line.starts_with("        kind:")) kinds = words_in_brackets(line);
  }
  for (const auto& line : schema("stage")) {
    if (line.starts_with("      enum:")) stages = words_in_brackets(line);
  }
  for (int k = 1; k <= 22; ++k) {
    const std::string name(to_text(static_cast<kind>(k)));
    if (name == "unknown") continue;
    EXPECT_EQ(kinds.erase(name), 1u) << k;
  }
  EXPECT_TRUE(kinds.empty());
  for (int s = 1; s <= 10; ++s)
    EXPECT_EQ(stages.erase(std::string(gonets::to_text(static_cast<stage>(s)))), 1u) << s;
  EXPECT_TRUE(stages.empty());
  std::set<std::string> categories;
  for (const auto& line : schema("bounce_category")) {
    if (line.starts_with("      enum:")) categories = words_in_brackets(line);
  }
  for (std::size_t c = 0; c < bounce::categories; ++c)
    EXPECT_EQ(categories.erase(std::string(bounce::to_text(static_cast<bounce::category>(c)))), 1u) << c;
  EXPECT_TRUE(categories.empty());
}

std::set<std::string> texts(const json::value& array) {
  std::set<std::string> all;
  for (const auto& each : array.as_array())
    all.emplace(each.as_string());
  return all;
}

// The tests of the whole daemon hold real events against it.
TEST(event_json, has_a_json_schema_that_says_what_the_api_says) {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path() / "../../api/events.schema.json");
  ASSERT_TRUE(file) << "api/events.schema.json";
  const auto document = json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
  std::set<std::string> names;
  for (const auto& member : document.at("properties").as_object())
    names.emplace(member.key());
  EXPECT_EQ(names, properties(schema("event")));
  EXPECT_EQ(texts(document.at("required")), required(schema("event")));
  const auto words = kind_words();
  EXPECT_EQ(texts(document.at("$defs").at("kind").at("enum")), std::set<std::string>(words.begin(), words.end()));
  std::set<std::string> categories;
  for (std::size_t c = 0; c < bounce::categories; ++c)
    categories.emplace(bounce::to_text(static_cast<bounce::category>(c)));
  EXPECT_EQ(texts(document.at("properties").at("category").at("enum")), categories);
}

TEST(event_json, has_the_values) {
  const auto found = json::parse(to_json(full(), "shop"));
  const auto wanted = json::parse(R"json({
    "seq": 42, "kind": "deferred", "at": "2026-01-01T12:00:00.123Z", "message_id": "28T5CY4TQKFF", "account_id": 7, "account": "shop",
    "recipients": [{"index": 0, "address": "x@c.test"}, {"index": 300, "address": "y@c.test"}],
    "stream": "bulk", "sender": "a@b.test", "campaign": "x", "tags": ["y1"], "list_id": "l", "header_message_id": "1@bc.",
    "subject": "S", "message_bytes": 5000, "origin": "192.0.2.1 (me)", "ignores_suppression": true, "stage": "rcpt",
    "reply": {"code": 450, "status": "4.2.0", "text": "later", "from_peer": true}, "category": "greylisted",
    "remote_host": "mx.c.test", "remote_address": "192.0.2.2", "route": "mx:mx.c.test", "provider": "g", "egress": "2",
    "attempts": 2,
    "queue_ms": 17, "connect_ms": 32, "duration_ms": 1500, "next_attempt": "2026-01-01T12:01:00.000Z", "reason": "why",
    "url": "u", "client_address": "a", "user_agent": "b", "repeated": true,
    "tls": {"policy": "dane", "protocol": "TLSv1.3", "cipher": "x", "verified_by": "dane-ee", "clear_reason": "no"}
})json");
  EXPECT_EQ(json::serialize(found), json::serialize(wanted));
}

TEST(event_json, has_the_transcript_by_lines_where_it_is_wanted) {
  auto e = full();
  e.transcript = "S: 220 x\nC: EHLO y\n\ncut";
  EXPECT_FALSE(json::parse(to_json(e)).as_object().contains("transcript"));
  EXPECT_EQ(json::serialize(json::parse(to_json(e, "shop", with_transcript::yes)).at("transcript")),
            R"(["S: 220 x","C: EHLO y","","cut"])");
}

TEST(event_json, escapes_what_a_peer_wrote) {
  auto e = least();
  e.answer = {550, {}, "\"no\"\nway\x01"};
  const auto text = to_json(e);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  EXPECT_EQ(json::parse(text).at("reply").at("text").as_string(), "\"no\"\nway\x01");
}

TEST(event, keeps_and_tells_what_a_block_list_says) {
  event e;
  e.kind = kind::blocklist;
  e.blocklist = blocklist_change{"news", "192.0.2.1", "l.test", true};
  e.reason = "127.0.0.2";
  std::string record;
  encode(e, record);
  EXPECT_EQ(decode({}, record), e);
  const auto o = json::parse(to_json(e)).as_object();
  EXPECT_EQ(o.at("kind"), "blocklist");
  EXPECT_EQ(o.at("blocklist"),
            (json::object{{"egress", "news"}, {"address", "192.0.2.1"}, {"zone", "l.test"}, {"listed", true}}));
}

}  // namespace
}  // namespace gonets::events
