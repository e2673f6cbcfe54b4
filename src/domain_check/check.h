// What a receiver will think of mail from a sender domain, by what DNS says. Pure: run it again and again until `dns`
// wants nothing more; the last result counts.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain_check/dmarc.h"
#include "domain_check/facts.h"
#include "domain_check/records.h"

namespace gonets::domain_check {

enum class status : std::uint8_t {
  ok,
  info,     // not needed; good to know
  unknown,  // could not be looked up
  warning,  // works, but costs trust
  failed    // mail will be refused or filed as spam for it, or the domain can't be used
};
std::string_view to_text(status s);

struct finding {
  std::string check;  // stable word: "ownership", "spf_record", "dkim_key"...
  std::string about;  // which one, where there are several: a selector, an address
  status result = status::ok;
  std::string text;    // what was found
  std::string advice;  // what to do; empty when nothing
};

enum class compliance : std::uint8_t { met, not_met, unknown };
std::string_view to_text(compliance c);

struct requirement {
  std::string name;  // stable word: "spf", "dkim", "dmarc", "alignment", "reverse_dns"...
  compliance result = compliance::unknown;
  std::string text;
};
// By the published rules for those who send in bulk.
struct provider_verdict {
  std::string provider;  // "google"
  std::string source;    // where the rules stand
  std::vector<requirement> requirements;
  compliance result = compliance::unknown;  // not met when one is not; else met, although some can't be seen from here
};

struct report {
  std::vector<finding> findings;
  std::vector<provider_verdict> providers;
  bool owned = false;                          // the proof, or the record of one of the keys, was found
  std::vector<std::string> published;          // selectors whose record is as it should be
  bool good() const;                           // nothing failed
  status worst(std::string_view check) const;  // of the findings of this check; `unknown` when there is none
};

report examine(const subject& of, const platform& on, facts& dns);

namespace detail {

// Filled in order: each part may look at the findings before it.
struct examination {
  const subject& of;
  const platform& on;
  facts& dns;
  report result;
  domain_check::dmarc policy;
  bool dkim_fine = false;  // some active key's record is right
  bool spf_fine = false;   // the domain's own SPF passes for all egresses

  void add(std::string check, status s, std::string text, std::string advice = "", std::string about = "");
};

void check_ownership(examination& e);
void check_dkim(examination& e);
void check_spf(examination& e);
void check_dmarc(examination& e);
void check_alignment(examination& e);
void check_return_path(examination& e);
void check_tracking(examination& e);
void check_egresses(examination& e);
void check_mail_exchanger(examination& e);
void check_extras(examination& e);  // MTA-STS, TLS-RPT, BIMI
void judge_by_providers(examination& e);

}  // namespace detail
}  // namespace gonets::domain_check
