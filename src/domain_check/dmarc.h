// DMARC records (RFC 7489): which one holds for a domain, and whether another domain aligns. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "domain_check/facts.h"

namespace gonets::domain_check {

enum class dmarc_policy : std::uint8_t { none, quarantine, reject };
std::string_view to_text(dmarc_policy p);

enum class dmarc_lookup : std::uint8_t { found, absent, several, broken, unknown };

struct dmarc {
  dmarc_lookup lookup = dmarc_lookup::absent;
  std::string at;                            // "_dmarc.example.com": where it was found, or should be
  dmarc_policy policy = dmarc_policy::none;  // what holds for the domain asked for: p=, or sp= of the organization's
  unsigned percent = 100;
  bool strict_dkim = false, strict_spf = false;
  std::string reports;  // rua=
  std::string problem;  // a sentence, when broken or unknown
};

dmarc find_dmarc(facts& dns, std::string_view domain);

// RFC 7489 3.1: whether `other` (of d= or the envelope) vouches for `from`.
bool aligned(std::string_view from, std::string_view other, bool strict);

}  // namespace gonets::domain_check
