// Mailbox providers: named groups of sites, recognised by a recipient's domain or by its MX hosts, with the limits that
// are known of each. Pure data; what is made of the limits is the scheduler's.
#pragma once
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/text.h"

namespace gonets::shaping {

// What one sending address may do at one site of the provider; absent: nothing is said.
struct provider_limits {
  std::optional<std::uint32_t> connections;  // open at a time
  std::optional<std::uint32_t> new_connections_a_minute;
  std::optional<std::uint32_t> messages_a_second, messages_a_minute, messages_an_hour, messages_a_day;
  std::optional<std::uint32_t> messages_a_connection;
  std::optional<std::uint32_t> recipients_a_transaction;
  bool operator==(const provider_limits&) const = default;
};

struct provider {
  std::string name;                  // "google": what rules, events and commands call it
  std::string title;                 // "Google (Gmail, Workspace)"
  std::vector<std::string> mx;       // "google.com" means that host and every one below it
  std::vector<std::string> domains;  // recipients' domains, each itself alone
  provider_limits limits;
  std::optional<std::chrono::milliseconds> greylisting;  // how long it lasts, where a reply doesn't say
  bool operator==(const provider&) const = default;
};

// Look-ups cost a hash for each label of the name and allocate nothing. Case and dots at the end don't count, neither
// in what is looked up nor in what the providers were given with. Of two providers with the same suffix or domain, the
// first has it.
class provider_table {
 public:
  provider_table() = default;
  explicit provider_table(std::vector<provider> all);

  const std::vector<provider>& all() const { return all_; }
  const provider* find(std::string_view name) const;

  // By the recipient's domain as it stands in the address, in A-labels where it is international.
  const provider* find_domain(std::string_view domain) const;
  // By one MX host; the longest suffix wins.
  const provider* find_host(std::string_view host) const;
  // By all MX hosts of a domain: the provider that most of them belong to, those of nobody counted as one provider
  // more, so that a back-up host at a provider does not make the domain one of its own. Among equals, the one whose
  // host comes first. Null: none of ours.
  const provider* find_hosts(std::span<const std::string> hosts) const;
  // The domain first, since it is told by less; then its hosts.
  const provider* find(std::string_view domain, std::span<const std::string> hosts) const;

 private:
  using index = std::unordered_map<std::string, std::size_t, text_hash, std::equal_to<>>;

  const provider* at(const index& in, std::string_view key) const;

  std::vector<provider> all_;
  index by_name_, by_domain_, by_suffix_;
};

// A name as the table compares it: lower case, no dots at the end.
std::string canonical_name(std::string_view name);

}  // namespace gonets::shaping
