// Real handshakes between two streams on loopback, with certificates that are made here.
#include "runtime/tls.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <future>
#include <optional>

#include "runtime/detail/tls_context.h"
#include "runtime/listener.h"
#include "runtime/shards_test_support.h"
#include "runtime/stream.h"
#include "runtime/tls_test_support.h"
#include "runtime/wheel.h"

namespace gonets::runtime {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using proof = tls_facts::proof;
using verification = client_handshake::verification;

// Making certificates takes the longest of it all: one maker for all tests.
testing::certificate_maker& maker() {
  static testing::certificate_maker made;
  return made;
}
const testing::made_certificate& mail() {
  static const auto made = maker().make("mail", {.names = {"mail.test", "*.wild.test"}});
  return made;
}

std::string pattern(std::size_t bytes) {
  std::string text(bytes, '\0');
  for (std::size_t i = 0; i < bytes; ++i)
    text[i] = static_cast<char>(i * 31 ^ i >> 12);
  return text;
}

struct side {
  stream_ptr stream;
  std::optional<tls_failure> failure;
  tls_facts facts;
};

class tls_test : public ::testing::Test {
 protected:
  void SetUp() override { shards_.start(); }
  void TearDown() override {
    close_both();
    settle();
  }
  template <class Work>
  void on_shard(Work work) {
    run_on(shards_, 0, std::move(work));
  }
  // What a task has caused has run: it is queued by the end of that task, which its promise may be ahead of.
  void settle() {
    on_shard([] {});
    on_shard([] {});
  }
  void close_both() {
    on_shard([this] {
      for (auto* s : {&client_, &server_}) {
        if (s->stream) s->stream->close();
        s->stream.reset();
      }
    });
  }

  void connect_pair() {
    auto accepted = std::make_shared<std::promise<stream_ptr>>();
    auto connected = std::make_shared<std::promise<stream_ptr>>();
    listener_.emplace(shards_, "127.0.0.1", 0);
    listener_->start([accepted](std::size_t, stream_ptr s) { accepted->set_value(s); });
    on_shard([&] {
      connect(shards_, 0, {"127.0.0.1", listener_->port(), {}}, 1h,
              [connected](stream_ptr s, const std::string&) { connected->set_value(s); });
    });
    client_ = {connected->get_future().get(), {}, {}};
    server_ = {accepted->get_future().get(), {}, {}};
    ASSERT_TRUE(client_.stream);
  }

  void handshake(const tls_context_ptr& server, const tls_context_ptr& client, const client_handshake& wanted) {
    connect_pair();
    std::promise<void> client_done, server_done;
    const auto note = [](side& of, std::promise<void>& done) {
      return [&of, &done](const std::optional<tls_failure>& failure) {
        of.failure = failure;
        of.facts = of.stream->facts_of_tls();
        if (failure) of.stream->close();
        done.set_value();
      };
    };
    on_shard([&] {
      server_.stream->start_tls_server(server, note(server_, server_done));
      client_.stream->start_tls_client(client, wanted, note(client_, client_done));
    });
    client_done.get_future().wait();
    server_done.get_future().wait();
  }
  void handshake(const client_handshake& wanted) { handshake(server_context(), client_context(), wanted); }

  static tls_context_ptr server_context() { return make_server_tls({.certificates = {mail().files}}); }
  static tls_context_ptr client_context() { return make_client_tls({.ca_file = maker().ca_file()}); }

  std::string read_some(const side& from) {
    std::promise<std::string> result;
    on_shard([&] {
      from.stream->read([&](std::string_view bytes, io_error e) {
        result.set_value(e == io_error::none ? std::string(bytes) : "error " + std::to_string(static_cast<int>(e)));
      });
    });
    return result.get_future().get();
  }
  std::string read_all(const side& from, std::size_t bytes) {
    std::string all;
    while (all.size() < bytes) {
      const auto part = read_some(from);
      all += part;
      if (part.starts_with("error ")) break;
    }
    return all;
  }
  std::optional<std::future<io_error>> write(const side& to, const std::vector<std::string_view>& parts) {
    auto result = std::make_shared<std::promise<io_error>>();
    bool at_once = false;
    on_shard([&] { at_once = to.stream->write(parts, [result](io_error e) { result->set_value(e); }); });
    if (at_once) return std::nullopt;
    return result->get_future();
  }
  // With TLS 1.3 the session comes after the handshake, in front of the first bytes.
  void exchange_a_word() {
    EXPECT_FALSE(write(server_, {"220 ready\r\n"}));
    EXPECT_EQ(read_all(client_, 11), "220 ready\r\n");
  }
  static std::string why(const side& of) { return of.failure ? of.failure->why : "no failure"; }

