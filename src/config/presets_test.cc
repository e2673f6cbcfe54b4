#include "config/presets.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/routes.h"

namespace gonets::config {
namespace {

using testing::ElementsAre;

std::vector<std::string> errors_of(std::string_view text) {
  std::vector<std::string> texts;
  const auto result = parse_presets(text, "p.toml");
  if (result) return texts;
  for (const config_error& e : result.error())
    texts.push_back(to_text(e));
  return texts;
}

TEST(presets, that_are_shipped_are_in_order_and_have_the_six_mailboxes) {
  ASSERT_FALSE(shipped_presets().empty());
  for (const preset& p : shipped_presets()) {
    EXPECT_EQ(p.target.kind, route_kind::smtp) << p.name;
    EXPECT_TRUE(p.limits.connections) << p.name;
    EXPECT_NE(p.target.port, 25) << p.name << ": submission has ports of its own";
  }
  const auto limits = [](std::string_view name) {
    const auto* const p = find_preset(name);
    return p == nullptr ? shaping::provider_limits() : p->limits;
  };
  EXPECT_EQ(limits("mail.ru").messages_a_minute, 1u);
  EXPECT_EQ(limits("yandex").messages_a_day, 150u);
  EXPECT_EQ(limits("gmail").messages_a_day, 500u);
  EXPECT_EQ(limits("rambler").messages_an_hour, 200u);
  EXPECT_EQ(limits("ukr.net").messages_a_day, 250u);
  EXPECT_EQ(limits("meta.ua").messages_a_day, 200u);
  EXPECT_EQ(find_preset("nobody"), nullptr);
  for (const auto* name : {"gmail", "microsoft365", "yandex", "mail.ru"})
    EXPECT_TRUE(find_preset(name)->takes_tokens()) << name;
  EXPECT_FALSE(find_preset("sendgrid")->takes_tokens());
}

TEST(presets, tell_all_that_is_wrong) {
  EXPECT_THAT(
      errors_of(R"(
[[preset]]
name = "A"
title = "x"
to = "smtp://127.0.0.1:25"

[[preset]]
name = "b"
title = "x"
to = "smtps://b.example"
limit = {}

[[preset]]
name = "b"
to = "capture"
[preset.limits]
messages_a_day = -1

[other]
)"),
      ElementsAre(
          R"(p.toml:3:8: preset[1]: found "A", expected a name of a to z, 0 to 9, -, _ and .)",
          R"(p.toml:5:6: preset[1]: found "smtp://127.0.0.1:25", expected "smtp://host:port" or )"
          R"("smtps://host:port", with a host's name)",
          R"(p.toml:11:1: preset[2]: found an unknown key "limit"; did you mean "limits"?)",
          "p.toml:13:1: preset[3]: found no title, expected one line of text, at most 300 bytes",
          R"(p.toml:13:1: preset[3]: found "b" again, expected a preset's name that is used once)",
          R"(p.toml:15:6: preset[3]: found "capture", expected "smtp://host:port" or "smtps://host:port", with )"
          R"(a host's name)",
          "p.toml:17:18: preset[3]: found -1, expected a whole number from 1 to 100000000",
          "p.toml:19:2: other: found something else, expected [[preset]] tables alone"));
  EXPECT_EQ(errors_of("x = ").size(), 1u);
}

TEST(presets, are_outranked_by_the_route_and_the_login) {
  route r;
  r.preset = "yandex";
  const auto text_of = [&](const smarthost_login* login) {
    std::vector<std::string> all;
    for (const auto& s : limits_of(r, login))
      all.push_back(fmt::format("{} {} ({})", s.max, shaping::to_text(s.what), s.source));
    return all;
  };
  const auto preset_source = "rules/presets.toml: yandex";
  EXPECT_THAT(text_of(nullptr), ElementsAre(fmt::format("2 open connections ({})", preset_source),
                                            fmt::format("150 messages a day ({})", preset_source),
                                            fmt::format("1 recipients a transaction ({})", preset_source)));
  r.limits.messages_a_day = 400;
  r.limits.connections = 3;
  const smarthost_login login{.name = "x", .password = "x", .limits = {.messages_a_day = 10}};
  EXPECT_THAT(text_of(&login), ElementsAre("3 open connections ([[route]])", "10 messages a day ([[route.login]])",
                                           fmt::format("1 recipients a transaction ({})", preset_source)));
  r.preset.clear();
  EXPECT_THAT(text_of(nullptr), ElementsAre("3 open connections ([[route]])", "400 messages a day ([[route]])"));
}

}  // namespace
}  // namespace gonets::config
