// Judges the replies that events tell of by two sets of rules, and says what would have gone differently. Pure.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"
#include "shaping/reply_rule.h"

namespace gonets::events {

// What a set of rules makes of a reply.
struct judgement {
  std::string rule;     // empty: none, its code decides
  std::string verdict;  // "slow_down to 50% for 30m"; without a rule "defer" or "fail"
  std::string about;    // "egress"; empty without a rule
  auto operator<=>(const judgement&) const = default;
};

class rule_replay {
 public:
  using rules_ptr = std::shared_ptr<const shaping::rules>;
  rule_replay(rules_ptr now, rules_ptr then) : now_(std::move(now)), then_(std::move(then)) {}

  // Events that tell of no peer's refusal are passed over.
  void add(const event& e);

  struct group {
    judgement now, then;
    std::uint64_t recipients = 0;
    event latest;  // with the one recipient that it is an example for
  };
  // Of differing judgements, most recipients first.
  std::vector<group> groups() const;

  std::uint64_t replies() const { return replies_; }  // by recipient
  std::uint64_t different() const { return different_; }
  std::uint64_t same_by_another_rule() const { return same_by_another_rule_; }
  std::uint64_t left_out() const { return left_out_; }  // of the different, those beyond groups_max

  static constexpr std::size_t groups_max = 500;  // a greylisting's time comes from the reply: there is no other bound

 private:
  rules_ptr now_, then_;
  std::map<std::pair<judgement, judgement>, group> groups_;
  std::uint64_t replies_ = 0, different_ = 0, same_by_another_rule_ = 0, left_out_ = 0;
};

// The mail hosts that a site's key names ("mx:a.example,b.example;tls=dane"); none where it is no such key.
std::vector<std::string> hosts_of_site(std::string_view site_key);

}  // namespace gonets::events
