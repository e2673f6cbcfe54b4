// The internet as the simulation has it: domains, the sites that they are at, and what these do with mail. Made by
// seed.
#pragma once
#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shaping/modelled_provider_test_support.h"
#include "sim/loop.h"
#include "spool/lease.h"

namespace gonets::sim {

using shaping::testing::modelled_provider;
using shaping::testing::provider_shape;

// What a site does beside its limits.
struct manners {
  bool greylists = false;       // a message's first attempt gets 450, for five minutes
  double bad_addresses = 0;     // share of messages whose recipient there is none of
  double full_mailboxes = 0;    // share of attempts that are deferred for the recipient's sake
  milliseconds outage_from{0};  // no connection is made from then...
  milliseconds outage_for{0};
  milliseconds lookup{30};  // how long DNS takes for its domains
};

struct modelled_site {
  modelled_site(std::string host, provider_shape shape, manners how, std::uint64_t seed)
      : name(std::move(host)), limits(std::move(shape), seed), manner(how) {}

  std::string name;
  modelled_provider limits;
  manners manner;
  std::unordered_map<std::uint64_t, milliseconds> greylisted;  // by message: when it came first

  bool reachable(milliseconds now) const {
    return now < manner.outage_from || now >= manner.outage_from + manner.outage_for;
  }
  // What is counted at the end.
  std::uint64_t attempts = 0, accepted = 0, limited = 0;
};

class world final : public spool::directory {
 public:
  explicit world(loop& time) : time_(time) {}

  // Gives the number of the site; domains are numbered from 0, in order.
  std::uint32_t add_site(provider_shape shape, manners how, std::uint64_t seed);
  std::uint32_t add_domain(std::uint32_t site);
  std::size_t domains() const { return site_of_.size(); }
  modelled_site& site(const spool::destination& to);
  std::vector<std::unique_ptr<modelled_site>>& sites() { return sites_; }
  static std::string domain_name(std::uint32_t number) { return "d" + std::to_string(number) + ".test"; }

  spool::destination_ptr known(std::string_view domain) override;
  void find(std::string_view domain, handler done) override;

 private:
  struct place;
  spool::destination_ptr at(std::uint32_t domain);

  loop& time_;
  std::vector<std::unique_ptr<modelled_site>> sites_;
  std::vector<std::shared_ptr<const place>> places_;  // by site
  std::vector<std::uint32_t> site_of_;                // by domain
  std::vector<bool> looked_up_;                       // by domain
};

}  // namespace gonets::sim
