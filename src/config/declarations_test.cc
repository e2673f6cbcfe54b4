#include "config/declarations.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "base/network.h"
#include "config/load.h"
#include "config/reference.h"
#include "config/reload.h"
#include "config/routes.h"

namespace gonets::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Calls `visit(prefix, declaration)` for every declaration of every owner.
template <class Visit>
void for_each_declaration(Visit visit) {
  for (const section& s : sections()) {
    for (const auto& d : s.settings_of)
      visit(std::string(s.name) + ".", d);
  }
  for (const auto& d : listener_declarations())
    visit(std::string("listener."), d);
  for (const auto& d : route_declarations())
    visit(std::string("route."), d);
  for (const auto& d : stream_declarations())
    visit(std::string("stream."), d);
}

TEST(declarations, have_each_name_once_and_say_what_it_means) {
  std::set<std::string> names;
  for_each_declaration([&](const std::string& prefix, const auto& d) {
    const std::string name = prefix + std::string(d.name);
    EXPECT_TRUE(names.insert(name).second) << name;
    EXPECT_NE(d.doc, "") << name;
    EXPECT_NE(d.expected, "") << name;
  });
}

TEST(declarations, name_the_effect_of_every_limit) {
  for_each_declaration([&](const std::string& prefix, const auto& d) {
    const bool limit = d.name.ends_with("_max") || d.name.ends_with("_min") || d.name.ends_with("timeout");
    if (limit) {
      EXPECT_NE(d.effect, "") << prefix << d.name;
    }
  });
}

TEST(declarations, name_the_replies_that_the_session_gives) {
  std::map<std::string, std::string> effects;
  for_each_declaration(
      [&](const std::string& prefix, const auto& d) { effects[prefix + std::string(d.name)] = d.effect; });
  const std::pair<const char*, const char*> replies[] = {{"smtp.command_line_bytes_max", "500 5.5.2"},
                                                         {"smtp.text_line_bytes_max", "554 5.6.0"},
                                                         {"smtp.recipients_max", "452 4.5.3"},
                                                         {"smtp.message_bytes_max", "552 5.3.4"},
                                                         {"smtp.messages_max", "421 4.7.0"},
                                                         {"smtp.errors_max", "421 4.7.0"},
                                                         {"smtp.header_bytes_max", "552 5.3.4"},
                                                         {"smtp.header_fields_max", "552 5.3.4"},
                                                         {"smtp.hops_max", "554 5.4.6"},
                                                         {"smtp.newlines", "550 5.6.11"},
                                                         {"smtp.command_timeout", "421 4.4.2"},
                                                         {"spool.free_bytes_min", "452 4.3.1"}};
  for (const auto& [name, reply] : replies)
    EXPECT_THAT(effects[name], testing::HasSubstr(reply)) << name;
}

// The file that says all defaults outright is read, and gives the defaults: so each default is within its bounds, and
// what is written is what is read.
TEST(declarations, read_back_the_defaults_that_they_write) {
  std::string file;
  const settings defaults;
  for (const section& s : sections()) {
    file += "[" + std::string(s.name) + "]\n";
    for (const auto& d : s.settings_of)
      file += std::string(d.name) + " = " + d.write(defaults) + "\n";
  }
  listener one;
  one.address = {"::1", 25};
  file += "[[listener]]\n";
  for (const auto& d : listener_declarations())
    file += std::string(d.name) + " = " + d.write(one) + "\n";
  route_entry entry{
      {"a.example", "*.b.example"}, parse_target("smtp://relay:587").value(), tls_policy::level::verified};
  entry.has_target = true;
  entry.single = {.name = "user", .password = "never written"};
  entry.single.oauth = oauth_client{.id = "app", .secret = "never written", .refresh_token_file = "refresh"};
  file += "[[route]]\n";
  for (const auto& d : route_declarations())
    file += std::string(d.name) + " = " + d.write(entry) + "\n";
  const tls_entry strict{{"d.example", "*.d.example"}, tls_policy::level::required};
  file += "[[tls_policy]]\n";
  for (const auto& d : tls_declarations())
    file += std::string(d.name) + " = " + d.write(strict) + "\n";
  for (const stream& each : defaults.streams) {
    file += "[stream." + each.name + "]\n";
    for (const auto& d : stream_declarations())
      file += std::string(d.name) + " = " + d.write(each) + "\n";
  }

  const auto read = parse(file, "defaults.toml");
  ASSERT_TRUE(read) << to_text(read.error().front()) << "\n" << file;
  for (const section& s : sections()) {
    for (const auto& d : s.settings_of)
      EXPECT_EQ(d.write(*read), d.write(defaults)) << s.name << "." << d.name;
  }
  for (const auto& d : listener_declarations())
    EXPECT_EQ(d.write(read->listeners.at(0)), d.write(one)) << d.name;
  EXPECT_EQ(target_text(read->routes.at(1)), "smtp://relay:587");
  EXPECT_EQ(read->routes.at(1).tls, tls_policy::level::verified);
  EXPECT_EQ(read->routes.at(1).logins.at(0).name, "user");
  ASSERT_TRUE(read->routes.at(1).logins.at(0).oauth);
  EXPECT_EQ(read->routes.at(1).logins.at(0).oauth->refresh_token_file, "refresh");
  EXPECT_EQ(file.find("never written"), std::string::npos);
  EXPECT_EQ(read->tls_rules.at(1).domain, "*.d.example");
  EXPECT_EQ(read->tls_rules.at(1).level, tls_policy::level::required);
  ASSERT_EQ(read->streams.size(), defaults.streams.size());
  for (std::size_t i = 0; i < defaults.streams.size(); ++i) {
    for (const auto& d : stream_declarations())
      EXPECT_EQ(d.write(read->streams[i]), d.write(defaults.streams[i]));
  }
}

