#include "tls_policy/level.h"

#include <array>

namespace gonets::tls_policy {

std::string_view to_text(level l) {
  static constexpr std::array<std::string_view, 4> names = {"none", "opportunistic", "required", "verified"};
  const auto number = static_cast<std::size_t>(l);
  return number < names.size() ? names[number] : std::string_view("unknown");
}

std::string_view to_text(policy p) {
  static constexpr std::array<std::string_view, 8> names = {"",         "off",  "opportunistic", "required",
                                                            "verified", "dane", "sts",           "requiretls"};
  const auto number = static_cast<std::size_t>(p);
  return number < names.size() ? names[number] : std::string_view("unknown");
}

}  // namespace gonets::tls_policy
