#include "config/routes.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/network.h"
#include "config/presets.h"
#include "shaping/limit_fields.h"

namespace gonets::config {
namespace {

constexpr std::size_t domain_bytes_max = 253;  // RFC 1035 2.3.4, in text
constexpr std::size_t label_bytes_max = 63;
constexpr std::uint16_t smtp_port = 25;
constexpr std::uint16_t smtps_port = 465;
constexpr std::uint16_t lmtp_port = 24;

std::string_view without_trailing_dot(std::string_view domain) {
  if (domain.ends_with('.')) domain.remove_suffix(1);
  return domain;
}

// Runs for each route and message: no lower-case copies.
bool same_without_case(std::string_view a, std::string_view b) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [&](char x, char y) { return lower(x) == lower(y); });
}

bool is_label(std::string_view label) {
  const auto allowed = [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           byte > 127;
  };
  return !label.empty() && label.size() <= label_bytes_max && label.front() != '-' && label.back() != '-' &&
         std::all_of(label.begin(), label.end(), allowed);
}

// "host", "host:port", "10.0.0.2:25", "[::1]:25".
bool parse_host_port(std::string_view text, std::uint16_t default_port, route& to) {
  to.port = default_port;
  if (const auto numeric = parse_endpoint(text)) {
    to.host = numeric->host;
    to.port = numeric->port;
    return to.port != 0;
  }
  if (text.starts_with('[') && text.ends_with(']')) {
    to.host = text.substr(1, text.size() - 2);
    return parse_address(to.host) && to.host.find(':') != std::string::npos;
  }
  const std::size_t colon = text.find(':');
  to.host = text.substr(0, colon);
  if (colon != std::string_view::npos) {
    // Lent a host that is surely right, so that the port is read by the one function that reads ports.
    const auto port = parse_endpoint(fmt::format("127.0.0.1{}", text.substr(colon)));
    if (!port || port->port == 0) return false;
    to.port = port->port;
  }
  return is_domain(to.host);
}

// An absolute path in which braces stand only around what can be filled in.
bool is_maildir_path(std::string path) {
  for (const std::string_view name : {"{domain}", "{local}"}) {
    for (std::size_t at; (at = path.find(name)) != std::string::npos;)
      path.erase(at, name.size());
  }
  return path.starts_with('/') && path.find_first_of("{}") == std::string::npos;
}

bool take_prefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

bool domain_matches(std::string_view pattern, std::string_view domain) {
  if (pattern == "*") return true;
  pattern = without_trailing_dot(pattern);
  domain = without_trailing_dot(domain);
  if (!pattern.starts_with("*.")) return same_without_case(pattern, domain);
  const std::string_view suffix = pattern.substr(1);
  return domain.size() > suffix.size() && same_without_case(domain.substr(domain.size() - suffix.size()), suffix);
}

const route& match_route(const settings& from, std::string_view domain) {
  static const route by_mx;
  static const route come_back{.kind = route_kind::feedback};
  if (!from.feedback.domain.empty() && same_without_case(from.feedback.domain, without_trailing_dot(domain)))
    return come_back;
  const auto found = std::find_if(from.routes.begin(), from.routes.end(),
                                  [&](const route& r) { return domain_matches(r.domain, domain); });
  return found == from.routes.end() ? by_mx : *found;
}

tls_policy::level tls_level_of(const settings& from, std::string_view domain) {
  const auto found = std::find_if(from.tls_rules.begin(), from.tls_rules.end(),
                                  [&](const tls_rule& r) { return domain_matches(r.domain, domain); });
  return found == from.tls_rules.end() ? from.delivery.tls : found->level;
}

tls_policy::level tls_level_of(const settings& from, const route& to) {
  if (to.tls) return *to.tls;
  if (to.implicit_tls || (!to.logins.empty() && !to.login_without_tls)) return tls_policy::level::verified;
  return to.path.empty() ? from.delivery.tls : tls_policy::level::none;
}

std::optional<route> parse_target(std::string_view text) {
  route to;
  bool good = true;
  if (text == "mx") {
    to.kind = route_kind::mx;
  } else if (text == "capture") {
    to.kind = route_kind::capture;
  } else if (text == "discard") {
    to.kind = route_kind::discard;
  } else if (take_prefix(text, "smtp://")) {
    to.kind = route_kind::smtp;
    good = parse_host_port(text, smtp_port, to);
  } else if (take_prefix(text, "smtps://")) {
    to.kind = route_kind::smtp;
    to.implicit_tls = true;
    good = parse_host_port(text, smtps_port, to);
  } else if (take_prefix(text, "lmtp://")) {
    to.kind = route_kind::lmtp;
    good = parse_host_port(text, lmtp_port, to);
  } else if (take_prefix(text, "lmtp:")) {
    to.kind = route_kind::lmtp;
    to.path = text;
    good = text.starts_with('/');
  } else if (take_prefix(text, "maildir:")) {
    to.kind = route_kind::maildir;
    to.path = text;
    good = is_maildir_path(to.path);
  } else {
    good = false;
  }
  return good ? std::optional(to) : std::nullopt;
}

std::string target_text(const route& r) {
  const auto host_port = [&] { return to_text(endpoint{r.host, r.port}); };
  switch (r.kind) {
    case route_kind::mx:
      return "mx";
    case route_kind::smtp:
      return (r.implicit_tls ? "smtps://" : "smtp://") + host_port();
    case route_kind::lmtp:
      return r.path.empty() ? "lmtp://" + host_port() : "lmtp:" + r.path;
    case route_kind::maildir:
      return "maildir:" + r.path;
    case route_kind::capture:
      return "capture";
    case route_kind::discard:
      return "discard";
    case route_kind::feedback:
      return "feedback";
  }
  return "";
}

std::vector<shaping::limit_setting> limits_of(const route& r, const smarthost_login* login) {
  const preset* const known = r.preset.empty() ? nullptr : find_preset(r.preset);
  std::vector<shaping::limit_setting> all;
  for (const auto& [name, field, what] : shaping::limit_fields) {
    if (login != nullptr && login->limits.*field) {
      all.push_back({what, *(login->limits.*field), 0, "[[route.login]]"});
    } else if (r.limits.*field) {
      all.push_back({what, *(r.limits.*field), 0, "[[route]]"});
    } else if (known != nullptr && known->limits.*field) {
      all.push_back({what, *(known->limits.*field), 0, fmt::format("{}: {}", shipped_presets_name, r.preset)});
    }
  }
  return all;
}

bool is_loopback_host(std::string_view host) {
  const auto address = parse_address(host);
  return host == "localhost" || (address && is_loopback(*address));
}

bool is_domain(std::string_view text) {
  if (text.empty() || text.size() > domain_bytes_max) return false;
  while (true) {
    const std::size_t dot = text.find('.');
    if (!is_label(text.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    text.remove_prefix(dot + 1);
  }
}

bool is_domain_pattern(std::string_view text) {
  if (text == "*") return true;
  take_prefix(text, "*.");
  return is_domain(text);
}

}  // namespace gonets::config
