#include "accounts/directory.h"

#include <algorithm>

#include "accounts/last_check.h"

namespace gonets::accounts {
namespace {

const std::vector<quota> no_quotas;

bool same_window(const quota& a, const quota& b) {
  return a.window == b.window && a.measure == b.measure && a.stream == b.stream;
}

std::vector<quota> merged(const std::vector<quota>& of_plan, const std::vector<quota>& own) {
  auto all = own;
  for (const auto& q : of_plan) {
    if (std::ranges::none_of(own, [&](const quota& o) { return same_window(o, q); })) all.push_back(q);
  }
  return all;
}

// Only a host below the domain is its owner's to name: what comes to it is taken away from whoever else may be there.
bool is_own_return_path(const sender_domain& d) {
  return d.return_path.size() > d.name.size() + 1 && d.return_path.ends_with("." + d.name);
}

// As the domain's last check found it; SPF there counts for each address that mail leaves from.
bool return_path_works(const sender_domain& d) {
  const auto results = results_of(d.last_check);
  const auto found = results.find({"return_path", d.return_path});
  if (found == results.end() || found->second != "ok") return false;
  return std::ranges::all_of(results,
                             [](const auto& r) { return r.first.first != "return_path_spf" || r.second == "ok"; });
}

}  // namespace

directory::directory(contents all) : all_(std::move(all)) {
  if (std::ranges::none_of(all_.accounts, [](const account& a) { return a.id == default_account; })) {
    account own;
    own.id = default_account;
    own.name = "default";
    own.policy = from_policy::off;
    all_.accounts.push_back(std::move(own));
  }
  for (const auto& p : all_.plans)
    plan_names_.emplace(p.name, &p);
  for (const auto& a : all_.accounts) {
    accounts_.emplace(a.id, &a);
    account_names_.emplace(a.name, &a);
    const auto* p = find_plan(a.plan);
    if (auto q = merged(p != nullptr ? p->quotas : no_quotas, a.quotas); !q.empty())
      quotas_.emplace(a.id, std::move(q));
  }
  for (const auto& c : all_.credentials) {
    credentials_.emplace(c.id, &c);
    logins_.emplace(c.login, &c);
    if (!c.certificate_sha256.empty()) certificates_.emplace(c.certificate_sha256, &c);
  }
  for (const auto& d : all_.domains) {
    domains_[d.name].push_back(&d);
    if (d.verified && is_own_return_path(d)) return_paths_[d.return_path] |= return_path_works(d);
  }
}

const account* directory::find(account_id id) const {
  const auto at = accounts_.find(id);
  return at == accounts_.end() ? nullptr : at->second;
}

const credential* directory::find(credential_id id) const {
  const auto at = credentials_.find(id);
  return at == credentials_.end() ? nullptr : at->second;
}

const account* directory::find_account(std::string_view name) const {
  const auto at = account_names_.find(name);
  return at == account_names_.end() ? nullptr : at->second;
}

const plan* directory::find_plan(std::string_view name) const {
  const auto at = plan_names_.find(name);
  return at == plan_names_.end() ? nullptr : at->second;
}

const credential* directory::find_login(std::string_view login) const {
  const auto at = logins_.find(login);
  return at == logins_.end() ? nullptr : at->second;
}

const credential* directory::find_certificate(std::string_view sha256) const {
  const auto at = certificates_.find(sha256);
  return at == certificates_.end() ? nullptr : at->second;
}

const sender_domain* directory::domain_for(account_id owner, std::string_view name) const {
  for (;;) {
    if (const auto at = domains_.find(name); at != domains_.end()) {
      for (const auto* d : at->second) {
        if (d->account == owner && d->verified) return d;
      }
    }
    const auto dot = name.find('.');
    if (dot == name.npos) return nullptr;
    name.remove_prefix(dot + 1);
  }
}

bool directory::is_return_path(std::string_view host) const {
  return return_paths_.contains(host);
}

std::string_view directory::return_path_for(account_id owner, std::string_view author_domain) const {
  const auto* const d = domain_for(owner, author_domain);
  if (d == nullptr) return {};
  const auto at = return_paths_.find(d->return_path);
  return at != return_paths_.end() && at->second ? at->first : std::string_view();
}

std::vector<const sender_domain*> directory::domains_named(std::string_view name) const {
  const auto at = domains_.find(name);
  return at == domains_.end() ? std::vector<const sender_domain*>{} : at->second;
}

const std::vector<quota>& directory::quotas_of(account_id id) const {
  const auto at = quotas_.find(id);
  return at == quotas_.end() ? no_quotas : at->second;
}

}  // namespace gonets::accounts
