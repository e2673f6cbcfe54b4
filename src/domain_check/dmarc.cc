#include "domain_check/dmarc.h"

#include <fmt/format.h>

#include <charconv>
#include <optional>
#include <vector>

#include "base/text.h"
#include "dkim/tag_list.h"
#include "domain_check/public_suffix.h"

namespace gonets::domain_check {
namespace {

std::optional<dmarc_policy> policy_of(std::string_view word) {
  const auto lower = to_lower(word);
  if (lower == "none") return dmarc_policy::none;
  if (lower == "quarantine") return dmarc_policy::quarantine;
  if (lower == "reject") return dmarc_policy::reject;
  return std::nullopt;
}

void read_record(std::string_view record, bool of_organization, dmarc& to) {
  const auto broken = [&](std::string why) {
    to.lookup = dmarc_lookup::broken;
    to.problem = std::move(why);
  };
  const auto tags = dkim::tag_list::parse(record);
  if (!tags || tags->first() != "v") return broken("the record is not a list of tags that begins with v=DMARC1");
  to.lookup = dmarc_lookup::found;
  to.reports = tags->find("rua").value_or("");
  to.strict_dkim = to_lower(tags->find("adkim").value_or("r")) == "s";
  to.strict_spf = to_lower(tags->find("aspf").value_or("r")) == "s";
  const auto own = policy_of(tags->find("p").value_or(""));
  if (!own) return broken("p= is missing, or not none, quarantine or reject");
  to.policy = *own;
  if (const auto below = tags->find("sp"); of_organization && below) {
    const auto policy = policy_of(*below);
    if (!policy) return broken("sp= is not none, quarantine or reject");
    to.policy = *policy;
  }
  if (const auto percent = tags->find("pct")) {
    const auto [end, error] = std::from_chars(percent->data(), percent->data() + percent->size(), to.percent);
    if (error != std::errc() || end != percent->data() + percent->size() || to.percent > 100)
      broken("pct= is not a number up to 100");
  }
}

// False where there is none.
bool read_at(facts& dns, std::string_view domain, bool of_organization, dmarc& to) {
  to.at = fmt::format("_dmarc.{}", domain);
  const auto& txt = dns.ask(record_type::txt, to.at);
  if (txt.status == answer_status::failed) {
    to.lookup = dmarc_lookup::unknown;
    to.problem = fmt::format("{} could not be looked up: {}", to.at, txt.detail);
    return true;
  }
  std::vector<std::string_view> found;
  for (const auto& value : txt.values) {
    if (value.starts_with("v=DMARC1")) found.push_back(value);
  }
  if (found.empty()) return false;
  if (found.size() > 1) {
    to.lookup = dmarc_lookup::several;
  } else {
    read_record(found.front(), of_organization, to);
  }
  return true;
}

}  // namespace

std::string_view to_text(dmarc_policy p) {
  return p == dmarc_policy::none ? "none" : p == dmarc_policy::quarantine ? "quarantine" : "reject";
}

dmarc find_dmarc(facts& dns, std::string_view domain) {
  dmarc found;
  if (read_at(dns, domain, false, found)) return found;
  const auto organization = organizational_domain(domain);
  if (organization != domain && read_at(dns, organization, true, found)) return found;
  found.at = fmt::format("_dmarc.{}", domain);
  return found;
}

bool aligned(std::string_view from, std::string_view other, bool strict) {
  return strict ? from == other : organizational_domain(from) == organizational_domain(other);
}

}  // namespace gonets::domain_check
