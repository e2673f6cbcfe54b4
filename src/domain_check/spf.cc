#include "domain_check/spf.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "base/network.h"
#include "base/text.h"

namespace gonets::domain_check {
namespace {

using detail::spf_term;

constexpr unsigned depth_max = 10;
constexpr std::size_t mx_hosts_max = 10;  // RFC 7208 4.6.4
constexpr std::size_t ptr_names_max = 10;
constexpr unsigned count_max = 100;  // beyond this it does not matter by how much

struct stop {
  spf_result result;
  std::string reason;
};

bool in_prefix(const address_bytes& address, std::string_view base, unsigned prefix4, unsigned prefix6) {
  const auto other = parse_address(base);
  if (!other || is_ipv4(*other) != is_ipv4(address)) return false;
  const unsigned bits = is_ipv4(address) ? 96 + prefix4 : prefix6;
  for (unsigned i = 0; i < bits; ++i) {
    const auto mask = static_cast<std::uint8_t>(0x80 >> (i % 8));
    if ((address[i / 8] & mask) != ((*other)[i / 8] & mask)) return false;
  }
  return true;
}

bool is_or_below(std::string_view name, std::string_view domain) {
  return name == domain ||
         (name.size() > domain.size() && name.ends_with(domain) && name[name.size() - domain.size() - 1] == '.');
}

// One evaluation; an error anywhere ends it, by the exception `stop`, which never leaves this file.
class evaluation {
 public:
  evaluation(facts& dns, std::string_view address, std::string_view sender, std::string_view helo)
      : dns_(dns), address_text_(address), address_(*parse_address(address)), sender_(sender), helo_(helo) {}

  spf_outcome check_host(const std::string& domain, unsigned depth);

 private:
  const answer& look_up(record_type type, std::string_view name);
  void count(const spf_term& term);
  std::string target(const spf_term& term, const std::string& domain) const;
  bool matches(const spf_term& term, const std::string& domain, unsigned depth);
  bool any_address(std::string_view name, const spf_term& term);
  bool matches_mx(const std::string& name, const spf_term& term);
  bool matches_ptr(const std::string& name);
  bool included(const std::string& name, unsigned depth);