  shards shards_{1};
  std::optional<listener> listener_;
  side client_, server_;
};

TEST_F(tls_test, carries_bytes_both_ways) {
  handshake({.server_name = "mail.test", .verify = verification::names, .names = {"mail.test"}});
  ASSERT_FALSE(client_.failure) << why(client_);
  ASSERT_FALSE(server_.failure) << why(server_);
  EXPECT_EQ(client_.facts.protocol, "TLSv1.3");
  EXPECT_EQ(client_.facts.cipher, "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(client_.facts.cipher_bits, 256);
  EXPECT_EQ(client_.facts.verified_by, proof::pkix);
  EXPECT_FALSE(client_.facts.resumed);
  EXPECT_EQ(server_.stream->tls_description(), "TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256 bits)");
  EXPECT_EQ(server_.facts.client_certificate, "");
  exchange_a_word();
  EXPECT_FALSE(write(client_, {"EHLO ", "", "me", "\r\n"}));
  EXPECT_EQ(read_all(server_, 9), "EHLO me\r\n");
}

TEST_F(tls_test, brings_a_large_write_of_many_parts_to_a_reader_that_comes_late) {
  handshake({});
  const auto sent = pattern(20'000'000);
  const std::string_view text = sent;
  std::vector<std::string_view> parts = {text.substr(0, 10), {}, text.substr(10, 40'000)};
  for (std::size_t at = 40'010; at < 140'010; at += 100)
    parts.push_back(text.substr(at, 100));
  parts.push_back(text.substr(140'010));
  auto written = write(client_, parts);
  ASSERT_TRUE(written);
  EXPECT_TRUE(read_all(server_, sent.size()) == sent);
  EXPECT_EQ(written->get(), io_error::none);
}

TEST_F(tls_test, tells_that_the_other_side_has_ended) {
  handshake({});
  EXPECT_FALSE(write(client_, {"bye"}));
  on_shard([this] { client_.stream->close(); });
  EXPECT_EQ(read_all(server_, 3), "bye");
  EXPECT_EQ(read_some(server_), "error 1");
}

TEST_F(tls_test, ends_a_read_at_its_deadline_and_still_writes_a_last_word) {
  handshake({});
  std::promise<io_error> ended;
  on_shard([&] {
    server_.stream->read([&](std::string_view, io_error e) { ended.set_value(e); });
    server_.stream->expires_after(1s);
    shards_.timers(0).tick();
    shards_.timers(0).tick();
  });
  EXPECT_EQ(ended.get_future().get(), io_error::timed_out);
  EXPECT_FALSE(write(server_, {"421 4.4.2 Timeout\r\n"}));
  EXPECT_EQ(read_all(client_, 19), "421 4.4.2 Timeout\r\n");
}

TEST_F(tls_test, ends_a_handshake_at_its_deadline) {
  connect_pair();
  std::promise<tls_failure> ended;
  on_shard([&] {
    server_.stream->expires_after(1s);
    server_.stream->start_tls_server(server_context(),
                                     [&](const std::optional<tls_failure>& f) { ended.set_value(f.value()); });
  });
  on_shard([&] {
    shards_.timers(0).tick();
    shards_.timers(0).tick();
  });
  const auto f = ended.get_future().get();
  EXPECT_TRUE(f.timed_out);
  EXPECT_EQ(f.why, "the handshake took too long");
}

TEST_F(tls_test, calls_nothing_back_after_close_during_a_handshake_and_lets_its_owner_go) {
  connect_pair();
  bool called = false;
  const std::weak_ptr<stream> gone = server_.stream;
  on_shard([&] {
    server_.stream->start_tls_server(
        server_context(), [&called, owned = server_.stream](const std::optional<tls_failure>&) { called = true; });
  });
  on_shard([&] {
    server_.stream->close();
    server_.stream.reset();
  });
  settle();
  EXPECT_FALSE(called);
  EXPECT_TRUE(gone.expired());
}

TEST_F(tls_test, lets_the_owner_of_a_read_go_after_close) {
  handshake({});
  const std::weak_ptr<stream> gone = server_.stream;
  on_shard([&] {
    server_.stream->read([owned = server_.stream](std::string_view, io_error) { ADD_FAILURE(); });
    server_.stream->close();
    server_.stream.reset();
  });
  settle();
  EXPECT_TRUE(gone.expired());
}

TEST_F(tls_test, says_that_a_peer_speaks_no_tls) {
  connect_pair();
  std::promise<tls_failure> ended;
  on_shard([&] {
    client_.stream->start_tls_client(client_context(), {},
                                     [&](const std::optional<tls_failure>& f) { ended.set_value(f.value()); });
  });
  EXPECT_FALSE(write(server_, {"500 5.5.2 What is that?\r\n"}));
  const auto f = ended.get_future().get();
  EXPECT_EQ(f.result, tls_result::validation_failure);
  EXPECT_FALSE(f.refused_by_us);
  EXPECT_EQ(f.why, "wrong version number");
}

TEST_F(tls_test, says_that_a_peer_hangs_up) {
  connect_pair();
  std::promise<tls_failure> ended;
  on_shard([&] {
    client_.stream->start_tls_client(client_context(), {},
                                     [&](const std::optional<tls_failure>& f) { ended.set_value(f.value()); });
    server_.stream->read([this](std::string_view, io_error) { server_.stream->close(); });
  });
  const auto f = ended.get_future().get();
  EXPECT_FALSE(f.refused_by_us);
  EXPECT_EQ(f.why, "the connection was closed during the handshake");
}

// ---- what a client demands ----------------------------------------------------------------------------------------

TEST_F(tls_test, takes_any_certificate_when_told_so_and_tells_what_is_wrong_with_it) {
  handshake(server_context(), make_client_tls({}), {.names = {"mail.test"}});
  ASSERT_FALSE(client_.failure) << why(client_);
  EXPECT_EQ(client_.facts.verified_by, proof::none);
  EXPECT_EQ(client_.facts.unverified, tls_result::certificate_not_trusted);
  EXPECT_THAT(client_.facts.unverified_why, HasSubstr("self-signed certificate in certificate chain"));
  close_both();
  handshake({.names = {"mail.test"}});
  EXPECT_EQ(client_.facts.verified_by, proof::pkix);
  EXPECT_EQ(client_.facts.unverified, tls_result::success);
}

TEST_F(tls_test, finds_a_wildcard_good_for_one_label) {
  handshake({.verify = verification::names, .names = {"a.wild.test"}});
  EXPECT_FALSE(client_.failure) << why(client_);
  close_both();
  handshake({.verify = verification::names, .names = {"a.b.wild.test"}});
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::certificate_host_mismatch);
}

TEST_F(tls_test, takes_any_of_several_names) {
  handshake({.verify = verification::names, .names = {"other.test", "mail.test"}});
  EXPECT_FALSE(client_.failure) << why(client_);
}

TEST_F(tls_test, refuses_a_certificate_of_another_name_and_tells_the_server) {
  handshake({.verify = verification::names, .names = {"other.test"}});
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::certificate_host_mismatch);
  EXPECT_TRUE(client_.failure->refused_by_us);
  EXPECT_EQ(client_.failure->why, "hostname mismatch");
  EXPECT_TRUE(server_.failure || read_some(server_).starts_with("error"));
}

TEST_F(tls_test, refuses_a_certificate_that_nobody_trusted_has_signed) {
  handshake(server_context(), make_client_tls({}), {.verify = verification::names, .names = {"mail.test"}});
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::certificate_not_trusted);
  EXPECT_TRUE(client_.failure->refused_by_us);
}

TEST_F(tls_test, refuses_a_certificate_that_has_expired) {
  const auto old = maker().make("old", {.names = {"mail.test"}, .days_from = -30, .days_until = -1});
  handshake(make_server_tls({.certificates = {old.files}}), client_context(),
            {.verify = verification::names, .names = {"mail.test"}});
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::certificate_expired);
  EXPECT_EQ(client_.failure->why, "certificate has expired");
}

TEST_F(tls_test, takes_no_common_name_for_a_host) {
  const auto named = maker().make("common-name", {.common_name = "mail.test"});
  handshake(make_server_tls({.certificates = {named.files}}), client_context(),
            {.verify = verification::names, .names = {"mail.test"}});
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::certificate_host_mismatch);
}

TEST_F(tls_test, trusts_the_key_that_a_dane_ee_record_names_whatever_the_certificate_says) {
  const auto expired = maker().make("dane-ee", {.days_from = -30, .days_until = -1});
  handshake(make_server_tls({.certificates = {expired.files}}), make_client_tls({}),
            {.verify = verification::dane, .names = {"mail.test"}, .tlsa = {{3, 1, 1, expired.sha256(true)}}});
  ASSERT_FALSE(client_.failure) << why(client_);
  EXPECT_EQ(client_.facts.verified_by, proof::dane_ee);
}

TEST_F(tls_test, trusts_the_ca_that_a_dane_ta_record_names_for_the_name_alone) {
  client_handshake wanted{
      .verify = verification::dane, .names = {"mail.test"}, .tlsa = {{2, 0, 1, maker().ca().sha256(false)}}};
  handshake(server_context(), make_client_tls({}), wanted);
  ASSERT_FALSE(client_.failure) << why(client_);
  EXPECT_EQ(client_.facts.verified_by, proof::dane_ta);
  close_both();
  wanted.names = {"other.test"};
  handshake(server_context(), make_client_tls({}), wanted);
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::certificate_host_mismatch);
}

