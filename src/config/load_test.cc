#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/network.h"

namespace gonets::config {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

settings parsed(std::string_view text) {
  auto result = parse(text, "gonets.toml");
  if (result) return *result;
  for (const config_error& e : result.error())
    ADD_FAILURE() << to_text(e);
  return {};
}

std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> texts;
  auto result = parse(text, "gonets.toml");
  if (result) return texts;
  for (const config_error& e : result.error())
    texts.push_back(to_text(e));
  return texts;
}

constexpr std::string_view whole_file = R"(
[server]
hostname = "mail.example.com"

[spool]
path = "/var/lib/gonets/spool"

[[listener]]
kind = "submission"
address = "0.0.0.0:587"
trusted_networks = ["127.0.0.0/8", "::1"]
stream = "bulk"

[smtp]
inbound_domains = ["example.com"]
message_bytes_max = "10MiB"
command_timeout = "1m 30s"
newlines = "normalize"

[[route]]
domain = "capture.test"
to = "capture"

[[route]]
domain = ["*.Internal.example.com", "example.org"]
to = "smtp://10.0.0.2:2525"

[stream.bulk]
retry = ["1m", "5m", "15m"]
jitter = 0
expires_after = "2d"

[stream.news]
priority = 7

[dns]
servers = ["127.0.0.1:5353"]

[api]
listen = "[::1]:8025"

[log]
format = "json"
)";

TEST(load, reads_every_section) {
  const settings s = parsed(whole_file);
  EXPECT_EQ(s.server.hostname, "mail.example.com");
  EXPECT_EQ(s.delivery.helo, "mail.example.com");
  EXPECT_EQ(s.spool.path, "/var/lib/gonets/spool");
  EXPECT_THAT(s.smtp.inbound_domains, ElementsAre("example.com"));
  EXPECT_EQ(s.smtp.limits.message_bytes_max, 10'485'760u);
  EXPECT_EQ(s.smtp.command_timeout, 90s);
  EXPECT_EQ(s.smtp.newlines, smtp::newline_policy::normalize);
  EXPECT_THAT(s.dns.servers, ElementsAre(endpoint{"127.0.0.1", 5353}));
  EXPECT_EQ(s.api.listen, (endpoint{"::1", 8025}));
  EXPECT_EQ(s.log.format, "json");
  ASSERT_EQ(s.listeners.size(), 1u);
  EXPECT_EQ(s.listeners[0].kind, listener_kind::submission);
  EXPECT_EQ(s.listeners[0].address, (endpoint{"0.0.0.0", 587}));
  EXPECT_THAT(s.listeners[0].trusted_networks, ElementsAre(*parse_network("127.0.0.0/8"), *parse_network("::1")));
  EXPECT_EQ(s.listeners[0].stream, "bulk");
}

TEST(load, makes_a_route_of_each_domain_of_an_array_in_order) {
  const settings s = parsed(whole_file);
  ASSERT_EQ(s.routes.size(), 3u);
  EXPECT_EQ(s.routes[0].domain, "capture.test");
  EXPECT_EQ(s.routes[0].kind, route_kind::capture);
  EXPECT_EQ(s.routes[1].domain, "*.internal.example.com");
  EXPECT_EQ(s.routes[2].domain, "example.org");
  EXPECT_EQ(s.routes[2].kind, route_kind::smtp);
  EXPECT_EQ(s.routes[2].host, "10.0.0.2");
  EXPECT_EQ(s.routes[2].port, 2525);
}

TEST(load, changes_of_a_stream_only_what_the_file_names) {
  const settings s = parsed(whole_file);
  const stream& bulk = s.stream_named("bulk");
  EXPECT_EQ(bulk.priority, 1u);
  EXPECT_THAT(bulk.retry.delays, ElementsAre(1min, 5min, 15min));
  EXPECT_EQ(bulk.retry.jitter, 0);
  EXPECT_EQ(bulk.retry.expires_after, 48h);
  EXPECT_EQ(bulk.retry.delay_notice_after, shaping::bulk_retry_policy().delay_notice_after);
  EXPECT_EQ(s.stream_named("news").priority, 7u);
  EXPECT_EQ(s.stream_named("news").retry, shaping::default_retry_policy());
  EXPECT_EQ(s.stream_named("transactional").retry, shaping::default_retry_policy());
}

