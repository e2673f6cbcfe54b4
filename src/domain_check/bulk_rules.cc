// The rules that the large providers publish for senders in bulk, as far as they can be seen in DNS. What depends on
// the messages or on their readers is listed as not known, so that nobody forgets it.
#include <fmt/format.h>

#include <algorithm>

#include "domain_check/check.h"

namespace gonets::domain_check::detail {
namespace {

compliance of_status(status s) {
  return s == status::failed ? compliance::not_met : s == status::unknown ? compliance::unknown : compliance::met;
}

compliance both(compliance a, compliance b) {
  if (a == compliance::not_met || b == compliance::not_met) return compliance::not_met;
  return a == compliance::met && b == compliance::met ? compliance::met : compliance::unknown;
}

struct facts_of_mail {
  compliance spf, dkim, dmarc, alignment, reverse, helo, replies, tls;
};

facts_of_mail gather(const examination& e) {
  const auto& r = e.result;
  facts_of_mail f{};
  f.spf = r.worst("spf_record") != status::ok
              ? of_status(r.worst("spf_record"))
              : both(of_status(r.worst("spf_lookups")), of_status(r.worst("spf_egress")));
  f.dkim = e.dkim_fine                                                    ? compliance::met
           : r.worst("dkim_key") == status::unknown && !e.of.keys.empty() ? compliance::unknown
                                                                          : compliance::not_met;
  f.dmarc = of_status(r.worst("dmarc_record"));
  const bool by_spf = e.spf_fine && r.worst("spf_alignment") == status::ok;
  f.alignment = e.dkim_fine || by_spf                        ? compliance::met
                : both(f.dkim, f.spf) == compliance::unknown ? compliance::unknown
                                                             : compliance::not_met;
  f.reverse = of_status(r.worst("reverse_dns"));
  f.helo = of_status(r.worst("helo"));
  const auto mx = r.worst("mx");
  f.replies = mx == status::warning ? compliance::not_met : of_status(mx);
  f.tls = e.on.tls ? compliance::met : compliance::not_met;
  return f;
}

requirement spf(const facts_of_mail& f) {
  return {"spf", f.spf, "SPF passes for every address that mail leaves from"};
}
requirement dkim(const facts_of_mail& f) {
  return {"dkim", f.dkim, "mail is signed by the domain, with a key of at least 1024 bits"};
}
requirement dmarc(const facts_of_mail& f) {
  return {"dmarc", f.dmarc, "a DMARC record, p=none at least"};
}
requirement alignment(const facts_of_mail& f) {
  return {"alignment", f.alignment, "From aligns with DKIM or SPF"};
}
requirement reverse_dns(const facts_of_mail& f) {
  return {"reverse_dns", f.reverse, "every address has a name that points back at it (PTR)"};
}
requirement tls(const facts_of_mail& f) {
  return {"tls", f.tls, "mail is sent over TLS"};
}
requirement unsubscribe() {
  return {"unsubscribe", compliance::unknown, "one-click unsubscribe (RFC 8058) in subscribed mail: see your messages"};
}
requirement complaints(const char* where) {
  return {"complaints", compliance::unknown, fmt::format("few complaints: below 0.1 %, never 0.3 %; see {}", where)};
}

void add(examination& e, const char* provider, const char* source, std::vector<requirement> all) {
  provider_verdict v{provider, source, std::move(all), compliance::met};
  const auto any = [&](compliance c, bool seen_in_dns) {
    return std::ranges::any_of(v.requirements, [&](const auto& r) {
      return r.result == c && (!seen_in_dns || (r.name != "unsubscribe" && r.name != "complaints"));
    });
  };
  if (any(compliance::not_met, false)) {
    v.result = compliance::not_met;
  } else if (any(compliance::unknown, true)) {
    v.result = compliance::unknown;
  }
  e.result.providers.push_back(std::move(v));
}

}  // namespace

void judge_by_providers(examination& e) {
  const auto f = gather(e);
  // "Email sender guidelines": requirements for 5,000 or more messages a day.
  add(e, "google", "https://support.google.com/a/answer/81126",
      {spf(f), dkim(f), dmarc(f), alignment(f), reverse_dns(f), tls(f), unsubscribe(), complaints("Postmaster Tools")});
  // "Sender best practices": bulk senders.
  add(e, "yahoo", "https://senders.yahooinc.com/best-practices/",
      {spf(f), dkim(f), dmarc(f), alignment(f), reverse_dns(f), unsubscribe(),
       complaints("the complaint feedback loop")});
  // "Strengthening Email Ecosystem: Outlook's New Requirements for High-Volume Senders": SPF and DKIM must pass, DMARC
  // must align with one of them; the From address should be able to get replies.
  add(e, "microsoft",
      "https://techcommunity.microsoft.com/blog/microsoftdefenderforoffice365blog/"
      "strengthening-email-ecosystem-outlook%E2%80%99s-new-requirements-for-high%E2%80%90volume-senders/4399730",
      {spf(f),
       dkim(f),
       dmarc(f),
       alignment(f),
       {"replies", f.replies, "the address in From can be replied to (MX)"},
       unsubscribe(),
       complaints("SNDS and JMRP")});
  // "Технические рекомендации к почтовым рассылкам": SPF, DKIM and DMARC of the domain in From, PTR and HELO that
  // agree, a domain that takes replies.
  add(e, "mailru", "https://habr.com/ru/companies/vk/articles/239963/",
      {spf(f),
       dkim(f),
       dmarc(f),
       alignment(f),
       reverse_dns(f),
       {"helo", f.helo, "the name in HELO resolves"},
       {"replies", f.replies, "the domain takes mail (MX)"},
       unsubscribe(),
       complaints("postmaster.mail.ru")});
}

}  // namespace gonets::domain_check::detail
