#include "events/rule_replay.h"

#include <algorithm>

namespace gonets::events {
namespace {

std::string_view domain_of(std::string_view address) {
  const auto at = address.rfind('@');
  return at == std::string_view::npos ? std::string_view() : address.substr(at + 1);
}

judgement judge(const shaping::rules& by, const event& e, std::string_view domain,
                const std::vector<std::string>& hosts) {
  const auto found = by.judge(e.answer, e.at_stage, by.providers.find(domain, hosts));
  if (!found) return {"", e.answer.code >= 500 ? "fail" : "defer", ""};
  return {found->rule->name, to_text(found->what), std::string(to_text(found->what.about))};
}

}  // namespace

std::vector<std::string> hosts_of_site(std::string_view site_key) {
  constexpr std::string_view prefix = "mx:";
  if (!site_key.starts_with(prefix)) return {};
  site_key.remove_prefix(prefix.size());
  site_key = site_key.substr(0, site_key.find(';'));
  std::vector<std::string> hosts;
  while (!site_key.empty()) {
    const auto comma = std::min(site_key.find(','), site_key.size());
    hosts.emplace_back(site_key.substr(0, comma));
    site_key.remove_prefix(std::min(comma + 1, site_key.size()));
  }
  return hosts;
}

void rule_replay::add(const event& e) {
  if (!e.from_peer || e.answer.code < 400 || e.answer.code > 599) return;
  auto hosts = hosts_of_site(e.route);
  if (hosts.empty() && !e.remote_host.empty()) hosts.push_back(e.remote_host);
  for (const auto& to : e.recipients) {
    ++replies_;
    const auto domain = domain_of(to.address);
    auto now = judge(*now_, e, domain, hosts);
    auto then = judge(*then_, e, domain, hosts);
    if (now.verdict == then.verdict && (now.about == then.about || now.rule.empty() || then.rule.empty())) {
      if (now.rule != then.rule) ++same_by_another_rule_;
      continue;
    }
    ++different_;
    const auto key = std::pair(now, then);
    if (groups_.size() >= groups_max && !groups_.contains(key)) {
      ++left_out_;
      continue;
    }
    auto& g = groups_[key];
    ++g.recipients;
    g.latest = e;
    g.latest.recipients = {to};
  }
}

std::vector<rule_replay::group> rule_replay::groups() const {
  std::vector<group> all;
  for (const auto& [key, g] : groups_) {
    all.push_back(g);
    all.back().now = key.first;
    all.back().then = key.second;
  }
  std::ranges::stable_sort(all, std::greater<>{}, &group::recipients);
  return all;
}

}  // namespace gonets::events