TEST(load, takes_the_transactional_stream_for_one_that_is_gone) {
  EXPECT_EQ(settings().stream_named("gone").name, "transactional");
}

TEST(load, takes_an_empty_file_for_the_defaults) {
  const settings s = parsed("");
  EXPECT_EQ(s.smtp.limits.message_bytes_max, settings().smtp.limits.message_bytes_max);
  EXPECT_THAT(s.routes, IsEmpty());
  EXPECT_THAT(s.listeners, IsEmpty());
}

TEST(load, takes_integers_for_sizes_and_whole_numbers_for_fractions) {
  const settings s = parsed("[smtp]\nmessage_bytes_max = 2048\n[stream.bulk]\njitter = 1\n");
  EXPECT_EQ(s.smtp.limits.message_bytes_max, 2048u);
  EXPECT_EQ(s.stream_named("bulk").retry.jitter, 1.0);
}

TEST(load, accepts_dotted_keys_and_inline_tables) {
  const settings s = parsed("server.shards = 3\nroute = [{domain = \"*\", to = \"discard\"}]\n");
  EXPECT_EQ(s.server.shards, 3u);
  EXPECT_EQ(s.routes.at(0).kind, route_kind::discard);
}

TEST(load, empties_an_optional_endpoint_by_an_empty_text) {
  EXPECT_FALSE(parsed("[api]\nlisten = \"\"\n").api.listen.has_value());
}

TEST(load, reports_all_errors_in_the_order_of_the_file) {
  EXPECT_THAT(
      errors_of(R"([server]
hostnmae = "mail.example.com"
node = 256

[smtp]
message_bytes_max = "5 apples"
command_timeout = 300
newlines = "normalise"

[[listener]]
trusted_networks = ["10.0.0.1/8", "::1", "lan"]
adress = "0.0.0.0:25"

[[route]]
domain = "example.com"
to = "lmtp:relative"

[lisener]
)"),
      ElementsAre(
          "gonets.toml:2:1: server.hostnmae: found an unknown key; did you mean \"hostname\"?",
          "gonets.toml:3:8: server.node: found 256, expected a whole number from 0 to 255",
          "gonets.toml:6:21: smtp.message_bytes_max: found \"5 apples\", expected a size from 1KiB to 2GiB, such as "
          "\"50MiB\"",
          "gonets.toml:7:19: smtp.command_timeout: found 300, expected a duration from 100ms to 1h, such as \"5m\" or "
          "\"1h 30m\"",
          "gonets.toml:8:12: smtp.newlines: found \"normalise\", expected \"refuse\" or \"normalize\"; did you mean "
          "\"normalize\"?",
          "gonets.toml:10:1: listener[1].address: found nothing, expected an address and port, such as "
          "\"127.0.0.1:25\" or \"[::1]:25\"",
          "gonets.toml:11:21: listener[1].trusted_networks: found \"10.0.0.1/8\", expected a network without host "
          "bits, such as \"10.0.0.0/8\" or \"::1\"",
          "gonets.toml:11:42: listener[1].trusted_networks: found \"lan\", expected a network without host bits, such "
          "as \"10.0.0.0/8\" or \"::1\"",
          "gonets.toml:12:1: listener[1].adress: found an unknown key; did you mean \"address\"?",
          "gonets.toml:16:6: route[1].to: found \"lmtp:relative\", expected \"mx\", \"smtp://host:port\", "
          "\"smtps://host:port\", "
          "\"lmtp://host:port\", \"lmtp:/path/socket\", \"maildir:/path/{domain}/{local}\", \"capture\" or "
          "\"discard\"",
          "gonets.toml:18:2: lisener: found an unknown section; did you mean \"listener\"?"));
}

