// What stands in the journal in place of an address, for accounts that want addresses for some days only: a hash keyed
// by account, so that who has the file learns no address from it by trying, and who asks for one still finds it. Pure.
//
//   hashed := "(" hex:32 ")@" hex:16     HMAC-SHA-256 of the address and of its domain, cut; no address begins so
#pragma once
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/ids.h"

namespace gonets::journal {

// Both may be called from any thread, at any time.
struct privacy {
  // The accounts whose addresses are hashed, and after how many days.
  std::function<std::map<account_id, std::chrono::days>()> hash_after;
  std::function<std::string(account_id)> key_of;  // for ever the same, and known to nobody who has the files alone
};

class address_hash {
 public:
  explicit address_hash(std::string key) : key_(std::move(key)) {}
  std::string of(std::string_view address) const;  // ASCII case does not count
  std::string of_domain(std::string_view domain) const;

 private:
  std::string key_;
};

bool is_hashed(std::string_view stored);
// "(hashed 0123456789ab)": enough to tell one recipient from another.
std::string shown(std::string_view hashed);

// Of "550 5.1.1 <ann@example.com> is unknown" the part that names nobody: "550 5.1.1".
std::string codes_of(std::string_view reply);
// A reverse-path that may tell its recipient, as in "news=ann=example.com@shop.example", without its local part:
// "@shop.example".
std::string without_recipient(std::string_view sender);

}  // namespace gonets::journal