TEST_F(tls_test, refuses_a_certificate_that_no_tlsa_record_matches_even_if_a_ca_has_signed_it) {
  handshake(server_context(), client_context(),
            {.verify = verification::dane, .names = {"mail.test"}, .tlsa = {{3, 1, 1, std::string(32, 'x')}}});
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::tlsa_invalid);
  EXPECT_TRUE(client_.failure->refused_by_us);
}

TEST_F(tls_test, asks_for_nothing_but_tls_when_no_tlsa_record_can_be_used) {
  handshake(server_context(), make_client_tls({}),
            {.verify = verification::dane,
             .names = {"mail.test"},
             .tlsa = {{1, 1, 1, mail().sha256(true)}, {3, 1, 1, "short"}, {3, 1, 77, "x"}}});
  ASSERT_FALSE(client_.failure) << why(client_);
  EXPECT_TRUE(client_.facts.tlsa_unusable);
  EXPECT_EQ(client_.facts.verified_by, proof::none);
}

// ---- resumption ---------------------------------------------------------------------------------------------------

TEST_F(tls_test, resumes_a_session_and_remembers_how_it_was_verified) {
  const auto server = server_context();
  const auto client = client_context();
  client_handshake wanted{.verify = verification::dane,
                          .names = {"mail.test"},
                          .tlsa = {{3, 1, 1, mail().sha256(true)}},
                          .session_key = "192.0.2.1:25"};
  handshake(server, client, wanted);
  EXPECT_FALSE(client_.facts.resumed);
  exchange_a_word();
  for (int i = 0; i < 2; ++i) {
    close_both();
    handshake(server, client, wanted);
    EXPECT_TRUE(client_.facts.resumed);
    EXPECT_EQ(client_.facts.verified_by, proof::dane_ee);
    exchange_a_word();
  }
}