TEST(load, says_which_form_of_table_was_expected) {
  EXPECT_THAT(errors_of("server = 5\n[listener]\naddress = \"0.0.0.0:25\"\n[[stream]]\nname = \"bulk\"\n"),
              ElementsAre("gonets.toml:1:1: server: found 5, expected a table: [server]",
                          "gonets.toml:2:2: listener: found a table, expected an array of tables: [[listener]]",
                          "gonets.toml:4:3: stream: found an array, expected a table for each stream: [stream.bulk]"));
}

TEST(load, says_where_the_syntax_broke) {
  EXPECT_THAT(errors_of("[server]\nhostname = mail.example.com\n"),
              ElementsAre(testing::StartsWith("gonets.toml:2:12: found a syntax error, expected TOML: ")));
}

TEST(load, names_the_streams_name_that_is_not_one) {
  EXPECT_THAT(
      errors_of("[stream.\"b\\\"ulk\"]\npriority = 1\n"),
      ElementsAre("gonets.toml:1:9: stream.b\"ulk: found \"b\\\"ulk\", expected a stream's name of a to z, 0 to "
                  "9, - and _"));
}

TEST(load, refuses_an_empty_retry_schedule) {
  EXPECT_THAT(errors_of("[stream.bulk]\nretry = []\n"),
              ElementsAre("gonets.toml:2:9: stream.bulk.retry: found an empty array, expected an array of 1 to 100 "
                          "durations, each a duration from 100ms to 30d, such as \"5m\" or \"1h 30m\""));
}

TEST(load, refuses_numbers_that_are_negative_or_not_finite) {
  EXPECT_THAT(errors_of("[server]\nshards = -1\n[stream.bulk]\njitter = nan\n"),
              ElementsAre("gonets.toml:2:10: server.shards: found -1, expected a whole number from 0 to 256",
                          "gonets.toml:4:10: stream.bulk.jitter: found nan, expected a number from 0 to 1"));
}

TEST(load, cites_control_bytes_and_long_values_safely) {
  const std::string long_value(500, 'x');
  EXPECT_THAT(
      errors_of("[server]\nuser = \"\\u001b[31m:\"\nhostname = \"" + long_value + "\"\n"),
      ElementsAre("gonets.toml:2:8: server.user: found \"\\x1b[31m:\", expected a user's name, such as \"gonets\"",
                  "gonets.toml:3:12: server.hostname: found \"" + long_value.substr(0, 60) +
                      "...\", expected a host name, such as \"mail.example.com\""));
}

TEST(load, says_why_a_file_cannot_be_read) {
  auto missing = load("/nonexistent/gonets.toml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(to_text(missing.error().at(0)),
            "/nonexistent/gonets.toml: found No such file or directory, expected a file that can be read");
  auto folder = load("/");
  ASSERT_FALSE(folder);
  EXPECT_EQ(to_text(folder.error().at(0)), "/: found Is a directory, expected a file that can be read");
}

TEST(load, fills_in_the_name_of_the_machine) {
  const std::string path = testing::TempDir() + "gonets_load_test.toml";
  std::ofstream(path) << "[server]\nshards = 2\n";
  const auto result = load(path);
  std::remove(path.c_str());
  ASSERT_TRUE(result);
  EXPECT_EQ(result->server.shards, 2u);
  EXPECT_NE(result->server.hostname, "");
  EXPECT_EQ(result->delivery.helo, result->server.hostname);
}

TEST(load_logins, takes_one_of_a_route_with_what_belongs_to_it) {
  const auto s = parsed(R"(
[[route]]
domain = "*"
to = "smtp://smtp.example.com:587"
login = "user@example.com"
password = "secret"
limits = { messages_a_day = 100, connections = 2 }
)");
  ASSERT_EQ(s.routes.size(), 1u);
  const route& r = s.routes[0];
  ASSERT_EQ(r.logins.size(), 1u);
  EXPECT_EQ(r.logins[0].name, "user@example.com");
  EXPECT_EQ(r.logins[0].password, "secret");
  EXPECT_EQ(r.limits.messages_a_day, 100u);
  EXPECT_EQ(r.limits.connections, 2u);
}

