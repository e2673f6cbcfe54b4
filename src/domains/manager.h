// What can be asked about sender domains, by the HTTP API and so by people. Implemented by `service`; tests pass their
// own.
#pragma once
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "accounts/model.h"
#include "accounts/registry.h"
#include "domain_check/records.h"

namespace gonets::domains {

struct domain_view {
  accounts::sender_domain domain;
  std::string account;                            // its name
  std::vector<domain_check::dns_record> records;  // what is to be published
};

struct which_domain {
  std::string account, name;
};

struct addition {
  which_domain which;
  std::optional<std::string> return_path;  // absent: bounce.NAME; empty: none
  std::optional<std::string> tracking;     // absent: click.NAME where the server has a tracking host; empty: none
};

struct key_import {
  std::string selector, pem;
  bool now = false;  // it signs at once, in place of the present key of its algorithm
};

using accounts::refusal;
using accounts::refusal_kind;
template <class T>
using on_result = std::move_only_function<void(std::expected<T, refusal>)>;

// Calls come on any shard; each is answered once, at once or later, on the shard that asked.
class manager {
 public:
  virtual ~manager() = default;
  virtual void list(std::string account, on_result<std::vector<domain_view>> done) = 0;  // empty: of all accounts
  virtual void show(which_domain which, on_result<domain_view> done) = 0;
  // With a key of each algorithm, pending.
  virtual void add(addition wanted, on_result<domain_view> done) = 0;
  // Looks everything up now. What is proved thereby takes effect: the domain is verified, pending keys become active.
  virtual void check(which_domain which, on_result<domain_view> done) = 0;
  // Verified when DNS has the proof, or with `force` because an operator says so.
  virtual void verify(which_domain which, bool force, on_result<domain_view> done) = 0;
  // Makes pending keys for those that sign; `now`: they, or those that are pending already, sign at once.
  virtual void rotate(which_domain which, bool now, on_result<domain_view> done) = 0;
  virtual void import_key(which_domain which, key_import key, on_result<domain_view> done) = 0;
  virtual void remove(which_domain which, on_result<std::monostate> done) = 0;
};

}  // namespace gonets::domains
