// SPF (RFC 7208): what a receiver makes of a domain's policy for one address, and what the policy costs it. Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "domain_check/facts.h"

namespace gonets::domain_check {

enum class spf_result : std::uint8_t { none, neutral, pass, fail, softfail, temperror, permerror };
std::string_view to_text(spf_result r);

inline constexpr unsigned spf_lookups_max = 10;      // RFC 7208 4.6.4
inline constexpr unsigned spf_void_lookups_max = 2;  // the same

struct spf_outcome {
  spf_result result = spf_result::none;
  std::string reason;  // a sentence for errors; the mechanism that matched otherwise
};
// check_host() of RFC 7208 4. `address` is textual.
spf_outcome evaluate_spf(facts& dns, std::string_view domain, std::string_view address, std::string_view sender,
                         std::string_view helo);

struct spf_cost {
  unsigned lookups = 0;  // by all mechanisms and modifiers, nested ones included, whether or not one matches before
  std::vector<std::string> void_names;  // looked up, and not there
};
spf_cost count_spf(facts& dns, std::string_view domain);

// The TXT records at `name` that are SPF's.
std::vector<std::string> spf_records(const answer& txt);

namespace detail {

struct spf_term {
  bool modifier = false;
  char qualifier = '+';
  std::string name;   // lower case
  std::string value;  // the domain-spec, or the network
  unsigned prefix4 = 32, prefix6 = 128;
};
// False when the record has a syntax error; `wrong` is then the term.
bool parse_spf(std::string_view record, std::vector<spf_term>& to, std::string& wrong);

struct spf_macros {
  std::string_view sender, domain, address, helo;
};
// RFC 7208 7. False for what is no macro-string.
bool expand_spf(std::string_view text, const spf_macros& with, std::string& to);

// "1.2.0.192.in-addr.arpa"
std::string reverse_name(std::string_view address);

}  // namespace detail
}  // namespace gonets::domain_check
