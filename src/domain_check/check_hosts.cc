// What is around the author domain: return-path, tracking, the addresses that mail leaves from, and what is published
// for others to use.
#include <fmt/format.h>

#include <algorithm>

#include "base/network.h"
#include "base/text.h"
#include "domain_check/check.h"
#include "domain_check/public_suffix.h"
#include "domain_check/spf.h"

namespace gonets::domain_check::detail {
namespace {

std::string without_dot(std::string name) {
  if (name.ends_with('.')) name.pop_back();
  return to_lower(name);
}

// Whether `name` is an alias of `target`; adds the finding.
bool check_alias(examination& e, const char* check, const std::string& name, const std::string& target) {
  const auto& found = e.dns.ask(record_type::cname, name);
  const auto advice = fmt::format("publish {} CNAME {}.", name, target);
  if (found.status == answer_status::failed) {
    e.add(check, status::unknown, fmt::format("{}: {}", name, found.detail), "", name);
    return false;
  }
  if (found.values.empty()) {
    e.add(check, status::failed, fmt::format("{} is no alias (CNAME)", name), advice, name);
    return false;
  }
  const bool right = found.values.front() == without_dot(target);
  e.add(check, right ? status::ok : status::failed, fmt::format("{} is an alias of {}", name, found.values.front()),
        right ? "" : advice, name);
  return right;
}

void check_return_path_mx(examination& e) {
  const auto& mx = e.dns.ask(record_type::mx, e.of.return_path);
  const auto advice = fmt::format("publish {} MX 10 {}.", e.of.return_path, e.on.hostname);
  if (mx.status == answer_status::failed) {
    e.add("return_path", status::unknown, fmt::format("{}: {}", e.of.return_path, mx.detail), "", e.of.return_path);
  } else if (mx.values.empty()) {
    e.add("return_path", status::failed, fmt::format("{} has no MX: bounces get lost", e.of.return_path), advice,
          e.of.return_path);
  } else {
    const bool ours = std::ranges::find(mx.values, without_dot(e.on.hostname)) != mx.values.end();
    e.add("return_path", ours ? status::ok : status::failed,
          fmt::format("bounces go to {}{}", mx.values.front(), ours ? "" : ", not to this server"), ours ? "" : advice,
          e.of.return_path);
  }
}

bool is_generic(std::string_view name, std::string_view address) {
  // Names that providers give to all of their customers hold the address.
  std::string dashed(address);
  std::ranges::replace(dashed, '.', '-');
  return name.find(address) != name.npos || name.find(dashed) != name.npos;
}

bool resolves_to(examination& e, const std::string& name, const address_bytes& address) {
  const auto& back = e.dns.ask(is_ipv4(address) ? record_type::a : record_type::aaaa, name);
  return std::ranges::any_of(back.values, [&](const auto& a) { return parse_address(a) == address; });
}

void check_reverse(examination& e, const egress& from, const address_bytes& address) {
  const auto& names = e.dns.ask(record_type::ptr, reverse_name(from.address));
  if (names.status == answer_status::failed)
    return e.add("reverse_dns", status::unknown, fmt::format("{}: {}", from.address, names.detail), "", from.address);
  if (names.values.empty()) {
    return e.add("reverse_dns", status::failed, fmt::format("{} has no name (PTR)", from.address),
                 fmt::format("ask the owner of the network to let {} point at {}", from.address, from.helo),
                 from.address);
  }
  for (const auto& name : names.values) {
    if (!resolves_to(e, name, address)) continue;
    const bool generic = is_generic(name, from.address);
    return e.add("reverse_dns", generic ? status::warning : status::ok,
                 fmt::format("{} is {}, and {} is {}{}", from.address, name, name, from.address,
                             generic ? "; the name looks like one of many of a provider" : ""),
                 generic ? fmt::format("use a name of your own: {}", from.helo) : "", from.address);
  }
  e.add("reverse_dns", status::failed,
        fmt::format("{} points at {}, which does not point back", from.address, names.values.front()),
        fmt::format("publish an address record for {}", names.values.front()), from.address);
}

void check_helo(examination& e, const egress& from, const address_bytes& address) {
  const auto& found = e.dns.ask(is_ipv4(address) ? record_type::a : record_type::aaaa, from.helo);
  if (found.status == answer_status::failed)
    return e.add("helo", status::unknown, fmt::format("{}: {}", from.helo, found.detail), "", from.address);
  const bool right = resolves_to(e, from.helo, address);
  e.add("helo",
        right                  ? status::ok
        : found.values.empty() ? status::failed
                               : status::warning,
        right ? fmt::format("{} greets as {}, which it is", from.address, from.helo)
              : fmt::format("{} greets as {}, which {}", from.address, from.helo,
                            found.values.empty() ? "does not resolve" : "is another address"),
        right ? ""
              : fmt::format("publish {} {} {}, or set delivery.helo", from.helo, is_ipv4(address) ? "A" : "AAAA",
                            from.address),
        from.address);
}

const std::string* record_with(const answer& txt, std::string_view version) {
  const auto at = std::ranges::find_if(txt.values, [&](const auto& v) { return v.starts_with(version); });
  return at == txt.values.end() ? nullptr : &*at;
}

void check_text(examination& e, const char* check, const std::string& name, std::string_view version,
                std::string_view what, std::string_view use) {
  const auto& txt = e.dns.ask(record_type::txt, name);
  const auto* found = record_with(txt, version);
  if (found == nullptr && txt.status == answer_status::failed)
    return e.add(check, status::unknown, fmt::format("{}: {}", name, txt.detail));
  e.add(check, found != nullptr ? status::ok : status::info,
        found != nullptr ? *found : fmt::format("no {} ({})", what, use));
}

void check_bimi(examination& e) {
  const auto name = "default._bimi." + e.of.name;
  const auto& txt = e.dns.ask(record_type::txt, name);
  const auto* found = record_with(txt, "v=BIMI1");
  if (found == nullptr && txt.status == answer_status::failed)
    return e.add("bimi", status::unknown, fmt::format("{}: {}", name, txt.detail));
  if (found == nullptr) return e.add("bimi", status::info, "no BIMI record (a logo beside your mail)");
  const auto of_organization = find_dmarc(e.dns, organizational_domain(e.of.name));
  const auto enforced = [](const dmarc& d) {
    return d.lookup == dmarc_lookup::found && d.policy != dmarc_policy::none && d.percent == 100;
  };
  const bool works = enforced(e.policy) && enforced(of_organization);
  e.add("bimi", works ? status::ok : status::warning, *found,
        works ? "" : "BIMI is shown only where DMARC says p=quarantine or p=reject for all mail of the organization");
}

}  // namespace

void check_return_path(examination& e) {
  if (e.of.return_path.empty()) return;
  if (e.on.return_path_host.empty()) {
    check_return_path_mx(e);
  } else if (!check_alias(e, "return_path", e.of.return_path, e.on.return_path_host)) {
    return;
  }
  for (const auto& from : e.on.egresses) {
    const auto outcome =
        evaluate_spf(e.dns, e.of.return_path, from.address, "postmaster@" + e.of.return_path, from.helo);
    const bool pass = outcome.result == spf_result::pass;
    e.add("return_path_spf",
          pass                                      ? status::ok
          : outcome.result == spf_result::temperror ? status::unknown
                                                    : status::failed,
          fmt::format("{}: {} ({})", from.address, to_text(outcome.result), outcome.reason),
          pass ? "" : fmt::format("let the SPF record of {} be \"{}\"", e.of.return_path, spf_record_for(e.on)),
          from.address);
  }
}

void check_tracking(examination& e) {
  if (!e.of.tracking.empty() && !e.on.tracking_host.empty())
    check_alias(e, "tracking", e.of.tracking, e.on.tracking_host);
}

void check_egresses(examination& e) {
  for (const auto& from : e.on.egresses) {
    const auto address = parse_address(from.address);
    if (!address) continue;
    check_reverse(e, from, *address);
    check_helo(e, from, *address);
  }
}

void check_mail_exchanger(examination& e) {
  const auto& mx = e.dns.ask(record_type::mx, e.of.name);
  if (mx.status == answer_status::failed)
    return e.add("mx", status::unknown, fmt::format("{}: {}", e.of.name, mx.detail));
  if (!mx.values.empty() && mx.values.front().empty())
    return e.add("mx", status::warning, fmt::format("{} says that it takes no mail (null MX)", e.of.name),
                 "replies can't be delivered: some receivers refuse such senders");
  if (!mx.values.empty()) return e.add("mx", status::ok, "replies go to " + mx.values.front());
  const bool host =
      !e.dns.ask(record_type::a, e.of.name).values.empty() || !e.dns.ask(record_type::aaaa, e.of.name).values.empty();
  e.add("mx", host ? status::warning : status::failed,
        fmt::format("{} has no MX{}", e.of.name,
                    host ? ", only an address" : " and no address: receivers refuse such senders"),
        "publish an MX record: who writes should be able to get a reply");
}

void check_extras(examination& e) {
  check_text(e, "mta_sts", "_mta-sts." + e.of.name, "v=STSv1", "MTA-STS policy", "protects mail to this domain");
  check_text(e, "tls_rpt", "_smtp._tls." + e.of.name, "v=TLSRPTv1", "TLS report address", "tells of failed encryption");
  check_bimi(e);
}

}  // namespace gonets::domain_check::detail