TEST(load_logins, take_where_to_go_from_a_preset_unless_it_is_said) {
  const auto s = parsed(R"(
[[route]]
domain = "a.example"
preset = "mail.ru"
login = "user@mail.ru"
password = "secret"

[[route]]
domain = "b.example"
to = "smtps://other.example:465"
preset = "mail.ru"
login = "user@mail.ru"
password = "secret"
)");
  ASSERT_EQ(s.routes.size(), 2u);
  EXPECT_EQ(s.routes[0].host, "smtp.mail.ru");
  EXPECT_TRUE(s.routes[0].implicit_tls);
  EXPECT_EQ(s.routes[0].preset, "mail.ru");
  EXPECT_EQ(s.routes[1].host, "other.example");
  EXPECT_EQ(s.routes[1].preset, "mail.ru");
}

TEST(load_logins, make_a_pool_of_tables) {
  const auto s = parsed(R"(
[[route]]
domain = ["a.example", "b.example"]
to = "smtp://smtp.example.com:587"
[[route.login]]
name = "one"
password = "1"
[[route.login]]
name = "two"
password_file = "two.password"
limits = { messages_an_hour = 5 }
)");
  ASSERT_EQ(s.routes.size(), 2u);
  for (const route& r : s.routes) {
    ASSERT_EQ(r.logins.size(), 2u);
    EXPECT_EQ(r.logins[0].password, "1");
    EXPECT_EQ(r.logins[1].password_file, "two.password");
    EXPECT_EQ(r.logins[1].limits.messages_an_hour, 5u);
  }
}

TEST(load_logins, tell_what_is_wrong_but_no_password) {
  const auto errors = errors_of(R"(
[[route]]
domain = "a.example"
to = "smtp://smtp.example.com:587"
login = ""
password = ["hush"]
limits = { messages_a_dya = 1, connections = 0 }

[[route]]
domain = "b.example"
preset = "mial.ru"

[[route]]
domain = "c.example"
to = "capture"
password = "hush"

[[route]]
domain = "d.example"
to = "smtp://smtp.example.com:587"
[[route.login]]
pasword = "hush"
[[route.login]]
name = "x"
password = """hush
hush"""
)");
  EXPECT_THAT(
      errors,
      ElementsAre(R"(gonets.toml:5:9: route[1].login: found "", expected a login's name, such as )"
                  R"("user@example.com")",
                  "gonets.toml:6:12: route[1].password: found something else, expected a password of one line",
                  R"(gonets.toml:7:12: route[1].limits: found an unknown key "messages_a_dya"; did you mean )"
                  R"("messages_a_day"?)",
                  "gonets.toml:7:46: route[1].limits: found 0, expected a whole number from 1 to 100000000",
                  "gonets.toml:9:1: route[2].to: found nothing, expected where the mail goes, or a `preset` that "
                  "says it",
                  R"(gonets.toml:11:10: route[2].preset: found "mial.ru", expected the name of a preset; did )"
                  R"(you mean "mail.ru"?)",
                  "gonets.toml:13:1: route[3].login: found nothing, expected whose password it is",
                  R"(gonets.toml:21:1: route[4].login: found no name, expected a login's name, such as )"
                  R"("user@example.com")",
                  R"(gonets.toml:22:1: route[4].login: found an unknown key "pasword"; did you mean "password"?)",
                  "gonets.toml:25:12: route[4].login: found something else, expected a password of one line"));
}

