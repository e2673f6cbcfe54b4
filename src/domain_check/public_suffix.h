// Organizational domains by the public suffix list (RFC 7489 3.2). The list is Debian's package `publicsuffix`, read
// once; without it, the one that libpsl was built with.
#pragma once
#include <string>
#include <string_view>

namespace gonets::domain_check {

// "mail.example.co.uk" gives "example.co.uk"; a public suffix itself gives itself. `name` is in A-labels, lower case.
std::string organizational_domain(std::string_view name);

}  // namespace gonets::domain_check
