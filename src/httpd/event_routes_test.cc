#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json.hpp>

#include "httpd/fake_control_test_support.h"
#include "httpd/router.h"

namespace gonets::httpd {
namespace {
namespace json = boost::json;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

event_page a_page() {
  return {.events = {{event_seq{12}, events::kind::delivered, R"({"seq":12})"},
                     {event_seq{15}, events::kind::bounced, R"({"seq":15})"}},
          .next = event_seq{15}};
}

class event_routes : public testing::Test {
 protected:
  // Status 0: not answered yet; the answer may come when this has returned.
  response ask(const request& asked) {
    const auto got = std::make_shared<response>(response{.status = 0});
    handle(asked, server_, [got](response r) { *got = std::move(r); });
    return *got;
  }
  response get(std::string target) { return ask({.target = std::move(target)}); }
  response get_with_key(const std::string& key, std::string target, std::string accept = "") {
    return ask({.target = std::move(target),
                .host = "localhost",
                .authorization = "Bearer " + key,
                .accept = std::move(accept),
                .over_tcp = true});
  }
  response stream(std::string target, std::string last_event_id = "") {
    return ask({.target = std::move(target), .accept = "text/event-stream", .last_event_id = std::move(last_event_id)});
  }
  // The next part; "(waits)" when there is none yet.
  static std::string part_of(const response& r) {
    const auto got = std::make_shared<std::string>("(waits)");
    r.parts->next([got](std::string part) { *got = std::move(part); });
    return *got;
  }