TEST(sinks, have_the_settings_of_their_kind_alone) {
  const auto both = parsed(R"(
[[sink]]
name = "bus"
kind = "nats"
servers = ["nats-1.example.com:4222", "[::1]:4222"]
subject = "gonets.{kind}"
jetstream = "GONETS"
[[sink]]
name = "lake"
kind = "kafka"
servers = ["10.0.0.1:9092"]
topic = "gonets-events"
compress = false
)");
  ASSERT_EQ(both.sinks.size(), 2u);
  EXPECT_EQ(both.sinks[0].kind, sink_kind::nats);
  EXPECT_EQ(server_host(both.sinks[0].servers[1]), "::1");
  EXPECT_EQ(both.sinks[1].topic, "gonets-events");
  EXPECT_EQ(both.sinks[1].mechanism, sink_mechanism::scram_sha_256);
  EXPECT_THAT(
      errors_of(R"([[sink]]
name = "bus"
kind = "nats"
servers = ["nats-1.example.com:4222"]
subject = "gonets.events"
topic = "gonets"
)"),
      ElementsAre("gonets.toml:1:1: sink[1].jetstream: found nothing, expected a stream's name without dots and "
                  "blanks, such as \"GONETS\"",
                  "gonets.toml:6:1: sink[1].topic: found a setting of another kind of sink, expected those that "
                  "docs/configuration.md has for this `kind`"));
  EXPECT_THAT(errors_of("[[sink]]\nname = \"a\"\nkind = \"jsonl\"\n"),
              ElementsAre(testing::HasSubstr("sink[1].folder: found nothing, expected an absolute path")));
}

TEST(sinks, want_a_port_and_a_subject_without_wildcards) {
  const auto errors = [](const std::string& server, const std::string& subject) {
    return errors_of("[[sink]]\nname = \"a\"\nkind = \"nats\"\njetstream = \"A\"\nservers = [\"" + server +
                     "\"]\nsubject = \"" + subject + "\"\n");
  };
  EXPECT_THAT(errors("nats:1", "a.{kind}.b"), IsEmpty());
  for (const auto* server : {"nats", "nats:", "nats:0", "nats:65536", "nats:1x", ":1", "::1:1", "[10.0.0.1]:1"})
    EXPECT_THAT(errors(server, "a"), ElementsAre(testing::HasSubstr("sink[1].servers"))) << server;
  for (const auto* subject : {"", "a.", ".a", "a..b", "a.*", "a.>", "a b", "{kind}.{kind}", "a{kind}", "a.{name}"})
    EXPECT_THAT(errors("nats:1", subject), ElementsAre(testing::HasSubstr("sink[1].subject"))) << subject;
}

class password_file_test : public ::testing::Test {
 protected:
  password_file_test() { std::filesystem::create_directories(folder_); }
  ~password_file_test() override { std::filesystem::remove_all(folder_); }
  void write(const std::string& name, std::string_view text) const { std::ofstream(folder_ / name) << text; }
  auto loaded(const std::string& more = "password_file = \"p\"") const {
    write("gonets.toml",
          "[server]\nhostname = \"a.example\"\n[[route]]\ndomain = \"*\"\nto = "
          "\"smtp://smtp.example.com\"\nlogin = \"user\"\n" +
              more);
    return load((folder_ / "gonets.toml").string());
  }
  std::string error(const std::string& more = "password_file = \"p\"") const {
    const auto result = loaded(more);
    return result ? std::string() : to_text(result.error().at(0));
  }

  // Its own for each process: tests run side by side.
  const std::filesystem::path folder_ =
      std::filesystem::path(::testing::TempDir()) / ("gonets_password_file_test_" + std::to_string(::getpid()));
};

TEST_F(password_file_test, is_read_beside_the_configuration_without_its_line_end) {
  for (const char* text : {" pass word ", " pass word \n", " pass word \r\n"}) {
    write("p", text);
    const auto result = loaded();
    ASSERT_TRUE(result) << error();
    EXPECT_EQ(result->routes[0].logins[0].password, " pass word ");
    EXPECT_EQ(result->routes[0].logins[0].password_file, (folder_ / "p").string());
  }
}

TEST_F(password_file_test, must_be_there_and_have_one_line) {
  EXPECT_THAT(error(), testing::HasSubstr("found No such file or directory, expected a file that can be read"));
  for (const char* text : {"", "\n", "hush\nhush\n"}) {
    write("p", text);
    EXPECT_THAT(error(), testing::HasSubstr("found no password, expected")) << text;
    EXPECT_THAT(error(), testing::Not(testing::HasSubstr("hush")));
  }
  EXPECT_THAT(error("password = \"hush\"\npassword_file = \"p\""), testing::HasSubstr("a password of user, too"));
}

}  // namespace
}  // namespace gonets::config
