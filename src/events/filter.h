// Which events a reader wants. A value.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "events/event.h"

namespace gonets::events {

std::optional<kind> parse_kind(std::string_view word);  // "delivered"
std::vector<std::string_view> kind_words();
// Whether it is an account's: of its mail, its domains, its quotas, its refusals. All else is the server's own.
bool is_of_account(const event& e);

struct filter {
  // Of this account's messages and sender domains alone; nothing: of all, and the server's own.
  std::optional<account_id> account;
  std::vector<kind> kinds;           // empty: all
  std::vector<std::string> streams;  // empty: all; else only events that have one of them
  bool wants(const event& e) const;
  bool operator==(const filter&) const = default;
};

}  // namespace gonets::events