  fake_control server_;
  fake_event_source& log_ = server_.event_answers;
};

TEST_F(event_routes, page_by_cursor) {
  log_.pages = {a_page()};
  const auto got = get("/v1/events?after=11&max=5");
  EXPECT_EQ(got.status, 200u);
  EXPECT_EQ(got.body, R"({"events":[{"seq":12},{"seq":15}],"next":"15"})");
  EXPECT_EQ(log_.asked.at(0).after, event_seq{11});
  EXPECT_EQ(log_.asked.at(0).max, 5u);
  EXPECT_EQ(log_.asked.at(0).wait, 0ms);
}

TEST_F(event_routes, tell_what_the_reader_has_lost) {
  log_.pages = {event_page{.next = event_seq{9}, .lost = 4, .log_replaced = true}};
  EXPECT_EQ(get("/v1/events?after=2").body, R"({"events":[],"next":"9","lost":4,"log_replaced":true})");
}

TEST_F(event_routes, begin_with_the_oldest_or_from_now) {
  log_.pages = {a_page(), a_page()};
  get("/v1/events");
  get("/v1/events?after=latest");
  EXPECT_EQ(log_.asked.at(0).after, event_seq{0});
  EXPECT_EQ(log_.asked.at(1).after, std::nullopt);
}

TEST_F(event_routes, pass_the_filter_on) {
  log_.pages = {a_page()};
  get("/v1/events?kind=bounced,expired&stream=bulk&account=shop");
  const auto& asked = log_.asked.at(0);
  EXPECT_THAT(asked.kinds, ElementsAre(events::kind::bounced, events::kind::expired));
  EXPECT_THAT(asked.streams, ElementsAre("bulk"));
  EXPECT_EQ(asked.account, "shop");
}

TEST_F(event_routes, refuse_what_they_do_not_understand) {
  for (const auto* target :
       {"/v1/events?after=-1", "/v1/events?after=1x", "/v1/events?after=9223372036854775808", "/v1/events?wait=61",
        "/v1/events?kind=bounced,,expired", "/v1/events?kind=bouncd", "/v1/events?max=1001"}) {
    const auto got = get(target);
    EXPECT_EQ(got.status, 400u) << target;
  }
  EXPECT_THAT(get("/v1/events?kind=bouncd").body, HasSubstr(R"(did you mean \"bounced\"?)"));
  EXPECT_EQ(stream("/v1/events", "not-a-cursor").status, 400u);
  EXPECT_TRUE(log_.asked.empty());
}

TEST_F(event_routes, wait_in_a_place_of_their_own_and_give_it_back) {
  EXPECT_EQ(get("/v1/events?wait=30").status, 0u) << "not yet";
  EXPECT_EQ(log_.asked.at(0).wait, 30s);
  EXPECT_FALSE(log_.given.expired());
  log_.unanswered.at(0)(a_page());
  EXPECT_TRUE(log_.given.expired());
}

TEST_F(event_routes, refuse_to_wait_where_no_place_is_free) {
  log_.has_place = false;
  for (const auto& got : {get("/v1/events?wait=30"), stream("/v1/events")}) {
    EXPECT_EQ(got.status, 503u);
    EXPECT_EQ(got.fields.at(0).first, "Retry-After");
  }
  log_.pages = {a_page()};
  EXPECT_EQ(get("/v1/events").status, 200u) << "who does not wait needs none";
}

TEST_F(event_routes, show_a_key_its_accounts_own_events_alone) {
  server_.keys = {{"acme", {key_verdict::granted, "acme", true, false}}};
  log_.pages = {a_page()};
  EXPECT_EQ(get_with_key("acme", "/v1/events").status, 200u);
  EXPECT_EQ(log_.asked.at(0).account, "acme");
  EXPECT_EQ(get_with_key("acme", "/v1/events?account=other").status, 403u);
  get_with_key("acme", "/v1/events?wait=1");
  EXPECT_EQ(log_.place_for, "acme");
}

TEST_F(event_routes, stream_page_after_page_and_a_comment_where_there_is_nothing) {
  log_.pages = {a_page(), event_page{.next = event_seq{20}}, event_page{.next = event_seq{30}, .lost = 2}};
  const auto got = stream("/v1/events?after=3&kind=bounced");
  EXPECT_EQ(got.content_type, "text/event-stream");
  EXPECT_EQ(part_of(got), "retry: 2000\n\n");
  EXPECT_TRUE(log_.asked.empty()) << "nothing is read before the header is written";
  EXPECT_EQ(part_of(got),
            "id: 12\nevent: delivered\ndata: {\"seq\":12}\n\n"
            "id: 15\nevent: bounced\ndata: {\"seq\":15}\n\n");
  EXPECT_EQ(part_of(got), ": nothing new\nid: 20\n\n");
  EXPECT_EQ(part_of(got), "event: lost\ndata: {\"lost\":2}\n\n");
  EXPECT_EQ(part_of(got), "(waits)");
  std::vector<event_seq> cursors;
  for (const auto& asked : log_.asked)
    cursors.push_back(asked.after.value());
  EXPECT_THAT(cursors, ElementsAre(event_seq{3}, event_seq{15}, event_seq{20}, event_seq{30}));
  EXPECT_THAT(log_.asked.back().kinds, ElementsAre(events::kind::bounced));
}

TEST_F(event_routes, stream_on_from_where_the_client_says_that_it_was) {
  log_.pages = {a_page()};
  const auto got = stream("/v1/events?after=latest", "11");
  part_of(got);
  part_of(got);
  EXPECT_EQ(log_.asked.at(0).after, event_seq{11});
}

TEST_F(event_routes, end_the_stream_of_a_key_that_was_revoked_and_free_its_place) {
  server_.keys = {{"acme", {key_verdict::granted, "acme", true, false}}};
  log_.pages = {a_page(), a_page()};
  auto got = get_with_key("acme", "/v1/events", "text/event-stream");
  part_of(got);
  EXPECT_THAT(part_of(got), HasSubstr("id: 12"));
  server_.keys.clear();
  EXPECT_EQ(part_of(got), "");
  got.parts.reset();
  EXPECT_TRUE(log_.given.expired());
}

TEST_F(event_routes, end_the_stream_when_the_log_cannot_be_read) {
  log_.pages = {std::unexpected(error_response(503, "unavailable", "no disk"))};
  const auto got = stream("/v1/events");
  part_of(got);
  EXPECT_EQ(part_of(got), "");
}

}  // namespace
}  // namespace gonets::httpd