TEST(reference, is_the_page_that_is_committed) {
  // From the source's own place, as the tests run in the folder of the build.
  std::string path = __FILE__;
  path.erase(path.rfind("src/config/"));
  std::ifstream file(path + "docs/configuration.md");
  ASSERT_TRUE(file) << path;
  std::ostringstream committed;
  committed << file.rdbuf();
  EXPECT_EQ(committed.str(), reference_markdown()) << "run: gonets config-reference > docs/configuration.md";
}

TEST(reference, says_of_bulk_what_is_so) {
  const settings s;
  EXPECT_EQ(s.stream_named("bulk").priority, 1u);
  EXPECT_EQ(s.stream_named("bulk").retry.expires_after, 48h);
  EXPECT_TRUE(s.stream_named("bulk").unsubscribe);
  EXPECT_FALSE(s.stream_named("transactional").unsubscribe);
  EXPECT_TRUE(s.stream_named("bulk").feedback_id);
  EXPECT_FALSE(s.stream_named("transactional").feedback_id);
  EXPECT_NE(stream_doc().find(
                "`bulk` has the priority 1, expires after 2d, and has `unsubscribe = true` and `feedback_id = true`"),
            std::string_view::npos);
}

TEST(reference, has_an_example_that_is_read) {
  const std::string page = reference_markdown();
  const std::size_t start = page.find("```toml\n") + 8;
  const auto read = parse(page.substr(start, page.find("```", start) - start), "example.toml");
  ASSERT_TRUE(read) << to_text(read.error().front());
  EXPECT_EQ(read->listeners.size(), 1u);
  EXPECT_EQ(match_route(*read, "example.com").kind, route_kind::lmtp);
}

TEST(reload_differences, are_none_between_equal_settings) {
  EXPECT_THAT(reload_differences(settings(), settings()), IsEmpty());
}

TEST(reload_differences, are_none_in_what_a_reload_takes) {
  settings a, b;
  a.listeners.push_back({.address = {"127.0.0.1", 25}});
  b.listeners = a.listeners;
  b.listeners[0].trusted_networks = {*parse_network("::1")};
  b.listeners[0].tls_key = "/new.pem";
  b.smtp.limits.recipients_max = 5;
  b.routes.push_back({.domain = "a.example", .kind = route_kind::capture});
  b.streams[0].retry.expires_after = 1h;
  b.log.level = "debug";
  EXPECT_THAT(reload_differences(a, b), IsEmpty());
}

TEST(reload_differences, name_what_needs_a_restart) {
  settings a, b;
  a.listeners.resize(2);
  b.listeners.resize(2);
  b.server.shards = 7;
  b.spool.path = "/elsewhere";
  b.dns.servers = {{"127.0.0.1", 53}};
  b.api.listen = endpoint{"127.0.0.1", 8025};
  b.listeners[1].address = {"127.0.0.1", 587};
  b.listeners[1].kind = listener_kind::submission;
  EXPECT_THAT(reload_differences(a, b), ElementsAre("server.shards", "spool.path", "dns.servers", "api.listen",
                                                    "listener[2].kind", "listener[2].address"));
}

TEST(reload_differences, name_the_listeners_when_there_are_more_or_fewer) {
  settings a, b;
  b.listeners.resize(1);
  EXPECT_THAT(reload_differences(a, b), ElementsAre("listener"));
}

}  // namespace
}  // namespace gonets::config
