// The signed messages of RFC 6376 A.2 and RFC 8463 A.3.
#include <gtest/gtest.h>

#include "dkim/body_hash.h"
#include "dkim/detail/selection.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "dkim/tag_list.h"
#include "dkim/verify.h"

namespace gonets::dkim {
namespace {

std::string with_crlf(std::string_view text) {
  std::string to;
  for (const char c : text) {
    if (c == '\n') to += '\r';
    to += c;
  }
  return to;
}

std::optional<std::string> record(const std::string& name, lookup_failure& why) {
  if (name == "brisbane._domainkey.example.com") {
    return "v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYt"
           "IxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhi"
           "tdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB";
  }
  if (name == "brisbane._domainkey.football.example.com")
    return "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
  if (name == "test._domainkey.football.example.com") {
    return "v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQi"
           "Y/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G"
           "+2kryOTIKT+l/K4w3QIDAQAB";
  }
  why = lookup_failure::not_found;
  return std::nullopt;
}

constexpr std::string_view dinner = R"(From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
)";

constexpr std::string_view rfc6376 = R"(DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
)";

constexpr std::string_view rfc8463 = R"(DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
)";

void expect_pass(const verification& v) {
  EXPECT_EQ(to_text(v.result), "pass") << v.reason;
}

TEST(rfc, of_rfc_6376_verifies) {
  const auto found = verify(with_crlf(std::string(rfc6376) + std::string(dinner)), record, wall_time{});
  ASSERT_EQ(found.size(), 1u);
  expect_pass(found[0]);
  EXPECT_EQ(found[0].identity, "joe@football.example.com");
}

TEST(rfc, of_rfc_8463_verifies_with_both_algorithms) {
  const auto found = verify(with_crlf(std::string(rfc8463) + std::string(dinner)), record, wall_time{});
  ASSERT_EQ(found.size(), 2u);
  expect_pass(found[0]);
  expect_pass(found[1]);
  EXPECT_EQ(found[0].algorithm, "ed25519-sha256");
}

// RFC 8463 A.2's secret key, as PKCS #8.
constexpr std::string_view ed25519_pem = R"(-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
)";

// Ed25519 is deterministic: signing the example's header gives the example's bytes.
TEST(rfc, of_rfc_8463_is_reproduced) {
  const auto key = private_key::from_pem(ed25519_pem);
  ASSERT_TRUE(key) << key.error();
  EXPECT_EQ(key->record(), "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");

  const auto header = with_crlf(rfc8463.substr(0, rfc8463.find("DKIM-Signature", 1)));
  std::string_view rest = header;
  message::field own;
  ASSERT_TRUE(message::take_field(rest, own));
  const auto wanted = parse_signature(own.value);
  ASSERT_TRUE(wanted) << wanted.error();

  const auto text = with_crlf(dinner);
  std::string_view body = text;
  std::vector<message::field> fields;
  for (message::field f; message::take_field(body, f);)
    fields.push_back(f);
  body_hash hash(wanted->body);
  hash.update(body.substr(2));
  EXPECT_EQ(hash.finish(), wanted->body_hash);

  std::string signed_text;
  detail::append_selected(signed_text, wanted->header, fields, wanted->fields);
  const auto bare = std::string(own.name) + ":" + without_signature_bytes(own.value);
  append_field(signed_text, wanted->header, std::string_view(bare).substr(0, own.name.size()),
               std::string_view(bare).substr(own.name.size() + 1));
  signed_text.resize(signed_text.size() - 2);
  EXPECT_EQ(to_base64(key->sign(signed_text)), to_base64(wanted->bytes));
}

TEST(rfc, with_one_byte_of_the_body_changed_fails) {
  auto text = with_crlf(std::string(rfc8463) + std::string(dinner));
  text[text.size() - 4] = '!';
  for (const auto& v : verify(text, record, wall_time{}))
    EXPECT_EQ(to_text(v.result), "fail") << v.reason;
}

}  // namespace
}  // namespace gonets::dkim
