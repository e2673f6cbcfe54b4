// What the declarations of settings are written with.
#pragma once
#include <string_view>

#include "base/network.h"
#include "config/declarations.h"
#include "config/detail/kinds.h"
#include "config/egresses.h"
#include "config/routes.h"
#include "tls_policy/level.h"

namespace gonets::config::detail {

using enum on_change;

template <class Member>
struct owner_of;
template <class Field, class Owner>
struct owner_of<Field Owner::*> {
  using type = Owner;
};

// The setting at `First.Rest...`, a path of members from its owner.
template <auto First, auto... Rest, class Kind>
auto setting(std::string_view name, on_change change, const Kind& kind, std::string_view doc,
             std::string_view effect = "") {
  using owner = typename owner_of<decltype(First)>::type;
  constexpr auto field = [](auto& of) -> auto& {
    return ((of.*First).*....*Rest);
  };
  declaration<owner> d{name, change, doc, effect, kind.expected()};
  d.read = [kind, field](const value& v, owner& to, mismatches& wrong) { kind.read(v, field(to), wrong); };
  d.write = [kind, field](const owner& from) { return kind.write(field(from)); };
  return d;
}

template <class Owner>
declaration<Owner> required(declaration<Owner> d) {
  d.required = true;
  return d;
}

inline bool is_empty_or_domain(std::string_view s) {
  return s.empty() || is_domain(s);
}
inline bool is_absolute(std::string_view s) {
  return s.starts_with('/') && s.find('\0') == std::string_view::npos;
}
inline bool is_empty_or_absolute(std::string_view s) {
  return s.empty() || is_absolute(s);
}
bool is_empty_or_address(std::string_view s);
inline bool is_empty_or_ipv4(std::string_view s) {
  const auto address = parse_address(s);
  return s.empty() || (address && is_ipv4(*address));
}
inline bool is_empty_or_ipv6(std::string_view s) {
  const auto address = parse_address(s);
  return s.empty() || (address && !is_ipv4(*address));
}
inline bool is_empty_or_egress_name(std::string_view s) {
  return s.empty() || is_egress_name(s);
}

inline const text anything{"a text", [](std::string_view) { return true; }};
inline const text host_name{"a host name, such as \"mail.example.com\"", is_empty_or_domain};
inline const text ipv4_source{"an IPv4 address, such as \"192.0.2.1\"", is_empty_or_ipv4};
inline const text ipv6_source{"an IPv6 address, such as \"2001:db8::1\"", is_empty_or_ipv6};
inline const text egress_name{"the name of an egress or a pool, such as \"bulk\"", is_empty_or_egress_name};
inline const text file{"an absolute path, such as \"/etc/gonets/mail.pem\"", is_empty_or_absolute};
inline const list_of<text> domains{{"a domain, such as \"example.com\"", is_domain}, "domains", 0, 100'000};
inline const list_of<network_text> networks{{}, "networks", 0, 1000};

inline const choice<tls_policy::level> levels_of_tls{{{"none", tls_policy::level::none},
                                                      {"opportunistic", tls_policy::level::opportunistic},
                                                      {"required", tls_policy::level::required},
                                                      {"verified", tls_policy::level::verified}}};

}  // namespace gonets::config::detail