TEST_F(tls_test, resumes_nothing_for_who_demands_more) {
  const auto server = server_context();
  const auto client = client_context();
  client_handshake wanted{.session_key = "192.0.2.1:25"};
  handshake(server, client, wanted);
  exchange_a_word();
  close_both();
  wanted.verify = verification::names;
  wanted.names = {"other.test"};
  handshake(server, client, wanted);
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->result, tls_result::certificate_host_mismatch);
}

TEST_F(tls_test, forgets_the_session_that_was_longest_without_use) {
  const auto server = server_context();
  const auto client = make_client_tls({.ca_file = maker().ca_file(), .sessions_max = 2});
  const auto resumed = [&](const char* key) {
    handshake(server, client, {.session_key = key});
    exchange_a_word();
    close_both();
    return client_.facts.resumed;
  };
  EXPECT_FALSE(resumed("a"));
  EXPECT_FALSE(resumed("b"));
  EXPECT_TRUE(resumed("a"));
  EXPECT_FALSE(resumed("c"));
  EXPECT_TRUE(resumed("a"));
  EXPECT_FALSE(resumed("b"));
}

// ---- what a server offers -----------------------------------------------------------------------------------------

TEST_F(tls_test, picks_the_certificate_by_the_name_that_the_client_asks_for) {
  const auto other = maker().make("other", {.names = {"other.test", "*.other.test", "x.wild.test"}});
  const auto server = make_server_tls({.certificates = {mail().files, other.files}});
  const auto client = client_context();
  const auto gets = [&](const char* asked, const char* name) {
    handshake(server, client, {.server_name = asked, .verify = verification::names, .names = {name}});
    close_both();
    return !client_.failure;
  };
  EXPECT_TRUE(gets("other.test", "other.test"));
  EXPECT_TRUE(gets("OTHER.test", "other.test"));
  EXPECT_TRUE(gets("a.other.test", "a.other.test"));
  EXPECT_TRUE(gets("mail.test", "mail.test"));
  EXPECT_TRUE(gets("x.wild.test", "other.test"));  // a name goes before a wildcard
  EXPECT_TRUE(gets("y.wild.test", "mail.test"));
  EXPECT_TRUE(gets("nobody.test", "mail.test"));
  EXPECT_TRUE(gets("", "mail.test"));
}

