#include "domains/verdict.h"

#include <gmock/gmock.h>

namespace gonets::domains {
namespace {

using domain_check::report;
using domain_check::status;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr wall_time now{std::chrono::seconds(1'700'000'000)};

report with(status s, const std::string& about = "") {
  report r;
  r.findings.push_back({"spf_record", about, s, "the text", "the advice"});
  return r;
}

TEST(verdict, says_what_was_ok_and_is_not) {
  const auto before = to_json(with(status::ok), now, "");
  EXPECT_THAT(regressions(before, with(status::failed)), ElementsAre("spf_record: the text"));
  EXPECT_THAT(regressions(before, with(status::warning)), ElementsAre("spf_record: the text"));
  EXPECT_THAT(regressions(before, with(status::unknown)), IsEmpty());
  EXPECT_THAT(regressions(before, with(status::ok)), IsEmpty());
  EXPECT_THAT(regressions(before, with(status::failed, "another")), IsEmpty());
}

TEST(verdict, tells_of_a_regression_once) {
  const auto before = to_json(with(status::failed), now, to_json(with(status::ok), now, ""));
  EXPECT_THAT(regressions(before, with(status::failed)), IsEmpty());
}

TEST(verdict, remembers_over_a_check_without_dns) {
  const auto fine = to_json(with(status::ok), now, "");
  const auto unknown = to_json(with(status::unknown), now, fine);
  const auto still_unknown = to_json(with(status::unknown), now, unknown);
  EXPECT_THAT(still_unknown, HasSubstr(R"("before":"ok")"));
  EXPECT_THAT(regressions(still_unknown, with(status::failed)), ElementsAre("spf_record: the text"));
}

TEST(verdict, takes_anything_for_the_verdict_before) {
  for (const auto* before : {"", "null", "[]", "{", R"({"findings":7})", R"({"findings":[1,{"check":2}]})"}) {
    EXPECT_THAT(regressions(before, with(status::failed)), IsEmpty()) << before;
    EXPECT_THAT(to_json(with(status::unknown), now, before), HasSubstr("\"unknown\""));
  }
}

TEST(verdict, is_json_with_the_time_of_the_check) {
  EXPECT_EQ(to_json(with(status::failed, "s1"), now, ""),
            R"({"at":"2023-11-14T22:13:20.000Z","good":false,"owned":false,"findings":[{"check":"spf_record",)"
            R"("result":"failed","text":"the text","about":"s1","advice":"the advice"}],"providers":[]})");
}

}  // namespace
}  // namespace gonets::domains
