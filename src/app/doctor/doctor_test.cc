#include "app/doctor/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "tls_policy/certificate.h"

namespace gonets::app::doctor {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

constexpr wall_time now = std::chrono::sys_days(std::chrono::year(2025) / 3 / 1);

class doctor_test : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "gonets-doctor-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    with_.server.hostname = "mail.example.com";
    with_.spool.path = folder_ + "/spool";
    with_.spool.free_bytes_min = 1024;
    with_.listeners.push_back({.address = {"127.0.0.1", 0}});
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  config::certificate pair(const std::string& file, const std::string& name, int days) {
    const auto made = tls_policy::make_self_signed({name}, now, std::chrono::days(days));
    const config::certificate files{folder_ + "/" + file + ".pem", folder_ + "/" + file + ".key"};
    std::ofstream(files.certificate_file) << made.certificate;
    std::ofstream(files.key_file) << made.key;
    return files;
  }
  std::vector<std::string> told(void (*examine)(const surroundings&, report&)) {
    report r;
    examine({with_, now, [this](const std::string&) { return page_; }, running_}, r);
    std::vector<std::string> lines;
    for (const auto& d : r.all()) {
      lines.push_back(std::string(to_text(d.how)) + ": " + d.text);
      EXPECT_EQ(d.advice.empty(), d.how == health::ok) << d.text;
    }
    return lines;
  }

  std::string folder_;
  config::settings with_;
  bool running_ = false;
  std::expected<std::string, std::string> page_ = std::unexpected("nobody answers");
};

TEST_F(doctor_test, tells_how_long_each_certificate_lasts) {
  with_.certificates = {pair("a", "mail.example.com", 60), pair("b", "b.example.com", 10),
                        pair("c", "c.example.com", -3)};
  EXPECT_THAT(told(examine_certificates),
              ElementsAre("ok: mail.example.com: 60 days left, until 2025-04-30 (" + folder_ + "/a.pem)",
                          "warning: b.example.com: 10 days left, until 2025-03-11 (" + folder_ + "/b.pem)",
                          "failed: c.example.com: 0 days left, until 2025-02-26 (" + folder_ + "/c.pem)"));
}

TEST_F(doctor_test, fails_a_certificate_that_is_of_no_use) {
  const auto a = pair("a", "mail.example.com", 60), b = pair("b", "mail.example.com", 60);
  with_.certificates = {{a.certificate_file, b.key_file}};
  EXPECT_THAT(told(examine_certificates),
              ElementsAre("failed: " + b.key_file + ": the key does not belong to the certificate"));
  with_.certificates = {{a.certificate_file, "/nonexistent"}};
  EXPECT_THAT(told(examine_certificates), ElementsAre("failed: /nonexistent: No such file or directory"));
}

TEST_F(doctor_test, warns_when_no_certificate_bears_the_hostname) {
  with_.certificates = {pair("a", "a.example.com", 60)};
  EXPECT_THAT(
      told(examine_certificates),
      ElementsAre(HasSubstr("ok: a.example.com"), "warning: no certificate bears server.hostname, mail.example.com"));
  with_.certificates = {pair("a", "*.example.com", 60)};
  EXPECT_THAT(told(examine_certificates), SizeIs(1));
  with_.certificates.clear();
  EXPECT_THAT(told(examine_certificates), ElementsAre("warning: there is none: mail comes in unencrypted"));
}

TEST_F(doctor_test, notices_a_server_that_has_not_read_a_renewed_certificate) {
  with_.certificates = {pair("a", "mail.example.com", 60)};
  running_ = true;
  const std::string metric =
      "gonets_tls_certificate_expiry_timestamp_seconds{file=\"" + folder_ + "/a.pem\",name=\"mail.example.com\"} ";
  page_ = "# TYPE x gauge\n" + metric + "1741219200\nother 3\n";  // 2025-03-06
  EXPECT_THAT(told(examine_certificates),
              ElementsAre("warning: mail.example.com: the server still shows the one that ends on 2025-03-06"));
  for (const auto* same : {"1745971200\n", "NaN\n", "x\n", ""}) {
    page_ = metric + same;
    EXPECT_THAT(told(examine_certificates), ElementsAre(HasSubstr("ok: "))) << same;
  }
}

