// A look at the flow of mail, for who watches it.
#include <map>

#include "scheduler/scheduler.h"

namespace gonets::scheduler {
namespace {

// To count a long queue takes a while, in which nothing is sent: it is not done more often than this share of the time.
constexpr int counting_share = 50;

}  // namespace

void scheduler::note_flow(const entry& e, events::kind how, wall_time now) {
  const auto* s = e.at;
  flows_.note(s == nullptr ? spool::without_mark(entries_.domains.name(e.domain)) : std::string_view(s->to->site_key),
              s == nullptr || s->provider == nullptr ? std::string_view() : std::string_view(s->provider->name),
              s == nullptr ? std::string_view() : s->to->egress(), e.account, how, now.time_since_epoch().count());
}

// As of the last count; sums by site and account.
void scheduler::count_queue() {
  const auto now = env_.time.steady();
  if (now < next_count_) return;
  std::unordered_map<const site*, flow_line> by_site;
  std::map<std::string, flow_line> by_domain;
  std::unordered_map<account_id, flow_line> by_account;
  for (handle h = 0; h < entries_.slots(); ++h) {
    const auto& e = entries_[h];
    if (e.state == entry_state::free) continue;
    by_account[e.account].add(e);
    if (e.at != nullptr) {
      by_site[e.at].add(e);
    } else {
      by_domain[std::string(spool::without_mark(entries_.domains.name(e.domain)))].add(e);
    }
  }
  counted_ = {};
  for (auto& [at, line] : by_site) {
    line.site = at->to->site_key;
    line.egress = at->to->egress();
    if (at->provider != nullptr) line.provider = at->provider->name;
    counted_.sites.push_back(std::move(line));
  }
  for (auto& [domain, line] : by_domain) {
    line.site = domain;
    if (const auto* of = with_.rules->providers.find_domain(domain)) line.provider = of->name;
    counted_.sites.push_back(std::move(line));
  }
  for (auto& [account, line] : by_account) {
    line.account = account;
    counted_.accounts.push_back(std::move(line));
  }
  const auto after = env_.time.steady();
  next_count_ = after + counting_share * (after - now);
}

flow_view scheduler::flow() {
  count_queue();
  auto view = counted_;
  std::unordered_map<std::string_view, flow_line*> by_name;
  view.sites.reserve(view.sites.size() + flows_.sites().size() + site_numbers_.size());
  for (auto& line : view.sites)
    by_name.emplace(line.site, &line);
  const auto line_of = [&](const std::string& site) -> flow_line& {
    if (const auto at = by_name.find(site); at != by_name.end()) return *at->second;
    auto& line = view.sites.emplace_back();
    line.site = site;
    by_name.emplace(line.site, &line);
    return line;
  };
  for (const auto& [name, flowing] : flows_.sites()) {
    auto& line = line_of(name);
    line.provider = flowing.provider;
    line.egress = flowing.egress;
    line.counts = flowing.counts;
  }
  for (const auto& s : sites_) {
    if (!s || s->connections == 0) continue;
    auto& line = line_of(s->to->site_key);
    line.connections = s->connections;
    if (line.egress.empty()) line.egress = s->to->egress();
    if (line.provider.empty() && s->provider != nullptr) line.provider = s->provider->name;
  }
  std::unordered_map<account_id, std::size_t> accounts;
  for (std::size_t i = 0; i < view.accounts.size(); ++i)
    accounts.emplace(view.accounts[i].account, i);
  for (const auto& [account, counts] : flows_.accounts()) {
    const auto [at, is_new] = accounts.try_emplace(account, view.accounts.size());
    if (is_new) view.accounts.emplace_back().account = account;
    view.accounts[at->second].counts = counts;
  }
  return view;
}

}  // namespace gonets::scheduler
