// All accounts at one moment: immutable, shared by all threads. Look-ups neither block nor allocate, so that they may
// be made at every command. `registry` makes a new one at each change, and swaps it in.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "accounts/model.h"

namespace gonets::accounts {

struct contents {
  std::vector<account> accounts;
  std::vector<plan> plans;
  std::vector<credential> credentials;  // not revoked
  std::vector<sender_domain> domains;
};

class directory {
 public:
  // Of the same name or login, the first counts. Account 0 is added where it is missing.
  explicit directory(contents all);

  // Pointers live as long as this.
  const account* find(account_id id) const;
  const account* find_account(std::string_view name) const;
  const plan* find_plan(std::string_view name) const;
  const credential* find(credential_id id) const;
  const credential* find_login(std::string_view login) const;
  const credential* find_certificate(std::string_view sha256) const;
  // The nearest domain of the account that `name` (lower case) is, or lies in, verified; null: none.
  const sender_domain* domain_for(account_id owner, std::string_view name) const;
  // Whether a verified domain has its bounces come to `host` (lower case).
  bool is_return_path(std::string_view host) const;
  // The host that return paths of mail by an author of that domain are at: that of the nearest domain of the account
  // whose last check found that it works, SPF included. Empty: none.
  std::string_view return_path_for(account_id owner, std::string_view author_domain) const;
  // Of any account, by its very name; verified or not.
  std::vector<const sender_domain*> domains_named(std::string_view name) const;
  const std::vector<quota>& quotas_of(account_id id) const;  // the plan's and its own, merged

  const contents& all() const { return all_; }

 private:
  template <class Value>
  using by_text = std::unordered_map<std::string_view, Value>;

  contents all_;
  std::unordered_map<account_id, const account*> accounts_;
  std::unordered_map<account_id, std::vector<quota>> quotas_;
  std::unordered_map<credential_id, const credential*> credentials_;
  by_text<const account*> account_names_;
  by_text<const plan*> plan_names_;
  by_text<const credential*> logins_, certificates_;
  by_text<std::vector<const sender_domain*>> domains_;       // by name
  std::unordered_map<std::string_view, bool> return_paths_;  // of verified domains; whether the last check liked it
};
using directory_ptr = std::shared_ptr<const directory>;

// Where the present directory is found. Implemented by `registry`; tests pass their own.
class directory_source {
 public:
  virtual ~directory_source() = default;
  virtual directory_ptr current() const = 0;  // never null; from any thread
  // False when the database could not be reached for so long that what is known can't be relied on: 454 4.7.0.
  virtual bool reliable() const = 0;
  // False while the database can't be reached: an unknown login may be a new one, and gets 454 4.7.0, not 535.
  virtual bool complete() const = 0;
};

}  // namespace gonets::accounts
