// The service on a real log and database, with a receiver of the test's own.
#include "webhooks/service.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's

#include <boost/json.hpp>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <future>
#include <mutex>
#include <thread>

#include "events/detail/keys.h"
#include "runtime/shards.h"
#include "storage/sql_test_support.h"

namespace gonets::webhooks {
namespace {
using namespace std::chrono_literals;
using testing::ElementsAre;

struct asked {
  runtime::http_request request;
  runtime::http_client::handler done;

  std::string field(std::string_view name) const {
    for (const auto& [key, value] : request.headers)
      if (key == name) return value;
    return {};
  }
  std::vector<std::int64_t> numbers() const {
    std::vector<std::int64_t> all;
    const auto body = boost::json::parse(request.body);
    for (const auto& e : body.at("data").at("events").as_array())
      all.push_back(e.at("seq").as_int64());
    return all;
  }
  void answer(unsigned status) { done(runtime::http_answer{status, {}, "said"}); }
};

class receiver {
 public:
  void take(asked one) {
    const std::lock_guard lock(mutex_);
    all_.push_back(std::move(one));
    changed_.notify_all();
  }
  asked next() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !all_.empty(); });
    auto one = std::move(all_.front());
    all_.pop_front();
    return one;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<asked> all_;
};

class webhook_service : public testing::Test {
 protected:
  webhook_service() {
    std::string folder = std::filesystem::temp_directory_path() / "gonets-hooks-XXXXXX";
    folder_ = ::mkdtemp(folder.data());
    log_ = std::move(*storage::store::open({.path = folder_}));
  }
  ~webhook_service() override {
    service_.reset();
    log_.reset();
    std::filesystem::remove_all(folder_);
  }

  void start() {
    service_ = std::make_unique<service>(
        service_options{.retry = {{1h}, 72h}},
        service::environment{*log_, end_, hooks_, time_, 1,
                             [this](std::size_t, runtime::http_request request, const runtime::http_limits&,
                                    runtime::http_client::handler done) {
                               receiver_.take({std::move(request), std::move(done)});
                             },
                             [](account_id who) { return "account-" + std::to_string(who.value); }},
        1, counts_);
  }
  webhook add(std::optional<account_id> owner = std::nullopt) {
    webhook w;
    w.name = "hook-" + std::to_string(++added_);
    w.url = "https://hooks.test/";
    w.wanted.account = owner;
    return hooks_.add(std::move(w), event_seq{0}).value();
  }
  // Of the accounts 0 and 1 in turn.
  void put(std::uint64_t from, std::uint64_t to) {
    storage::batch b;
    for (auto seq = from; seq <= to; ++seq) {
      events::event e;
      e.message = message_id{seq};
      e.account = account_id{static_cast<std::uint32_t>(seq % 2)};
      std::string record;
      encode(e, record);
      b.put(storage::family::events, events::detail::key_of(seq), record);
    }
    ASSERT_TRUE(log_->write(b, storage::durability::buffered));
    end_.advance(event_seq{to});
  }
  row kept() { return hooks_.all()->all.at(0); }

  std::string folder_;
  std::unique_ptr<storage::store> log_;
  events::log_end end_;
  storage::temporary_database database_{storage::engine::sqlite};
  storage::sql_database sql_{{.url = database_.url()}};
  table hooks_{sql_, accounts::seal({}), 0};
  runtime::system_clock time_;
  metrics::registry counts_;
  receiver receiver_;
  int added_ = 0;
  std::unique_ptr<service> service_;
};

TEST_F(webhook_service, sends_what_is_wanted_in_order_and_keeps_how_far_it_came) {
  const auto hook = add(account_id{1});
  start();
  put(1, 4);
  auto first = receiver_.next();
  EXPECT_THAT(first.numbers(), ElementsAre(1, 3));
  EXPECT_EQ(first.request.url, "https://hooks.test/");
  EXPECT_TRUE(first.field("webhook-signature").starts_with("v1,"));
  first.answer(204);
  put(5, 5);
  auto second = receiver_.next();
  EXPECT_THAT(second.numbers(), ElementsAre(5));
  EXPECT_NE(second.field("webhook-id"), first.field("webhook-id"));
  second.answer(200);
  while (service_->standings().at(0).cursor != event_seq{5})
    std::this_thread::yield();
  EXPECT_EQ(service_->recent(hook.id).size(), 2u);
  service_->stop();
  EXPECT_EQ(kept().at->cursor, event_seq{5});
}

TEST_F(webhook_service, sends_the_same_again_until_it_is_acknowledged) {
  const auto hook = add();
  start();
  put(1, 2);
  auto first = receiver_.next();
  first.answer(500);
  while (service_->standings().at(0).failures == 0)
    std::this_thread::yield();
  const auto attempts = service_->recent(hook.id);
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].error, "answered 500");
  EXPECT_EQ(attempts[0].answer, "said");
  service_->resume(hook.id);  // else an hour later
  auto second = receiver_.next();
  EXPECT_EQ(second.field("webhook-id"), first.field("webhook-id"));
  EXPECT_EQ(second.request.body, first.request.body);
}

TEST_F(webhook_service, pauses_one_whose_receiver_is_gone_and_resumes_it) {
  const auto hook = add();
  start();
  put(1, 1);
  receiver_.next().answer(410);
  while (kept().hook.is == state::active)
    std::this_thread::yield();
  EXPECT_THAT(kept().hook.reason, testing::HasSubstr("410"));
  ASSERT_TRUE(hooks_.set_state(hook.id, state::active, ""));
  service_->look_again();
  EXPECT_THAT(receiver_.next().numbers(), ElementsAre(1));
}

TEST_F(webhook_service, begins_again_where_it_is_told_to_and_forgets_what_is_under_way) {
  const auto hook = add();
  start();
  put(1, 3);
  auto old = receiver_.next();
  ASSERT_TRUE(hooks_.move_cursor(hook.id, event_seq{1}));
  service_->look_again();
  auto fresh = receiver_.next();
  EXPECT_THAT(fresh.numbers(), ElementsAre(2, 3));
  old.answer(204);
  EXPECT_EQ(service_->standings().at(0).cursor, event_seq{1}) << "the answer was to what no longer counts";
}

TEST_F(webhook_service, sends_again_after_a_start_what_was_not_answered) {
  add();
  start();
  put(1, 2);
  EXPECT_THAT(receiver_.next().numbers(), ElementsAre(1, 2));
  service_->stop();
  start();
  EXPECT_THAT(receiver_.next().numbers(), ElementsAre(1, 2));
}

TEST_F(webhook_service, tries_one_out) {
  const auto hook = add();
  start();
  std::promise<std::optional<attempt>> tried;
  service_->try_out(hook.id, [&](std::optional<attempt> a) { tried.set_value(std::move(a)); });
  auto request = receiver_.next();
  EXPECT_EQ(boost::json::parse(request.request.body).at("type").as_string(), "test");
  request.answer(302);
  const auto a = tried.get_future().get();
  ASSERT_TRUE(a);
  EXPECT_EQ(a->error, "answered 302, and redirects are not followed");
  std::promise<bool> found;
  service_->try_out(webhook_id{99}, [&](const std::optional<attempt>& none) { found.set_value(none.has_value()); });
  EXPECT_FALSE(found.get_future().get());
}

}  // namespace
}  // namespace gonets::webhooks
