#include "shaping/provider.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace gonets::shaping {
namespace {

constexpr std::size_t name_bytes_max = 255;  // RFC 1035 2.3.4; a longer one is no host's

std::string_view without_dots_at_end(std::string_view name) {
  while (name.ends_with('.'))
    name.remove_suffix(1);
  return name;
}

// A lower-case copy on the stack, for look-ups; empty when the name is too long to be one.
class lower_name {
 public:
  explicit lower_name(std::string_view name) {
    name = without_dots_at_end(name);
    if (name.size() > bytes_.size()) return;
    size_ = name.size();
    std::transform(name.begin(), name.end(), bytes_.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
  }
  std::string_view text() const { return {bytes_.data(), size_}; }

 private:
  std::array<char, name_bytes_max> bytes_;
  std::size_t size_ = 0;
};

}  // namespace

std::string canonical_name(std::string_view name) {
  return to_lower(without_dots_at_end(name));
}

provider_table::provider_table(std::vector<provider> all) : all_(std::move(all)) {
  for (std::size_t i = 0; i < all_.size(); ++i) {
    by_name_.try_emplace(all_[i].name, i);
    for (const std::string& domain : all_[i].domains)
      by_domain_.try_emplace(canonical_name(domain), i);
    for (const std::string& suffix : all_[i].mx)
      by_suffix_.try_emplace(canonical_name(suffix), i);
  }
}

const provider* provider_table::at(const index& in, std::string_view key) const {
  const auto found = in.find(key);
  return found == in.end() ? nullptr : &all_[found->second];
}

const provider* provider_table::find(std::string_view name) const {
  return at(by_name_, name);
}

const provider* provider_table::find_domain(std::string_view domain) const {
  return at(by_domain_, lower_name(domain).text());
}

const provider* provider_table::find_host(std::string_view host) const {
  const lower_name lower(host);
  for (std::string_view rest = lower.text(); !rest.empty();) {
    if (const provider* found = at(by_suffix_, rest)) return found;
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  return nullptr;
}

// A domain has a handful of hosts: counted in place, the square of them is less than a table.
const provider* provider_table::find_hosts(std::span<const std::string> hosts) const {
  constexpr std::size_t hosts_max = 16;
  std::array<const provider*, hosts_max> of;
  const std::size_t n = std::min(hosts.size(), hosts_max);
  for (std::size_t i = 0; i < n; ++i)
    of[i] = find_host(hosts[i]);
  const provider* best = nullptr;
  std::ptrdiff_t most = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const auto votes = std::count(of.begin(), of.begin() + static_cast<std::ptrdiff_t>(n), of[i]);
    if (votes <= most) continue;
    most = votes;
    best = of[i];
  }
  return best;
}

const provider* provider_table::find(std::string_view domain, std::span<const std::string> hosts) const {
  const provider* found = find_domain(domain);
  return found != nullptr ? found : find_hosts(hosts);
}

}  // namespace gonets::shaping
