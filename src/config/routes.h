// Routes: what overrides MX for a domain. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"
#include "shaping/limit_set.h"

namespace gonets::config {

// Whether `domain` is meant by `pattern`: "*" means all, "*.example.com" any depth below example.com but not itself,
// else the domain itself. ASCII case and one trailing dot don't count.
bool domain_matches(std::string_view pattern, std::string_view domain);

// What stands for the domain of return paths, if that is it; else the first route that matches, else a static
// { "*", mx }. The reference lives as long as `from`.
const route& match_route(const settings& from, std::string_view domain);

// What is asked of TLS for a domain that goes by MX: of the first rule that matches, else of [delivery].
tls_policy::level tls_level_of(const settings& from, std::string_view domain);
// The same of a route to a host. What it says itself; else `verified` where TLS is there from the first byte or a
// password is sent, nothing for a Unix socket, and what [delivery] says for other hosts.
tls_policy::level tls_level_of(const settings& from, const route& to);

// The `to` of a route: "mx", "smtp://host:port", "smtps://host:port", "lmtp://host:port", "lmtp:/path/socket",
// "maildir:/path/{domain}/{local}", "capture", "discard". Fills all but the domain; nothing for other text.
std::optional<route> parse_target(std::string_view text);
std::string target_text(const route& r);

// What may be sent by a route and one of its logins, if any: each limit from the login, else the route, else its
// preset.
std::vector<shaping::limit_setting> limits_of(const route& r, const smarthost_login* login);
// A host that is this machine, whatever the network does.
bool is_loopback_host(std::string_view host);

// A host name or domain of letters, digits, '-', '_' and non-ASCII (RFC 6531), without a trailing dot.
bool is_domain(std::string_view text);
bool is_domain_pattern(std::string_view text);

}  // namespace gonets::config