TEST_F(tls_test, offers_two_kinds_of_keys_for_one_name) {
  const auto rsa = maker().make("mail-rsa", {.names = {"mail.test", "*.wild.test"}, .rsa = true});
  const auto server = make_server_tls({.certificates = {mail().files, rsa.files}});
  const auto gets = [&](const char* algorithms, const testing::made_certificate& expected) {
    const auto client = make_client_tls({});
    SSL_CTX_set1_sigalgs_list(client->native(), algorithms);
    handshake(server, client, {.verify = verification::dane, .tlsa = {{3, 1, 1, expected.sha256(true)}}});
    close_both();
    return !client_.failure;
  };
  EXPECT_TRUE(gets("ECDSA+SHA256", mail()));
  EXPECT_TRUE(gets("RSA-PSS+SHA256", rsa));
  EXPECT_TRUE(gets("ECDSA+SHA256:RSA-PSS+SHA256", mail()));
}

TEST_F(tls_test, takes_a_client_certificate_of_whomever_and_tells_its_fingerprint_also_when_resumed) {
  const auto server = make_server_tls({.certificates = {mail().files}, .ask_client_certificate = true});
  const auto client = client_context();
  handshake(server, client, {});
  ASSERT_FALSE(server_.failure) << why(server_);
  EXPECT_EQ(server_.facts.client_certificate, "");
  close_both();
  const auto own = maker().make("client", {.days_from = -30, .days_until = -1});
  SSL_CTX_use_certificate(client->native(), own.certificate.get());
  SSL_CTX_use_PrivateKey(client->native(), own.key.get());
  std::string hex;
  for (const unsigned char c : own.sha256(false))
    hex += fmt::format("{:02x}", c);
  for (const bool resumed : {false, true}) {
    handshake(server, client, {.session_key = "a"});
    ASSERT_FALSE(server_.failure) << why(server_);
    EXPECT_EQ(server_.facts.client_certificate, hex);
    EXPECT_EQ(server_.facts.resumed, resumed);
    exchange_a_word();
    close_both();
  }
}

TEST_F(tls_test, speaks_tls_1_2_with_a_client_that_knows_no_better_and_nothing_below) {
  const auto client = client_context();
  SSL_CTX_set_max_proto_version(client->native(), TLS1_2_VERSION);
  const auto server = server_context();
  for (const bool resumed : {false, true}) {
    handshake(server, client, {.session_key = "a"});
    EXPECT_EQ(client_.facts.protocol, "TLSv1.2");
    EXPECT_EQ(client_.facts.resumed, resumed);
    exchange_a_word();
    close_both();
  }
  SSL_CTX_set_min_proto_version(client->native(), TLS1_VERSION);
  SSL_CTX_set_max_proto_version(client->native(), TLS1_1_VERSION);
  SSL_CTX_set_cipher_list(client->native(), "ALL:@SECLEVEL=0");
  handshake(server_context(), client, {});
  ASSERT_TRUE(server_.failure);
  EXPECT_EQ(server_.failure->why, "unsupported protocol");
  ASSERT_TRUE(client_.failure);
  EXPECT_EQ(client_.failure->why, "tlsv1 alert protocol version");
}

TEST_F(tls_test, says_which_file_makes_no_certificate) {
  const auto other = maker().make("stray", {.names = {"stray.test"}});
  const auto rsa = maker().make("stray-rsa", {.names = {"stray.test"}, .rsa = true});
  const auto error = [](const certificate_files& files) -> std::string {
    try {
      make_server_tls({.certificates = {files}});
    } catch (const std::runtime_error& e) {
      return e.what();
    }
    return "none";
  };
  EXPECT_EQ(error({"/nonexistent", mail().files.key}),
            "cannot use the certificate in /nonexistent: No such file or directory");
  EXPECT_EQ(error({mail().files.key, mail().files.key}),
            "cannot use the certificate in " + mail().files.key + ": no start line");
  EXPECT_EQ(error({mail().files.certificate, "/nonexistent"}),
            "cannot use the key in /nonexistent: No such file or directory");
  for (const auto* stranger : {&other, &rsa}) {
    EXPECT_EQ(
        error({mail().files.certificate, stranger->files.key}),
        "the key in " + stranger->files.key + " does not belong to the certificate in " + mail().files.certificate);
  }
}

}  // namespace
}  // namespace gonets::runtime
