#include "config/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "base/network.h"
#include "config/routes.h"
#include "tls_policy/certificate.h"

namespace gonets::config {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

// Nothing is wrong with these on any machine.
settings sound() {
  settings s;
  s.server.hostname = "mail.example.com";
  s.spool.path = testing::TempDir();
  s.listeners.push_back({.address = {"127.0.0.1", 2525}, .trusted_networks = {*parse_network("127.0.0.0/8")}});
  return s;
}

std::vector<std::string> findings(const settings& s) {
  std::vector<std::string> texts;
  for (const finding& f : check(s))
    texts.push_back(to_text(f));
  return texts;
}

std::vector<std::string> findings_when_trusting(const char* text) {
  settings s = sound();
  s.listeners[0].trusted_networks = {parse_network(text).value()};
  return findings(s);
}

route to(const char* target, const char* domain) {
  route r = parse_target(target).value();
  r.domain = domain;
  return r;
}

TEST(check, finds_nothing_in_sound_settings) {
  EXPECT_THAT(findings(sound()), IsEmpty());
  EXPECT_FALSE(has_errors(check(sound())));
}

TEST(check, calls_a_trusted_network_of_strangers_an_open_relay) {
  EXPECT_THAT(
      findings_when_trusting("0.0.0.0/0"),
      ElementsAre("error: listener[1].trusted_networks: 0.0.0.0/0 makes an open relay: strangers may send to any "
                  "domain. List your own networks"));
  // The last three hold all of IPv4, or all of public IPv6, in other spellings.
  for (const char* open : {"0.0.0.0/1", "128.0.0.0/1", "8.0.0.0/7", "10.0.0.0/7", "::/0", "::/64", "2000::/3"}) {
    EXPECT_THAT(findings_when_trusting(open), ElementsAre(HasSubstr("open relay"))) << open;
  }
}

TEST(check, warns_of_public_networks_larger_than_a_company) {
  EXPECT_THAT(
      findings_when_trusting("8.0.0.0/8"),
      ElementsAre("warning: listener[1].trusted_networks: 8.0.0.0/8 is much of the Internet; all of it may send "
                  "to any domain"));
  for (const char* wide : {"8.8.0.0/15", "2a00::/16", "2a00::/31"}) {
    EXPECT_THAT(findings_when_trusting(wide), ElementsAre(StartsWith("warning"))) << wide;
  }
}

TEST(check, is_content_with_private_and_small_networks) {
  for (const char* fine : {"10.0.0.0/8", "192.168.0.0/16", "127.0.0.1", "::1", "fc00::/7", "8.8.0.0/16", "2a00::/32"}) {
    EXPECT_THAT(findings_when_trusting(fine), IsEmpty()) << fine;
  }
}

TEST(check, holds_submission_and_proxies_to_the_same_rule) {
  settings s = sound();
  s.listeners[0].kind = listener_kind::submission;
  s.listeners[0].trusted_networks = {*parse_network("::/0")};
  s.listeners[0].proxy_protocol_from = {*parse_network("0.0.0.0/0")};
  EXPECT_THAT(findings(s),
              ElementsAre(StartsWith("error: listener[1].trusted_networks: ::/0 makes an open relay"),
                          "error: listener[1].proxy_protocol_from: 0.0.0.0/0 makes an open relay: strangers "
                          "may claim any client address, a trusted one too. List your own networks"));
}

TEST(check, warns_of_inbound_domains_that_go_by_mx) {
  settings s = sound();
  s.smtp.inbound_domains = {"a.example", "b.example"};
  s.routes = {to("capture", "b.example")};
  EXPECT_THAT(findings(s),
              ElementsAre("warning: smtp.inbound_domains: a.example has no route but MX: if its MX is this "
                          "server, mail for it would loop. Add a [[route]] with domain = \"a.example\""));
}

TEST(check, keeps_the_api_on_loopback) {
  settings s = sound();
  s.api.listen = endpoint{"0.0.0.0", 8025};
  EXPECT_THAT(findings(s),
              ElementsAre("error: api.listen: 0.0.0.0:8025 can be reached from other machines, and "
                          "the API speaks no TLS. Use 127.0.0.1 or [::1], and a proxy with TLS in front of it"));
  s.api.listen = endpoint{"::1", 8025};
  EXPECT_THAT(findings(s), IsEmpty());
}

constexpr wall_time march_2025 = std::chrono::sys_days(std::chrono::year(2025) / 3 / 1);

// Of "a.test", valid for ten days from `march_2025` on.
certificate written_pair(const char* name) {
  const auto made = tls_policy::make_self_signed({"a.test"}, march_2025, std::chrono::days(10));
  const certificate files{testing::TempDir() + name + ".pem", testing::TempDir() + name + ".key"};
  std::ofstream(files.certificate_file) << made.certificate;
  std::ofstream(files.key_file) << made.key;
  return files;
}

TEST(check, wants_a_certificate_for_submissions_from_anywhere) {
  settings s = sound();
  s.listeners[0].kind = listener_kind::submissions;
  EXPECT_THAT(findings(s), ElementsAre("error: listener[1].kind: submissions speaks nothing but TLS, and there is no "
                                       "certificate: add a [[certificate]]"));
  s.tls.self_signed = true;
  EXPECT_THAT(findings(s), IsEmpty());
  s.tls.self_signed = false;
  s.certificates.push_back(written_pair("check_submissions"));
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check, wants_the_key_with_the_certificate_and_both_of_use) {
  const auto own = written_pair("check_own"), other = written_pair("check_other");
  settings s = sound();
  auto& l = s.listeners[0];
  l.tls_certificate = own.certificate_file;
  EXPECT_THAT(findings(s),
              ElementsAre("error: listener[1].tls_key: is missing, and tls_certificate is of no use without it"));
  l.tls_key = own.key_file;
  EXPECT_THAT(findings(s), IsEmpty());
  l.tls_key = "/nonexistent/key.pem";
  EXPECT_THAT(findings(s), ElementsAre("error: listener[1].tls_key: /nonexistent/key.pem cannot be read: No such file "
                                       "or directory"));
  l.tls_key = other.key_file;
  EXPECT_THAT(findings(s), ElementsAre("error: listener[1].tls_key: " + other.key_file +
                                       ": the key does not belong to the "
                                       "certificate"));
  l.tls_certificate = l.tls_key = "";
  s.certificates = {own, {own.key_file, own.key_file}};
  EXPECT_THAT(findings(s),
              ElementsAre("error: certificate[2].certificate: " + own.key_file + " has no certificate in PEM"));
}

TEST(check, tells_of_a_certificate_that_has_expired_or_is_not_yet_valid) {
  settings s = sound();
  s.certificates.push_back(written_pair("check_expired"));
  const auto& file = s.certificates[0].certificate_file;
  const auto at = [&s](int day) { return check(s, march_2025 + std::chrono::days(day)); };
  EXPECT_THAT(at(9), IsEmpty());
  ASSERT_THAT(at(11), SizeIs(1));
  EXPECT_FALSE(has_errors(at(11)));
  EXPECT_EQ(to_text(at(11)[0]), "warning: certificate[1].certificate: " + file +
                                    " expired on 2025-03-11: clients that verify it will not send");
  ASSERT_THAT(at(-5), SizeIs(1));
  EXPECT_EQ(to_text(at(-5)[0]), "warning: certificate[1].certificate: " + file + " is valid from 2025-02-28 on only");
}

TEST(check, tells_of_tls_settings_without_effect) {
  settings s = sound();
  s.listeners[0].client_certificates = true;
  EXPECT_THAT(findings(s), ElementsAre("warning: listener[1].client_certificates: has no effect without TLS: add a "
                                       "[[certificate]]"));
  s.tls.self_signed = true;
  EXPECT_THAT(findings(s), IsEmpty());
  s.certificates.push_back(written_pair("check_effect"));
  EXPECT_THAT(findings(s), ElementsAre("warning: tls.self_signed: has no effect where there is a [[certificate]]"));
}

TEST(check, finds_listeners_on_one_address) {
  settings s = sound();
  s.listeners.push_back(s.listeners[0]);
  s.api.listen = s.listeners[0].address;
  EXPECT_THAT(findings(s), ElementsAre("error: listener[1].address: 127.0.0.1:2525 is api.listen, too",
                                       "error: listener[2].address: 127.0.0.1:2525 is the address of listener[1], too",
                                       "error: listener[2].address: 127.0.0.1:2525 is api.listen, too"));
  s.api.listen.reset();
  s.listeners[0].address.port = s.listeners[1].address.port = 0;
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check, names_the_stream_that_was_meant) {
  settings s = sound();
  s.listeners[0].stream = "bluk";
  EXPECT_THAT(findings(s),
              ElementsAre("error: listener[1].stream: there is no stream \"bluk\"; did you mean \"bulk\"?"));
  s.listeners[0].stream = "newsletters";
  EXPECT_THAT(findings(s), ElementsAre("error: listener[1].stream: there is no stream \"newsletters\""));
}

TEST(check, wants_events_kept_while_mail_may_be_queued) {
  settings s = sound();
  s.spool.event_retention = 72h;
  EXPECT_THAT(findings(s), ElementsAre("error: spool.event_retention: 3d is shorter than "
                                       "stream.transactional.expires_after, 5d: mail that is still queued could not be "
                                       "explained"));
  s.spool.event_retention = 120h;
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check, wants_signatures_to_outlive_the_queue) {
  settings s = sound();
  s.streams = {{.name = "transactional"}};
  s.streams[0].retry.expires_after = std::chrono::hours(5 * 24);
  s.dkim.expires_after = std::chrono::hours(24);
  EXPECT_THAT(findings(s), ElementsAre(StartsWith("error: dkim.expires_after: 1d is shorter than "
                                                  "stream.transactional.expires_after, 5d")));
  s.dkim.expires_after = std::chrono::hours(7 * 24);
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check, wants_tokens_asked_about_over_tls_or_on_this_machine) {
  settings s = sound();
  for (const char* url : {"https://auth.example.com/introspect", "http://127.0.0.1:8080/introspect",
                          "http://localhost/", "http://[::1]:8080/introspect"}) {
    s.auth.introspection_url = url;
    EXPECT_THAT(findings(s), IsEmpty()) << url;
  }
  for (const char* url :
       {"http://auth.example.com/introspect", "http://192.0.2.1:8080", "http://[2001:db8::1]/", "http://"}) {
    s.auth.introspection_url = url;
    EXPECT_THAT(findings(s), ElementsAre(StartsWith("error: auth.introspection_url: "))) << url;
  }
}

TEST(check, wants_the_spools_parent) {
  settings s = sound();
  s.spool.path = "/nonexistent/deep/spool/";
  EXPECT_THAT(findings(s), ElementsAre("error: spool.path: /nonexistent/deep/spool/ cannot be made: there is no folder "
                                       "/nonexistent/deep"));
  s.spool.path = testing::TempDir() + "gonets_check_test_no_such_spool/";
  EXPECT_THAT(findings(s), IsEmpty());
  s.spool.path = "/dev/null";
  EXPECT_THAT(findings(s), ElementsAre("error: spool.path: /dev/null is no folder"));
}

TEST(check, warns_of_a_short_hostname_and_of_no_listener) {
  settings s = sound();
  s.server.hostname = "mail";
  s.listeners.clear();
  EXPECT_THAT(findings(s),
              ElementsAre("warning: server.hostname: mail is not fully qualified; many servers refuse mail "
                          "from such a name",
                          "warning: listener: there is none: no mail can come in by SMTP"));
  EXPECT_FALSE(has_errors(check(s)));
}

TEST(check, wants_the_user_to_exist) {
  settings s = sound();
  s.server.user = "no-such-user-here";
  EXPECT_THAT(findings(s), ElementsAre("error: server.user: there is no user no-such-user-here"));
}

TEST(check, warns_of_routes_that_an_earlier_one_hides) {
  settings s = sound();
  s.routes = {to("capture", "a.example"), to("capture", "*.b.example"),   to("discard", "a.example"),
              to("discard", "b.example"), to("discard", "*.c.b.example"), to("discard", "*"),
              to("discard", "z.example")};
  EXPECT_THAT(
      findings(s),
      ElementsAre("warning: route[3].domain: is never used: \"a.example\" of route[1] takes all of \"a.example\"",
                  "warning: route[5].domain: is never used: \"*.b.example\" of route[2] takes all of \"*.c.b.example\"",
                  "warning: route[7].domain: is never used: \"*\" of route[6] takes all of \"z.example\""));
}

TEST(check, warns_of_an_lmtp_socket_that_is_not_there) {
  settings s = sound();
  s.routes = {to("lmtp:/nonexistent/lmtp", "a.example"), to("lmtp:/dev/null", "b.example")};
  EXPECT_THAT(findings(s),
              ElementsAre("warning: route[1].to: there is no socket /nonexistent/lmtp; its mail waits until "
                          "there is"));
}

TEST(check, finds_a_smarthost_that_is_this_server) {
  settings s = sound();
  s.routes = {to("smtp://127.0.0.1:2525", "a.example")};
  const std::string expected =
      "error: route[1].to: smtp://127.0.0.1:2525 is a listener of this server: mail for it would loop";
  EXPECT_THAT(findings(s), ElementsAre(expected));
  s.listeners[0].address.host = "0.0.0.0";
  EXPECT_THAT(findings(s), ElementsAre(expected));
  s.listeners[0].address.port = 2526;
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check, finds_levels_of_tls_that_a_route_cannot_have) {
  settings s = sound();
  s.routes = {to("mx", "a.example"), to("smtps://relay.example.com", "b.example"), to("capture", "c.example"),
              to("smtps://192.0.2.1", "d.example")};
  s.routes[0].tls = tls_policy::level::required;
  s.routes[1].tls = tls_policy::level::opportunistic;
  s.routes[2].tls = tls_policy::level::none;
  EXPECT_THAT(findings(s), ElementsAre(StartsWith("error: route[1].tls: "), StartsWith("error: route[2].tls: "),
                                       StartsWith("error: route[3].tls: "), StartsWith("warning: route[4].tls: ")));
}

TEST(check, finds_limits_that_contradict_each_other) {
  settings s = sound();
  s.delivery.ipv4 = s.delivery.ipv6 = false;
  s.delivery.site_backoff_base = 1h;
  s.delivery.connections_max = 10;
  s.server.connections_max = 10;
  s.streams[1].retry.expires_after = 30s;
  EXPECT_THAT(
      findings(s),
      ElementsAre(StartsWith("warning: server.connections_per_address_max: "), StartsWith("error: delivery.ipv4: "),
                  StartsWith("error: delivery.site_backoff_base: "),
                  StartsWith("warning: delivery.connections_per_site_max: "),
                  "warning: stream.bulk.expires_after: 30s ends before the first retry, at 1m: there will be one "
                  "last attempt only"));
}

TEST(check, warns_of_pages_and_tracking_that_do_not_work) {
  settings s = sound();
  s.streams[0].track_clicks = true;
  EXPECT_THAT(findings(s), ElementsAre(StartsWith("warning: stream.transactional.track_clicks: has no effect")));
  s.web.url = "https://mail.example.com";
  EXPECT_THAT(findings(s), ElementsAre(StartsWith("warning: web.url: nothing of this server")));
  s.web.listen = endpoint{"0.0.0.0", 8080};
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check, warns_of_links_that_end_before_they_may) {
  settings s = sound();
  s.feedback.domain = "bounce.example.com";
  s.feedback.postmaster = "you@example.com";
  EXPECT_THAT(findings(s), IsEmpty());
  s.spool.event_retention = 719h;
  EXPECT_THAT(findings(s), ElementsAre(StartsWith("warning: spool.event_retention: ")));
  s.streams[1].unsubscribe = false;
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check, wants_to_know_who_reports_on_tls) {
  settings s = sound();
  s.tls_report.enabled = true;
  s.tls_report.from = "tls@example.com";
  EXPECT_THAT(findings(s), ElementsAre("error: tls_report.organization: is needed for sending reports",
                                       "error: tls_report.contact: is needed for sending reports"));
}

settings with_login(const char* target) {
  settings s = sound();
  s.routes.push_back(to(target, "*"));
  s.routes[0].logins = {{.name = "user", .password = "hush"}};
  return s;
}

TEST(check_login, is_fine_over_verified_tls) {
  EXPECT_THAT(findings(with_login("smtp://smtp.example.com:587")), IsEmpty());
  EXPECT_THAT(findings(with_login("smtps://smtp.example.com")), IsEmpty());
  EXPECT_EQ(tls_level_of(settings(), with_login("smtp://smtp.example.com").routes[0]), tls_policy::level::verified);
}

TEST(check_login, never_goes_in_the_clear_but_to_this_machine) {
  auto s = with_login("smtp://smtp.example.com:587");
  for (const auto level : {tls_policy::level::none, tls_policy::level::opportunistic}) {
    s.routes[0].tls = level;
    EXPECT_THAT(findings(s), ElementsAre(R"(error: route[1].tls: is "required" at least, where a password is sent)"));
  }
  s.routes[0].tls = tls_policy::level::required;
  EXPECT_THAT(findings(s), ElementsAre(StartsWith("warning: route[1].tls: whoever is between")));
  s.routes[0].login_without_tls = true;
  EXPECT_THAT(findings(s),
              ElementsAre(StartsWith("error: route[1].login_without_tls: smtp.example.com is not on this")));
  for (const char* here : {"smtp://localhost:25", "smtp://127.0.0.1:25", "smtp://[::1]:25"}) {
    auto local = with_login(here);
    local.routes[0].login_without_tls = true;
    EXPECT_THAT(findings(local), IsEmpty()) << here;
  }
}

TEST(check_login, is_for_smarthosts_and_has_one_password) {
  EXPECT_THAT(findings(with_login("capture")), ElementsAre("error: route[1].login: is for smtp and smtps alone"));
  auto s = with_login("smtps://smtp.example.com");
  s.routes[0].logins[0].password.clear();
  EXPECT_THAT(findings(s),
              ElementsAre("error: route[1].login: user has none of password, password_file, token_file and oauth"));
  s = with_login("smtps://smtp.example.com");
  s.routes[0].logins.push_back(s.routes[0].logins[0]);
  EXPECT_THAT(findings(s), ElementsAre("error: route[1].login: user is there twice"));
  s = sound();
  s.routes.push_back(to("capture", "*"));
  s.routes[0].limits.messages_a_day = 5;
  s.routes[0].preset = "mail.ru";
  EXPECT_THAT(findings(s), ElementsAre("error: route[1].limits: are for smtp and smtps alone",
                                       "error: route[1].preset: is for smtp and smtps alone"));
}

TEST(check_login, by_a_token_needs_one_way_to_get_it) {
  auto s = with_login("smtps://smtp.example.com");
  auto& login = s.routes[0].logins[0];
  login.token_file = "/nonexistent/token";
  EXPECT_THAT(findings(s), ElementsAre("error: route[1].login: user has more than one of password, password_file, "
                                       "token_file and oauth"));
  login.password.clear();
  EXPECT_THAT(findings(s), IsEmpty());
  login.token_file.clear();
  login.oauth = oauth_client{.id = "app"};
  EXPECT_THAT(findings(s), ElementsAre("error: route[1].oauth.token_url: is not said by the preset: give it",
                                       "error: route[1].oauth: has neither refresh_token_file nor client_secret_file"));
  login.oauth->token_url = "https://auth.example.com/token";
  login.oauth->refresh_token_file = "/nonexistent/refresh";
  EXPECT_THAT(findings(s), IsEmpty());
}

TEST(check_login, has_a_password_file_of_its_own) {
  const auto path = testing::TempDir() + "gonets_check_login_password";
  std::ofstream(path) << "hush\n";
  auto s = with_login("smtps://smtp.example.com");
  s.routes[0].logins[0].password_file = path;
  std::filesystem::permissions(path, std::filesystem::perms(0640));
  EXPECT_THAT(findings(s), IsEmpty());
  std::filesystem::permissions(path, std::filesystem::perms(0644));
  EXPECT_THAT(findings(s), ElementsAre("warning: route[1].password_file: " + path +
                                       " can be read by every user of this machine: chmod o-r"));
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace gonets::config
