// Look-ups and failing fetches; fetches that succeed need certificates: tests/test_mta_sts.py.
#include "mta_sts/source.h"

#include <gtest/gtest.h>

#include <future>

#include "runtime/resolver_test_support.h"
#include "runtime/shards_test_support.h"

namespace gonets::mta_sts {
namespace {

using namespace std::chrono_literals;

struct fixed_clock final : clock {
  wall_time now{std::chrono::milliseconds(1'800'000'000'000)};
  wall_time wall() const override { return now; }
  steady_time steady() const override { return {}; }
};

struct failures final : delivery::tls_observer {
  std::vector<std::string> told;
  void observe(const delivery::tls_session_report& r) override {
    told.push_back(std::string(r.recipient_domain) + ' ' + std::string(tls_policy::to_text(r.result)));
  }
};

kept_policy enforced(std::string domain, std::string id, wall_time fetched) {
  auto p = std::make_shared<tls_policy::sts_policy>();
  p->mode = tls_policy::sts_mode::enforce;
  p->max_age = 24h;
  p->id = std::move(id);
  return {std::move(domain), std::move(p), fetched};
}

// Every fetch fails: the client trusts nobody, and speaks no https.
class sts_source_test : public ::testing::Test {
 protected:
  void SetUp() override { shards_.start(); }
  void TearDown() override {
    on_shard([this] { source_.reset(); });
  }

  template <class Work>
  void on_shard(Work work) {
    runtime::run_on(shards_, 0, std::move(work));
  }
  // What find() tells, and whether it was at once.
  struct answer {
    delivery::sts_policy_ptr policy;
    bool at_once = false;
  };
  answer find(const std::string& domain) {
    std::promise<answer> told;
    shards_.post(0, [&] {
      auto returned = std::make_shared<bool>(false);
      source_->find(domain, [&told, returned](delivery::sts_policy_ptr p) { told.set_value({p, !*returned}); });
      *returned = true;
      dns_.run();
    });
    return told.get_future().get();
  }

  runtime::scripted_resolver dns_;
  runtime::shards shards_{1};
  runtime::http_client http_{shards_, 0, dns_, {}};
  fixed_clock time_;
  failures failures_;
  metrics::registry counts_;
  cache known_;
  std::unique_ptr<source> source_ = std::make_unique<source>(source_options{}, known_, dns_, http_, failures_, time_,
                                                             counts_, [](const kept_policy&) {});
};

TEST_F(sts_source_test, looks_a_domain_up_once_and_then_knows_that_it_has_no_policy) {
  const auto first = find("a.test");
  EXPECT_EQ(first.policy, nullptr);
  EXPECT_FALSE(first.at_once);
  const auto second = find("a.test");
  EXPECT_EQ(second.policy, nullptr);
  EXPECT_TRUE(second.at_once);
  EXPECT_EQ(dns_.asked, std::vector<std::string>{"TXT _mta-sts.a.test"});
  EXPECT_TRUE(failures_.told.empty());
}

TEST_F(sts_source_test, lets_mail_go_when_a_policy_that_is_announced_cannot_be_had) {
  dns_.set_txt("_mta-sts.a.test", {"v=STSv1; id=1;"});
  EXPECT_EQ(find("a.test").policy, nullptr);
  EXPECT_EQ(failures_.told, std::vector<std::string>{"a.test sts-policy-fetch-error"});
  EXPECT_TRUE(find("a.test").at_once) << "the failure is remembered";
  time_.now += fetch_again;
  EXPECT_FALSE(find("a.test").at_once);
  EXPECT_EQ(failures_.told.size(), 2u);
}

TEST_F(sts_source_test, keeps_the_policy_in_force_when_its_record_is_gone_or_its_host_is_down) {
  known_.put(enforced("gone.test", "1", time_.now), time_.now);
  known_.put(enforced("down.test", "1", time_.now), time_.now);
  dns_.set_txt("_mta-sts.down.test", {"v=STSv1; id=2;"});
  for (const auto* domain : {"gone.test", "down.test"}) {
    const auto first = find(domain);
    EXPECT_TRUE(first.at_once) << "looked up again in the background";
    ASSERT_NE(first.policy, nullptr);
    on_shard([] {});  // the fetch has failed
    EXPECT_NE(find(domain).policy, nullptr);
  }
  EXPECT_EQ(failures_.told, std::vector<std::string>{"down.test sts-policy-fetch-error"});
}

TEST_F(sts_source_test, does_not_fetch_a_policy_whose_id_is_known) {
  known_.put(enforced("a.test", "1", time_.now), time_.now);
  dns_.set_txt("_mta-sts.a.test", {"v=STSv1; id=1;"});
  EXPECT_NE(find("a.test").policy, nullptr);
  on_shard([] {});
  EXPECT_TRUE(failures_.told.empty());
}

TEST_F(sts_source_test, fetches_it_all_the_same_when_it_is_to_be_refreshed) {
  known_.put(enforced("a.test", "1", time_.now), time_.now + 1h);
  dns_.set_txt("_mta-sts.a.test", {"v=STSv1; id=1;"});
  std::promise<void> done;
  shards_.post(0, [&] {
    source_->refresh("a.test", [&] { done.set_value(); });
    dns_.run();
  });
  done.get_future().wait();
  EXPECT_EQ(failures_.told.size(), 1u);
  EXPECT_NE(find("a.test").policy, nullptr);
}

TEST_F(sts_source_test, asks_nobody_when_it_is_switched_off) {
  on_shard([this] { source_->reconfigure({.enabled = false}); });
  known_.put(enforced("a.test", "1", time_.now), time_.now + 1h);
  EXPECT_EQ(find("a.test").policy, nullptr);
  EXPECT_TRUE(dns_.asked.empty());
}

}  // namespace
}  // namespace gonets::mta_sts
