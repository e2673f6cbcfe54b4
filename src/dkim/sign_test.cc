#include "dkim/sign.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include "dkim/body_hash.h"
#include "dkim/tag_list.h"
#include "dkim/verify.h"

namespace gonets::dkim {
namespace {

using testing::HasSubstr;

std::string make_pem(EVP_PKEY* key) {
  BIO* out = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(out, key, nullptr, nullptr, 0, nullptr, nullptr);
  char* at = nullptr;
  const auto length = BIO_get_mem_data(out, &at);
  std::string pem(at, static_cast<std::size_t>(length));
  BIO_free(out);
  EVP_PKEY_free(key);
  return pem;
}
private_key make_key(algorithm kind) {
  return std::move(*private_key::generate(kind));
}

constexpr wall_time now{std::chrono::seconds(1'700'000'000)};
constexpr std::string_view header =
    "Received: from x\r\n\tby y;\r\nFrom: =?utf-8?q?a?= <a@example.com>\r\nSubject:  folded\r\n\t and   wide \r\n"
    "To: b@example.net\r\nX-Own: not signed\r\n";
constexpr std::string_view body = "Dear b,\r\n\r\n  two  blanks \t\r\n\xd0\x9f\r\n\r\n\r\n";

struct signer {
  private_key key;
  signing how{"example.com", "s1"};

  std::string sign_message(std::string_view added = "") {
    body_hash hash(how.body);
    hash.update(body);
    return sign(key, how, added, header, hash.finish(), now) + std::string(added) + std::string(header) + "\r\n" +
           std::string(body);
  }
  std::vector<verification> check(std::string_view message, wall_time at = now) {
    return verify(
        message,
        [&](const std::string& name, lookup_failure&) {
          return name == "s1._domainkey.example.com" ? std::optional(key.record()) : std::nullopt;
        },
        at);
  }
  std::string result_of(std::string_view message, wall_time at = now) {
    const auto found = check(message, at);
    return found.size() == 1 ? std::string(to_text(found[0].result)) : "not one signature";
  }
};

class sign_with : public testing::TestWithParam<std::tuple<algorithm, canonicalization, canonicalization>> {};

TEST_P(sign_with, makes_what_verifies) {
  const auto [kind, head, text] = GetParam();
  signer s{make_key(kind)};
  s.how.header = head;
  s.how.body = text;
  EXPECT_EQ(s.result_of(s.sign_message("Received: by us\r\nDate: today\r\n")), "pass");
}
INSTANTIATE_TEST_SUITE_P(all, sign_with,
                         testing::Combine(testing::Values(algorithm::rsa_sha256, algorithm::ed25519_sha256),
                                          testing::Values(canonicalization::simple, canonicalization::relaxed),
                                          testing::Values(canonicalization::simple, canonicalization::relaxed)));

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  return text.replace(text.find(what), what.size(), by);
}

TEST(sign, breaks_when_a_signed_field_changes_is_added_or_goes) {
  signer s{make_key(algorithm::ed25519_sha256)};
  const auto message = s.sign_message();
  EXPECT_EQ(s.result_of(message), "pass");
  EXPECT_EQ(s.result_of(replaced(message, "b@example.net", "c@example.net")), "fail");
  EXPECT_EQ(s.result_of(replaced(message, "To: b@example.net\r\n", "")), "fail");
  EXPECT_EQ(s.result_of("Subject: another\r\n" + message), "fail");
  EXPECT_EQ(s.result_of("From: another\r\n" + message), "fail");
  EXPECT_EQ(s.result_of("Message-ID: <new>\r\n" + message), "fail");
}

TEST(sign, survives_what_relaxed_allows) {
  signer s{make_key(algorithm::ed25519_sha256)};
  const auto message = s.sign_message();
  EXPECT_EQ(s.result_of("Received: later\r\n" + message), "pass");
  EXPECT_EQ(s.result_of(replaced(message, "Subject:  folded\r\n\t and   wide ", "SUBJECT: folded and wide")), "pass");
  EXPECT_EQ(s.result_of(replaced(message, "two  blanks \t\r\n", "two blanks\r\n")), "pass");
  EXPECT_EQ(s.result_of(message + "\r\n\r\n"), "pass");
  EXPECT_EQ(s.result_of(replaced(message, "two  blanks", "twoblanks")), "fail");
}

TEST(sign, expires_when_asked_to) {
  signer s{make_key(algorithm::ed25519_sha256)};
  s.how.expires_after = std::chrono::hours(1);
  const auto message = s.sign_message();
  EXPECT_THAT(message, HasSubstr("t=1700000000; x=1700003600;"));
  EXPECT_EQ(s.result_of(message, now + std::chrono::hours(1)), "pass");
  EXPECT_EQ(s.result_of(message, now + std::chrono::hours(2)), "permerror");
}

TEST(sign, folds_its_lines) {
  signer s{make_key(algorithm::rsa_sha256)};
  auto text = s.sign_message();
  text.resize(text.find("Received"));
  while (!text.empty()) {
    const auto line = text.substr(0, text.find("\r\n"));
    EXPECT_LE(line.size(), 78u) << line;
    EXPECT_FALSE(line.empty());
    text.erase(0, line.size() + 2);
  }
}

TEST(key, is_the_same_after_pem) {
  for (const auto kind : {algorithm::rsa_sha256, algorithm::ed25519_sha256}) {
    const auto made = make_key(kind);
    const auto read = private_key::from_pem(made.to_pem());
    ASSERT_TRUE(read) << read.error();
    EXPECT_EQ(read->kind(), kind);
    EXPECT_EQ(read->record(), made.record());
    EXPECT_EQ(read->sign("text"), made.sign("text"));
  }
}

TEST(key, is_made_of_the_size_asked_for) {
  EXPECT_EQ(private_key::generate(algorithm::rsa_sha256, 3072)->bits(), 3072);
  EXPECT_THAT(private_key::generate(algorithm::rsa_sha256, 1024).error(), HasSubstr("1024 bits"));
}

TEST(key, refuses_what_dkim_cannot_use) {
  EXPECT_THAT(private_key::from_pem("nonsense").error(), HasSubstr("no private key"));
  EXPECT_THAT(private_key::from_pem(make_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-256"))).error(),
              HasSubstr("type EC"));
  EXPECT_THAT(private_key::from_pem(make_pem(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024}))).error(),
              HasSubstr("1024 bits"));
}

TEST(verify, says_why_a_key_is_of_no_use) {
  signer s{make_key(algorithm::ed25519_sha256)};
  const auto message = s.sign_message();
  const auto reason = [&](std::string record) {
    const auto found = verify(
        message, [&](const std::string&, lookup_failure&) { return std::optional(record); }, now);
    return std::string(to_text(found.at(0).result)) + ": " + found.at(0).reason;
  };
  EXPECT_THAT(reason("v=DKIM1; k=ed25519; p="),
              HasSubstr("permerror: the key at s1._domainkey.example.com was revoked"));
  EXPECT_THAT(reason("v=DKIM1; k=ed25519; p=####"), HasSubstr("not base64"));
  EXPECT_THAT(reason("v=DKIM1; k=ed25519"), HasSubstr("has no key"));
  EXPECT_THAT(reason("v=DKIM2; p=AAAA"), HasSubstr("version"));
  EXPECT_THAT(reason("p=AAAA; v=DKIM1"), HasSubstr("version"));
  EXPECT_THAT(reason("v=DKIM1; h=sha1; p=AAAA"), HasSubstr("sha256"));
  EXPECT_THAT(reason("v=DKIM1; s=other; p=AAAA"), HasSubstr("email"));
  EXPECT_THAT(reason("="), HasSubstr("list of tags"));
  const auto temporary = verify(
      message,
      [](const std::string&, lookup_failure& why) {
        why = lookup_failure::temporary;
        return std::optional<std::string>();
      },
      now);
  EXPECT_EQ(to_text(temporary.at(0).result), "temperror");
}

TEST(verify, says_what_is_wrong_with_a_signature) {
  const auto reason = [](const std::string& value) {
    const auto found = verify(
        "DKIM-Signature: " + value + "\r\n\r\n",
        [](const std::string&, lookup_failure&) { return std::optional<std::string>(); }, now);
    return found.at(0).reason;
  };
  const std::string fine = "v=1; a=rsa-sha256; d=x.test; s=s; h=from; bh=AAAA; b=AAAA";
  EXPECT_THAT(reason(fine), HasSubstr("there is no key at s._domainkey.x.test"));
  EXPECT_THAT(reason(fine + "; i=@y.test"), HasSubstr("i="));
  EXPECT_THAT(reason(fine + "; i=@sub.x.test"), HasSubstr("there is no key"));
  EXPECT_THAT(reason(fine + "; i=@notx.test"), HasSubstr("i="));
  EXPECT_THAT(reason(fine + "; x=99999999999999999999"), HasSubstr("not a number"));
  EXPECT_THAT(reason(fine + "; x=5"), HasSubstr("expired"));
  EXPECT_THAT(reason(fine + "; c=odd"), HasSubstr("canonicalization"));
  EXPECT_THAT(reason(fine + "; d=again"), HasSubstr("list of tags"));
  EXPECT_THAT(reason(fine + "; q=http"), HasSubstr("q="));
  EXPECT_THAT(reason(replaced(fine, "h=from", "h=to")), HasSubstr("From"));
  EXPECT_THAT(reason(replaced(fine, "rsa-sha256", "rsa-sha1")), HasSubstr("rsa-sha1"));
  EXPECT_THAT(reason(replaced(fine, "v=1", "v=2")), HasSubstr("version"));
  EXPECT_THAT(reason("v=1"), HasSubstr("a= is missing"));
  EXPECT_THAT(reason(fine + ";; x=5"), HasSubstr("list of tags"));
  EXPECT_THAT(reason(fine + "; 1x=5"), HasSubstr("list of tags"));
  EXPECT_THAT(reason("garbage"), HasSubstr("list of tags"));
}

TEST(verify, reports_what_a_length_leaves_open) {
  const auto key = make_key(algorithm::ed25519_sha256);
  const std::string from = "From: a@x.test\r\n";
  body_hash hash(canonicalization::relaxed, 9);
  hash.update("Dear b,\r\nadded\r\n");
  const auto field =
      fmt::format("DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=x.test; s=s; h=from; l=9; bh={}; b=",
                  to_base64(hash.finish()));
  std::string text = "from:a@x.test\r\ndkim-signature:" + field.substr(field.find(' ') + 1);
  const auto check = [&](std::string_view sent) {
    return verify(
               field + to_base64(key.sign(text)) + "\r\n" + from + "\r\n" + std::string(sent),
               [&](const std::string&, lookup_failure&) { return std::optional(key.record()); }, now)
        .at(0);
  };
  const auto longer = check("Dear b,\r\nadded\r\n");
  EXPECT_EQ(to_text(longer.result), "pass") << longer.reason;
  EXPECT_EQ(longer.unsigned_body_bytes, 7u);
  const auto shorter = check("Dear\r\n");
  EXPECT_THAT(shorter.reason, HasSubstr("l= is more than"));
}

}  // namespace
}  // namespace gonets::dkim