TEST_F(doctor_test, weighs_the_room_on_the_disk) {
  EXPECT_THAT(told(examine_disk), ElementsAre(HasSubstr("ok: ")));
  const auto room = std::filesystem::space(folder_).available;
  with_.spool.free_bytes_min = room / 3 * 2;
  EXPECT_THAT(told(examine_disk), ElementsAre(HasSubstr("warning: ")));
  with_.spool.free_bytes_min = room * 2;
  EXPECT_THAT(told(examine_disk), ElementsAre(HasSubstr("failed: ")));
}

TEST_F(doctor_test, fails_a_sink_that_cannot_write) {
  EXPECT_THAT(told(examine_sinks), ElementsAre("ok: there is none"));
  with_.sinks = {{.name = "lake"}, {.name = "bus"}, {.name = "new"}};
  EXPECT_THAT(told(examine_sinks), ElementsAre(HasSubstr("ok: 3")));
  running_ = true;
  page_ =
      "# TYPE gonets_sink_up gauge\n"
      "gonets_sink_up{sink=\"lake\"} 1\ngonets_sink_up{sink=\"bus\"} 0\n"
      "gonets_sink_lag_seconds{sink=\"lake\"} 0.2\ngonets_sink_lag_seconds{sink=\"bus\"} 61.4\n";
  EXPECT_THAT(told(examine_sinks), ElementsAre("ok: the sink lake is 0 s behind",
                                               "failed: the sink bus cannot write; its oldest event has waited 61 s",
                                               "warning: the sink new: the server that runs does not have it"));
}

TEST_F(doctor_test, tries_the_ports_of_the_listeners) {
  const int listening = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ASSERT_EQ(::bind(listening, reinterpret_cast<sockaddr*>(&at), size), 0);
  ASSERT_EQ(::getsockname(listening, reinterpret_cast<sockaddr*>(&at), &size), 0);
  const auto port = ntohs(at.sin_port);
  const auto name = "127.0.0.1:" + std::to_string(port);
  with_.listeners = {{.address = {"127.0.0.1", port}}};
  running_ = true;
  EXPECT_THAT(told(examine_listeners), ElementsAre("failed: " + name + ": Connection refused"));
  ASSERT_EQ(::listen(listening, 5), 0);
  EXPECT_THAT(told(examine_listeners), ElementsAre("ok: " + name + " takes connections"));
  running_ = false;
  EXPECT_THAT(told(examine_listeners), ElementsAre("failed: " + name + " is taken by another program"));
  ::close(listening);
  EXPECT_THAT(told(examine_listeners), ElementsAre("ok: " + name + " is free"));
}

TEST_F(doctor_test, looks_for_the_addresses_and_proxies_of_egresses) {
  with_.egresses = {
      {.name = "here", .source_ipv4 = "127.0.0.1"},
      {.name = "elsewhere", .source_ipv4 = "192.0.2.77"},
      {.name = "proxied", .proxy = {config::exit_proxy::protocol::socks5, {"127.0.0.1", 1}, "u", "secret"}}};
  EXPECT_THAT(told(examine_egresses), ElementsAre("ok: default: the system chooses the source address",
                                                  "ok: here: 127.0.0.1 is an address of this machine",
                                                  "failed: elsewhere: 192.0.2.77 is no address of this machine",
                                                  "failed: proxied: socks5://u:...@127.0.0.1:1: Connection refused"));
}

TEST_F(doctor_test, repeats_what_is_wrong_with_the_configuration) {
  EXPECT_THAT(told(examine_configuration), ElementsAre("ok: no errors"));
  with_.listeners[0].stream = "bluk";
  EXPECT_THAT(told(examine_configuration),
              ElementsAre("failed: listener[1].stream: there is no stream \"bluk\"; did you mean \"bulk\"?"));
}

TEST_F(doctor_test, says_that_no_server_runs) {
  EXPECT_THAT(told(examine_server), ElementsAre("warning: nobody answers"));
  running_ = true;
  EXPECT_THAT(told(examine_server), ElementsAre("ok: answers on " + with_.api.socket));
}

TEST_F(doctor_test, has_failed_with_any_finding_that_has) {
  report r;
  r.begin("disk");
  r.ok("fine");
  r.warning("little", "make room");
  EXPECT_FALSE(r.any_failed());
  r.failed("none", "make room");
  EXPECT_TRUE(r.any_failed());
  EXPECT_EQ(r.all().back(), (diagnosis{"disk", health::failed, "none", "make room"}));
}

}  // namespace
}  // namespace gonets::app::doctor