  facts& dns_;
  std::string_view address_text_;
  address_bytes address_;
  std::string_view sender_, helo_;
  unsigned lookups_ = 0, voids_ = 0;
};

const answer& evaluation::look_up(record_type type, std::string_view name) {
  const auto& found = dns_.ask(type, name);
  if (found.status == answer_status::failed)
    throw stop{spf_result::temperror, fmt::format("{} of {} could not be looked up", to_text(type), name)};
  if (found.status == answer_status::nothing && ++voids_ > spf_void_lookups_max)
    throw stop{spf_result::permerror, fmt::format("more than {} look-ups find nothing", spf_void_lookups_max)};
  return found;
}

void evaluation::count(const spf_term& term) {
  if (++lookups_ > spf_lookups_max)
    throw stop{spf_result::permerror,
               fmt::format("\"{}\" is the 11th look-up; {} are allowed", term.name, spf_lookups_max)};
}

std::string evaluation::target(const spf_term& term, const std::string& domain) const {
  if (term.value.empty()) return domain;
  std::string name;
  if (!detail::expand_spf(term.value, {sender_, domain, address_text_, helo_}, name))
    throw stop{spf_result::permerror, fmt::format("\"{}\" has a macro that is none", term.value)};
  return to_lower(name);
}

bool evaluation::any_address(std::string_view name, const spf_term& term) {
  const auto& found = look_up(is_ipv4(address_) ? record_type::a : record_type::aaaa, name);
  return std::ranges::any_of(found.values,
                             [&](const auto& a) { return in_prefix(address_, a, term.prefix4, term.prefix6); });
}

bool evaluation::matches_mx(const std::string& name, const spf_term& term) {
  const auto& hosts = look_up(record_type::mx, name);
  if (hosts.values.size() > mx_hosts_max)
    throw stop{spf_result::permerror, fmt::format("mx: {} has more than {} hosts", name, mx_hosts_max)};
  return std::ranges::any_of(hosts.values, [&](const auto& host) { return any_address(host, term); });
}

bool evaluation::matches_ptr(const std::string& name) {
  const auto& names = dns_.ask(record_type::ptr, detail::reverse_name(address_text_));
  for (std::size_t i = 0; i < names.values.size() && i < ptr_names_max; ++i) {
    if (!is_or_below(names.values[i], name)) continue;
    const auto& back = dns_.ask(is_ipv4(address_) ? record_type::a : record_type::aaaa, names.values[i]);
    if (std::ranges::any_of(back.values, [&](const auto& a) { return in_prefix(address_, a, 32, 128); })) return true;
  }
  return false;
}

bool evaluation::included(const std::string& name, unsigned depth) {
  const auto inner = check_host(name, depth + 1);
  if (inner.result == spf_result::none)
    throw stop{spf_result::permerror, fmt::format("include: {} has no SPF record", name)};
  return inner.result == spf_result::pass;
}

bool evaluation::matches(const spf_term& term, const std::string& domain, unsigned depth) {
  if (term.name == "all") return true;
  if (term.name == "ip4" || term.name == "ip6") {
    const auto slash = term.value.find('/');
    const auto bits = slash == term.value.npos ? 128u : static_cast<unsigned>(std::stoul(term.value.substr(slash + 1)));
    return in_prefix(address_, term.value.substr(0, slash), std::min(bits, 32u), bits);
  }
  count(term);
  const auto name = target(term, domain);
  if (term.name == "include") return included(name, depth);
  if (term.name == "a") return any_address(name, term);
  if (term.name == "mx") return matches_mx(name, term);
  if (term.name == "ptr") return matches_ptr(name);
  return look_up(record_type::a, name).status == answer_status::ok;  // exists
}

spf_outcome evaluation::check_host(const std::string& domain, unsigned depth) {
  if (depth > depth_max) throw stop{spf_result::permerror, "includes are nested too deeply"};
  const auto& txt = dns_.ask(record_type::txt, domain);
  if (txt.status == answer_status::failed)
    throw stop{spf_result::temperror, fmt::format("TXT of {} could not be looked up", domain)};
  const auto records = spf_records(txt);
  if (records.empty()) return {spf_result::none, fmt::format("{} has no SPF record", domain)};
  if (records.size() > 1)
    throw stop{spf_result::permerror, fmt::format("{} has {} SPF records", domain, records.size())};
  std::vector<spf_term> terms;
  std::string wrong;
  if (!detail::parse_spf(records.front(), terms, wrong))
    throw stop{spf_result::permerror, fmt::format("\"{}\" at {} is no SPF term", wrong, domain)};
  for (const auto& term : terms) {
    if (term.modifier || !matches(term, domain, depth)) continue;
    const auto result = term.qualifier == '+'   ? spf_result::pass
                        : term.qualifier == '-' ? spf_result::fail
                        : term.qualifier == '~' ? spf_result::softfail
                                                : spf_result::neutral;
    return {result, fmt::format("{}{}{}", term.name, term.value.empty() ? "" : ":", term.value)};
  }
  const auto next = std::ranges::find_if(terms, [](const auto& t) { return t.modifier && t.name == "redirect"; });
  if (next == terms.end()) return {spf_result::neutral, "nothing matched"};
  count(*next);
  const auto name = target(*next, domain);
  auto inner = check_host(name, depth + 1);
  if (inner.result == spf_result::none)
    throw stop{spf_result::permerror, fmt::format("redirect: {} has no SPF record", name)};
  return inner;
}

void count_at(facts& dns, const std::string& domain, unsigned depth, spf_cost& cost) {
  const auto records = spf_records(dns.ask(record_type::txt, domain));
  if (records.size() != 1 || depth > depth_max) return;
  std::vector<spf_term> terms;
  std::string wrong;
  detail::parse_spf(records.front(), terms, wrong);
  const bool has_all = std::ranges::any_of(terms, [](const auto& t) { return !t.modifier && t.name == "all"; });
  const auto probe = [&](record_type type, const std::string& name) {
    if (dns.ask(type, name).status == answer_status::nothing) cost.void_names.push_back(name);
  };
  for (const auto& term : terms) {
    const bool redirect = term.modifier && term.name == "redirect" && !has_all;
    const bool free = term.modifier || term.name == "all" || term.name == "ip4" || term.name == "ip6";
    if ((free && !redirect) || cost.lookups >= count_max) continue;
    ++cost.lookups;
    if (term.value.find('%') != term.value.npos) continue;  // depends on the message
    const auto name = term.value.empty() ? domain : to_lower(term.value);
    if (redirect || term.name == "include") {
      count_at(dns, name, depth + 1, cost);
    } else if (term.name == "mx") {
      probe(record_type::mx, name);
    } else if (term.name == "a" || term.name == "exists") {
      const auto& four = dns.ask(record_type::a, name);
      // Void only for those addresses' families that have none; one of them is common, and fine.
      if (four.status == answer_status::nothing && term.name == "a") probe(record_type::aaaa, name);
    }
  }
}

}  // namespace

std::string_view to_text(spf_result r) {
  switch (r) {
    case spf_result::none:
      return "none";
    case spf_result::neutral:
      return "neutral";
    case spf_result::pass:
      return "pass";
    case spf_result::fail:
      return "fail";
    case spf_result::softfail:
      return "softfail";
    case spf_result::temperror:
      return "temperror";
    case spf_result::permerror:
      return "permerror";
  }
  return "";
}

spf_outcome evaluate_spf(facts& dns, std::string_view domain, std::string_view address, std::string_view sender,
                         std::string_view helo) {
  if (!parse_address(address)) return {spf_result::none, "not an address"};
  try {
    return evaluation(dns, address, sender, helo).check_host(to_lower(domain), 0);
  } catch (const stop& s) {
    return {s.result, s.reason};
  }
}

spf_cost count_spf(facts& dns, std::string_view domain) {
  spf_cost cost;
  count_at(dns, to_lower(domain), 0, cost);
  return cost;
}

}  // namespace gonets::domain_check
