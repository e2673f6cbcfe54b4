// What makes a receiver believe the From field: ownership, DKIM, SPF, DMARC and how they fit together.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>

#include "base/text.h"
#include "dkim/key.h"
#include "dkim/tag_list.h"
#include "domain_check/check.h"
#include "domain_check/public_suffix.h"
#include "domain_check/spf.h"

namespace gonets::domain_check::detail {
namespace {

constexpr int rsa_bits_advised = 2048;  // RFC 8301 3.2

std::string publish(std::string_view name, std::string_view type, std::string_view value) {
  return fmt::format("publish {} {} \"{}\"", name, type, value);
}

std::string sentence_of(const answer& a) {
  return a.detail.empty() ? "no answer" : a.detail;
}

// What the records at a key's name lack; nothing when a receiver will find our key.
std::optional<std::string> difference(const signing_key& key, const answer& txt) {
  if (txt.values.size() > 1)
    return fmt::format("there are {} TXT records, and receivers take any one", txt.values.size());
  const auto found = dkim::public_key::from_record(txt.values.front());
  if (!found) return found.error();
  if (found->revoked()) return "the published key is revoked (p= is empty)";
  const auto theirs = dkim::tag_list::parse(txt.values.front());
  const auto ours = dkim::tag_list::parse(key.record);
  if (dkim::without_blanks(*theirs->find("p")) != *ours->find("p") ||
      theirs->find("k").value_or("rsa") != ours->find("k").value_or("rsa"))
    return "another key is published than the one that signs";
  if (found->testing()) return "the record says t=y (testing): receivers treat the mail as unsigned";
  return std::nullopt;
}

void check_key(examination& e, const signing_key& key) {
  const auto name = fmt::format("{}._domainkey.{}", key.selector, e.of.name);
  const auto& txt = e.dns.ask(record_type::txt, name);
  const auto advice = publish(name, "TXT", key.record);
  const auto serious = key.active ? status::failed : status::warning;
  if (txt.status == answer_status::failed) {
    e.add("dkim_key", status::unknown, fmt::format("{}: {}", name, sentence_of(txt)), "", key.selector);
  } else if (txt.status == answer_status::nothing) {
    e.add("dkim_key", serious, fmt::format("there is no record at {}", name), advice, key.selector);
  } else if (const auto wrong = difference(key, txt)) {
    e.add("dkim_key", serious, fmt::format("{}: {}", name, *wrong), advice, key.selector);
  } else {
    e.result.published.push_back(key.selector);
    e.result.owned = true;
    e.dkim_fine |= key.active;
    const bool weak = key.algorithm == "rsa-sha256" && key.bits < rsa_bits_advised;
    e.add("dkim_key", weak ? status::warning : status::ok,
          fmt::format("{}, {} bits: published", key.algorithm, key.algorithm == "rsa-sha256" ? key.bits : 256),
          weak ? "use a key of 2048 bits or more" : "", key.selector);
  }
}

void check_spf_passes(examination& e) {
  e.spf_fine = true;
  bool any = false;
  for (const auto& from : e.on.egresses) {
    any = true;
    const auto outcome = evaluate_spf(e.dns, e.of.name, from.address, "postmaster@" + e.of.name, from.helo);
    const bool pass = outcome.result == spf_result::pass;
    e.spf_fine &= pass;
    const auto result = pass ? status::ok : outcome.result == spf_result::temperror ? status::unknown : status::failed;
    e.add("spf_egress", result, fmt::format("{}: {} ({})", from.address, to_text(outcome.result), outcome.reason),
          pass ? "" : fmt::format("let the SPF record of {} include what \"{}\" says", e.of.name, spf_record_for(e.on)),
          from.address);
  }
  if (!any) {
    e.spf_fine = false;
    e.add("spf_egress", status::unknown, "it is not known which addresses mail leaves from",
          "set delivery.source_ipv4 or domains.egress_addresses");
  }
}

void check_spf_cost(examination& e) {
  const auto cost = count_spf(e.dns, e.of.name);
  const auto text = fmt::format("{} of {} look-ups", cost.lookups, spf_lookups_max);
  if (cost.lookups > spf_lookups_max) {
    e.add("spf_lookups", status::failed, text + ": receivers stop, and count it as an error (permerror)",
          "replace includes by the networks that they stand for, or drop what no longer sends");
  } else if (cost.void_names.size() > spf_void_lookups_max) {
    e.add(
        "spf_lookups", status::failed,
        fmt::format("{} names in the record don't exist: {}", cost.void_names.size(), fmt::join(cost.void_names, ", ")),
        "remove them: more than two are an error (permerror)");
  } else if (!cost.void_names.empty()) {
    e.add("spf_lookups", status::warning,
          fmt::format("{}; of these don't exist: {}", text, fmt::join(cost.void_names, ", ")), "remove them");
  } else {
    e.add("spf_lookups", status::ok, text);
  }
}

// Of the reports that come to us: others are their owners' affair. The record may be at the organization's domain.
void check_reports_consent(examination& e) {
  const auto& ours = e.on.dmarc_reports;
  if (ours.empty() || to_lower(e.policy.reports).find("mailto:" + to_lower(ours)) == std::string::npos) return;
  const auto name = dmarc_consent_name(std::string_view(e.policy.at).substr(std::string_view("_dmarc.").size()), ours);
  if (name.empty()) return;
  const auto& txt = e.dns.ask(record_type::txt, name);
  if (txt.status == answer_status::failed)
    return e.add("dmarc_consent", status::unknown, fmt::format("{}: {}", name, sentence_of(txt)));
  const bool there = std::ranges::any_of(txt.values, [](const auto& v) { return v.starts_with("v=DMARC1"); });
  e.add("dmarc_consent", there ? status::ok : status::warning,
        there ? fmt::format("{} lets reports come here", name)
              : fmt::format("there is no record at {}: reporters send nothing to another domain without it", name),
        there ? "" : publish(name, "TXT", "v=DMARC1"));
}

}  // namespace

void check_ownership(examination& e) {
  const auto name = "_gonets." + e.of.name;
  const auto& txt = e.dns.ask(record_type::txt, name);
  if (std::ranges::find(txt.values, e.of.proof) != txt.values.end()) {
    e.result.owned = true;
    e.add("ownership", status::ok, "the proof is published");
  } else if (txt.status == answer_status::failed) {
    e.add("ownership", status::unknown, fmt::format("{}: {}", name, sentence_of(txt)));
  } else {
    // A key's record proves it as well, and the proof may be taken away later.
    e.add("ownership", status::info,
          txt.values.empty() ? fmt::format("there is no TXT record at {}", name)
                             : fmt::format("the TXT record at {} is another one", name),
          publish(name, "TXT", e.of.proof));
  }
}

void check_dkim(examination& e) {
  for (const auto& key : e.of.keys)
    check_key(e, key);
  if (std::ranges::none_of(e.of.keys, &signing_key::active))
    e.add("dkim_signing", status::failed, "no key is active: mail leaves unsigned",
          e.of.keys.empty() ? "make keys: gonets domain rotate " + e.of.name
                            : "publish the records of the pending keys; they become active when they are seen");
}

void check_spf(examination& e) {
  const auto& txt = e.dns.ask(record_type::txt, e.of.name);
  if (txt.status == answer_status::failed)
    return e.add("spf_record", status::unknown, fmt::format("{}: {}", e.of.name, sentence_of(txt)));
  const auto records = spf_records(txt);
  if (records.empty())
    return e.add("spf_record", status::failed, fmt::format("{} has no SPF record", e.of.name),
                 publish(e.of.name, "TXT", spf_record_for(e.on)));
  if (records.size() > 1) {
    return e.add(
        "spf_record", status::failed,
        fmt::format("{} has {} SPF records: receivers count that as an error (permerror)", e.of.name, records.size()),
        "merge them into one");
  }
  std::vector<spf_term> terms;
  std::string wrong;
  if (!parse_spf(records.front(), terms, wrong))
    return e.add("spf_record", status::failed, fmt::format("\"{}\" is no SPF term", wrong), "mend the record");
  const bool open =
      std::ranges::any_of(terms, [](const auto& t) { return !t.modifier && t.name == "all" && t.qualifier == '+'; });
  e.add("spf_record", open ? status::failed : status::ok, records.front(),
        open ? "+all lets the whole world send as this domain: end with ~all or -all" : "");
  check_spf_cost(e);
  check_spf_passes(e);
}

void check_dmarc(examination& e) {
  const auto& p = e.policy;
  switch (p.lookup) {
    case dmarc_lookup::unknown:
      return e.add("dmarc_record", status::unknown, p.problem);
    case dmarc_lookup::absent:
      return e.add("dmarc_record", status::failed, fmt::format("there is no record at {}", p.at),
                   publish(p.at, "TXT", "v=DMARC1; p=none"));
    case dmarc_lookup::several:
      return e.add("dmarc_record", status::failed,
                   fmt::format("there are several records at {}: receivers ignore them all", p.at), "keep one");
    case dmarc_lookup::broken:
      return e.add("dmarc_record", status::failed, fmt::format("{}: {}", p.at, p.problem), "mend the record");
    case dmarc_lookup::found:
      break;
  }
  e.add("dmarc_record", status::ok, fmt::format("{} says p={}", p.at, to_text(p.policy)));
  const bool enforced = p.policy != dmarc_policy::none && p.percent == 100;
  e.add("dmarc_policy", enforced ? status::ok : status::info,
        p.policy == dmarc_policy::none ? "p=none watches, and protects nobody yet"
                                       : fmt::format("p={} for {} % of mail", to_text(p.policy), p.percent),
        enforced ? "" : "once the reports show that all of your mail aligns, go on to p=quarantine, then p=reject");
  e.add("dmarc_reports", p.reports.empty() ? status::info : status::ok,
        p.reports.empty() ? "nobody gets reports (no rua=)" : "reports go to " + p.reports,
        p.reports.empty() ? fmt::format("add rua=mailto:{} to see who sends as this domain",
                                        e.on.dmarc_reports.empty() ? "ADDRESS" : e.on.dmarc_reports)
                          : "");
  check_reports_consent(e);
}

void check_alignment(examination& e) {
  const bool dkim = e.dkim_fine;  // d= is the domain itself, which aligns strictly, too
  e.add("dkim_alignment", dkim ? status::ok : status::failed,
        dkim ? fmt::format("d={} aligns with From", e.of.name) : "no valid signature by this domain");
  const auto envelope = e.of.return_path.empty() ? e.of.name : e.of.return_path;
  const bool spf = aligned(e.of.name, envelope, e.policy.strict_spf);
  e.add("spf_alignment",
        spf    ? status::ok
        : dkim ? status::warning
               : status::failed,
        fmt::format("return-path {} {} with From {}{}", envelope, spf ? "aligns" : "does not align", e.of.name,
                    e.policy.strict_spf ? " (strict: aspf=s)" : ""),
        spf ? ""
        : e.policy.strict_spf && aligned(e.of.name, envelope, false)
            ? "drop aspf=s, or use the domain itself as return-path"
            : fmt::format("use a return-path within {}", organizational_domain(e.of.name)));
}

}  // namespace gonets::domain_check::detail
