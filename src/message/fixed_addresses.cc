#include "message/fixed_addresses.h"

#include "base/text.h"

namespace gonets::message {

std::string_view local_part_of(fixed_address a) {
  switch (a) {
    case fixed_address::complaints:
      return "fbl";
    case fixed_address::dmarc_reports:
      return "dmarc";
    case fixed_address::tls_reports:
      break;
  }
  return "tlsrpt";
}

std::optional<fixed_address> parse_fixed_address(std::string_view local_part) {
  const auto name = to_lower(local_part);
  for (const auto a : {fixed_address::complaints, fixed_address::dmarc_reports, fixed_address::tls_reports}) {
    if (name == local_part_of(a)) return a;
  }
  return std::nullopt;
}

}  // namespace gonets::message
