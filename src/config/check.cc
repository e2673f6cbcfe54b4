#include "config/check.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <unordered_map>

#include "base/network.h"
#include "base/text.h"
#include "config/egresses.h"
#include "config/load.h"
#include "config/routes.h"
#include "config/rules.h"
#include "message/address.h"
#include "tls_policy/certificate.h"

namespace gonets::config {
namespace {

class checker {
 public:
  checker(const settings& s, std::optional<wall_time> now) : s_(s), now_(now) {}

  std::vector<finding> run() {
    check_server();
    check_inbound();
    check_feedback();
    check_auth();
    check_spool();
    check_accounts();
    check_delivery();
    std::ranges::move(check_egresses(s_), std::back_inserter(found_));
    check_readable(s_.dns.trust_anchor, "dns.trust_anchor");
    check_readable(s_.delivery.tls_ca_file, "delivery.tls_ca_file");
    check_shaping();
    check_tls_report();
    check_dkim();
    check_api();
    check_sinks();
    if (s_.listeners.empty()) warn("listener", "there is none: no mail can come in by SMTP");
    for (std::size_t i = 0; i < s_.listeners.size(); ++i)
      check_listener(i);
    check_certificates();
    for (std::size_t i = 0; i < s_.routes.size(); ++i)
      check_route(i);
    for (const stream& each : s_.streams)
      check_stream(each);
    return std::move(found_);
  }

 private:
  void fail(std::string key, std::string text) { found_.push_back({severity::error, std::move(key), std::move(text)}); }
  void warn(std::string key, std::string text) {
    found_.push_back({severity::warning, std::move(key), std::move(text)});
  }

  void check_server();
  void check_inbound();
  void check_feedback();
  void check_web();
  void check_unsubscribing();
  void check_auth();
  void check_spool();
  void check_accounts();
  void check_delivery();
  void check_shaping();
  void check_tls_report();
  void check_dkim();
  void check_api();
  void check_sinks();
  void check_broker(const sink& s, const std::string& key);
  void check_listener(std::size_t index);
  void check_listener_address(std::size_t index, const std::string& key);
  void check_trusted(const std::vector<network>& networks, const std::string& key, std::string_view power);
  void check_tls(const listener& l, const std::string& key);
  void check_certificates();
  void check_certificate(const certificate& c, const std::string& certificate_key, const std::string& key_key);
  void check_readable(const std::string& path, const std::string& key);
  void check_route(std::size_t index);
  void check_route_tls(const route& r, const std::string& key);
  void check_logins(const route& r, const std::string& key);
  void check_credentials(const smarthost_login& login, const std::string& key);
  void check_secret_file(const std::string& path, const std::string& key);
  void check_route_is_used(std::size_t index, const std::string& key);
  void check_stream(const stream& each);
  std::vector<stream>::const_iterator longest_lived_stream() const;

  const settings& s_;
  const std::optional<wall_time> now_;
  std::vector<finding> found_;
  std::unordered_map<std::string, std::size_t> route_of_;  // of the routes checked so far, by pattern
};

void checker::check_sinks() {
  for (std::size_t i = 0; i < s_.sinks.size(); ++i) {
    const sink& each = s_.sinks[i];
    const auto key = fmt::format("sink[{}]", i + 1);
    const auto same = std::ranges::find(s_.sinks, each.name, &sink::name);
    if (same != s_.sinks.begin() + static_cast<std::ptrdiff_t>(i))
      fail(key + ".name", fmt::format("\"{}\" is there twice", each.name));
    for (const auto& name : each.streams) {
      if (std::ranges::find(s_.streams, name, &stream::name) == s_.streams.end())
        warn(key + ".streams", fmt::format("there is no stream \"{}\"", name));
    }
    if (each.kind != sink_kind::jsonl) check_broker(each, key);
  }
}

void checker::check_broker(const sink& s, const std::string& key) {
  const bool by_password = !s.user.empty() || !s.password_file.empty();
  const int ways = (by_password ? 1 : 0) + (s.token_file.empty() ? 0 : 1) + (s.credentials_file.empty() ? 0 : 1);
  if (ways > 1) fail(key + ".user", "there is more than one of user, token_file and credentials_file");
  if (by_password && s.password_file.empty()) fail(key + ".password_file", "is needed for `user`");
  if (by_password && s.user.empty()) fail(key + ".user", "is needed for `password_file`");
  if (!s.tls_ca.empty() && !s.tls) fail(key + ".tls_ca", "is of no use without `tls = true`");
  check_readable(s.tls_ca, key + ".tls_ca");
  check_readable(s.credentials_file, key + ".credentials_file");
  for (const auto& [path, name] : {std::pair{s.password_file, ".password_file"}, std::pair{s.token_file, ".token_file"},
                                   std::pair{s.credentials_file, ".credentials_file"}})
    check_secret_file(path, key + name);
  const bool secret_is_sent =
      !s.token_file.empty() || (by_password && (s.kind == sink_kind::nats || s.mechanism == sink_mechanism::plain));
  const auto elsewhere =
      std::ranges::find_if(s.servers, [](const std::string& server) { return !is_loopback_host(server_host(server)); });
  if (secret_is_sent && !s.tls && elsewhere != s.servers.end())
    warn(key + ".tls",
         fmt::format("whoever is between here and {} can read the password: set `tls = true`", *elsewhere));
}

// ------------------------------------------------------------------ who is trusted

network net(std::string_view text) {
  return parse_network(text).value();
}

// Networks that nobody reaches us from over the Internet (RFC 6890), so that trusting all of them is no open relay.
bool is_private(const network& n) {
  static const std::array all{
      net("10.0.0.0/8"),    net("172.16.0.0/12"), net("192.168.0.0/16"), net("127.0.0.0/8"),     net("169.254.0.0/16"),
      net("100.64.0.0/10"), net("192.0.2.0/24"),  net("198.18.0.0/15"),  net("198.51.100.0/24"), net("203.0.113.0/24"),
      net("::1"),           net("fc00::/7"),      net("fe80::/10"),      net("2001:db8::/32")};
  return std::any_of(all.begin(), all.end(), [&](const network& each) { return covers(each, n); });
}

enum class breadth : std::uint8_t { fine, wide, open };

// Of IPv6 a /32 is what a whole provider gets; of IPv4, a /16 is a large company.
breadth breadth_of(const network& n) {
  if (is_private(n)) return breadth::fine;
  if (covers(n, net("0.0.0.0/0"))) return breadth::open;
  const bool v4 = is_ipv4(n.address);
  const unsigned bits = v4 ? n.prefix_bits - 96u : n.prefix_bits;
  if (bits < (v4 ? 8u : 16u)) return breadth::open;
  return bits < (v4 ? 16u : 32u) ? breadth::wide : breadth::fine;
}

void checker::check_trusted(const std::vector<network>& networks, const std::string& key, std::string_view power) {
  for (const network& n : networks) {
    switch (breadth_of(n)) {
      case breadth::fine:
        break;
      case breadth::wide:
        warn(key, fmt::format("{} is much of the Internet; all of it {}", to_text(n), power));
        break;
      case breadth::open:
        fail(key, fmt::format("{} makes an open relay: strangers {}. List your own networks", to_text(n), power));
        break;
    }
  }
}

// ------------------------------------------------------------------ sections

void checker::check_server() {
  if (s_.server.hostname.find('.') == std::string::npos) {
    warn("server.hostname", fmt::format("{} is not fully qualified; many servers refuse mail from such a name",
                                        s_.server.hostname.empty() ? "an empty name" : s_.server.hostname));
  }
  if (!s_.server.user.empty() && getpwnam(s_.server.user.c_str()) == nullptr) {
    fail("server.user", fmt::format("there is no user {}", s_.server.user));
  }
  if (s_.server.connections_per_address_max > s_.server.connections_max) {
    warn("server.connections_per_address_max", "is more than server.connections_max, and has no effect");
  }
}

void checker::check_feedback() {
  const auto& with = s_.feedback;
  check_web();
  check_unsubscribing();
  if (with.domain.empty()) return;
  if (with.postmaster.empty())
    fail("feedback.postmaster", "is wanted where feedback.domain is set: a domain that takes mail must have one");
  if (message::domain_of(with.postmaster) == with.domain)
    fail("feedback.postmaster", "lies in feedback.domain, which takes nothing but what comes back");
  const bool listens = std::ranges::any_of(s_.listeners, [](const auto& l) { return l.kind == listener_kind::smtp; });
  if (!listens) warn("feedback.domain", "no listener of kind \"smtp\": bounces can't come in");
}

void checker::check_web() {
  const auto& web = s_.web;
  if (!web.url.empty() && !web.listen) warn("web.url", "nothing of this server answers there: web.listen is not set");
  for (const auto& s : s_.streams) {
    if (!web.url.empty() || (!s.track_opens && !s.track_clicks)) continue;
    warn(fmt::format("stream.{}.{}", s.name, s.track_opens ? "track_opens" : "track_clicks"),
         "has no effect without web.url");
  }
}

void checker::check_unsubscribing() {
  const auto& with = s_.feedback;
  constexpr auto law = 720h;  // 30 days: what US law asks of such a link (15 U.S.C. 7704)
  const bool offered = !with.domain.empty() && std::ranges::any_of(s_.streams, &stream::unsubscribe);
  if (offered && s_.spool.event_retention < law)
    warn("spool.event_retention", "is less than 30 days: what unsubscribes in older mail works no more");
}

void checker::check_inbound() {
  for (const std::string& domain : s_.smtp.inbound_domains) {
    if (match_route(s_, domain).kind != route_kind::mx) continue;
    warn("smtp.inbound_domains",
         fmt::format("{0} has no route but MX: if its MX is this server, mail for it would loop. Add a [[route]] with "
                     "domain = \"{0}\"",
                     domain));
  }
}

bool is_on_this_machine(std::string_view http_url) {
  auto host = http_url.substr(http_url.find("//") + 2);
  host = host.substr(0, host.find_first_of("/?#"));
  if (host.starts_with('[')) {
    host = host.substr(1, host.find(']') - 1);
  } else {
    host = host.substr(0, host.rfind(':'));
  }
  const auto address = parse_address(host);
  return host == "localhost" || (address && is_loopback(*address));
}

void checker::check_auth() {
  for (const network& n : s_.auth.plaintext_networks) {
    if (!is_private(n))
      warn("auth.plaintext_networks",
           fmt::format("{} is not a private network: passwords from there can be read on their way", to_text(n)));
  }
  if (!s_.auth.introspection_client_id.empty() && s_.auth.introspection_secret_file.empty())
    fail("auth.introspection_secret_file", "is missing, and introspection_client_id is of no use without it");
  check_readable(s_.auth.introspection_secret_file, "auth.introspection_secret_file");
  if (const std::string_view url = s_.auth.introspection_url; url.starts_with("http://") && !is_on_this_machine(url)) {
    fail("auth.introspection_url",
         fmt::format("{} is another machine, where tokens would go in the clear: use https://", url));
  }
}

void checker::check_spool() {
  const std::filesystem::path path = s_.spool.path;
  const std::filesystem::path parent = (path.has_filename() ? path : path.parent_path()).parent_path();
  std::error_code ignored;
  if (std::filesystem::exists(path, ignored)) {
    if (!std::filesystem::is_directory(path, ignored))
      fail("spool.path", fmt::format("{} is no folder", s_.spool.path));
  } else if (!std::filesystem::is_directory(parent, ignored)) {
    fail("spool.path", fmt::format("{} cannot be made: there is no folder {}", s_.spool.path, parent.string()));
  }
  const auto longest = longest_lived_stream();
  if (longest != s_.streams.end() && s_.spool.event_retention < longest->retry.expires_after) {
    fail("spool.event_retention",
         fmt::format("{} is shorter than stream.{}.expires_after, {}: mail that is still queued could not be explained",
                     format_duration(s_.spool.event_retention), longest->name,
                     format_duration(longest->retry.expires_after)));
  }
}

std::vector<stream>::const_iterator checker::longest_lived_stream() const {
  return std::max_element(s_.streams.begin(), s_.streams.end(), [](const stream& a, const stream& b) {
    return a.retry.expires_after < b.retry.expires_after;
  });
}

void checker::check_accounts() {
  const auto& a = s_.accounts;
  const bool sqlite = a.database.starts_with("sqlite:");
  if (!sqlite && !a.database.empty() && a.key_file.empty())
    fail("accounts.key_file", "must be set for PostgreSQL. Make one by: openssl rand -base64 32 > FILE");
  check_readable(a.key_file, "accounts.key_file");
}

void checker::check_delivery() {
  if (!s_.delivery.ipv4 && !s_.delivery.ipv6)
    fail("delivery.ipv4", "neither IPv4 nor IPv6 is on: no mail can leave by MX");
  if (s_.delivery.site_backoff_base > s_.delivery.site_backoff_max) {
    fail("delivery.site_backoff_base", "is longer than delivery.site_backoff_max");
  }
  if (s_.delivery.connections_per_site_max > s_.delivery.connections_max) {
    warn("delivery.connections_per_site_max", "is more than delivery.connections_max, and has no effect");
  }
}

void checker::check_shaping() {
  const auto read = load_rules(s_.shaping.rules_file);
  if (!read) {
    for (const auto& e : read.error())
      fail("shaping.rules_file", to_text(e));
    return;
  }
  const auto known = [](const std::optional<std::string>& name, auto exists) {
    return !name || *name == "*" || exists(*name);
  };
  for (std::size_t i = 0; i < s_.limits.size(); ++i) {
    const auto& about = s_.limits[i].about;
    const auto key = fmt::format("limit[{}]", i + 1);
    if (!known(about.provider, [&](const auto& name) { return read->providers.find(name) != nullptr; })) {
      fail(key + ".provider",
           fmt::format("there is no \"{}\"; `gonets rules show` lists the providers", *about.provider));
    }
    if (!known(about.egress, [&](const auto& name) { return find_egress(s_, name).has_value(); })) {
      fail(key + ".egress", fmt::format("there is no [[egress]] \"{}\"", *about.egress));
    }
    if (!known(about.stream, [&](const auto& name) {
          return std::ranges::find(s_.streams, name, &stream::name) != s_.streams.end();
        })) {
      fail(key + ".stream", fmt::format("there is no \"{}\"", *about.stream));
    }
  }
  for (std::size_t i = 0; i < s_.warm_ups.size(); ++i) {
    const auto& provider = s_.warm_ups[i].provider;
    if (!known(provider, [&](const auto& name) { return read->providers.find(name) != nullptr; }))
      fail(fmt::format("warm_up[{}].provider", i + 1),
           fmt::format("there is no \"{}\"; `gonets rules show` lists the providers", provider));
  }
}

void checker::check_dkim() {
  const auto longest = longest_lived_stream();
  if (s_.dkim.expires_after.count() == 0 || longest == s_.streams.end()) return;
  if (s_.dkim.expires_after < longest->retry.expires_after) {
    fail("dkim.expires_after",
         fmt::format("{} is shorter than stream.{}.expires_after, {}: mail that waits so long would "
                     "arrive with a signature that is no longer good",
                     format_duration(s_.dkim.expires_after), longest->name,
                     format_duration(longest->retry.expires_after)));
  }
}

void checker::check_tls_report() {
  const auto& own = s_.tls_report;
  if (!own.enabled) return;
  for (const auto& [name, value] :
       {std::pair{"organization", own.organization}, std::pair{"from", own.from}, std::pair{"contact", own.contact}}) {
    if (value.empty()) fail(std::string("tls_report.") + name, "is needed for sending reports");
  }
}

void checker::check_api() {
  if (!s_.api.listen) return;
  const auto address = parse_address(s_.api.listen->host);
  if (address && is_loopback(*address)) return;
  fail("api.listen", fmt::format("{} can be reached from other machines, and the API speaks no TLS. Use 127.0.0.1 or "
                                 "[::1], and a proxy with TLS in front of it",
                                 to_text(*s_.api.listen)));
}

// ------------------------------------------------------------------ listeners

void checker::check_listener(std::size_t index) {
  const listener& l = s_.listeners[index];
  const std::string key = fmt::format("listener[{}]", index + 1);
  check_listener_address(index, key + ".address");
  check_trusted(l.trusted_networks, key + ".trusted_networks", "may send to any domain");
  check_trusted(l.proxy_protocol_from, key + ".proxy_protocol_from", "may claim any client address, a trusted one too");
  std::vector<std::string> names;
  for (const stream& each : s_.streams)
    names.push_back(each.name);
  if (std::find(names.begin(), names.end(), l.stream) == names.end()) {
    const std::string meant = nearest(l.stream, names);
    fail(key + ".stream", fmt::format("there is no stream \"{}\"{}", l.stream,
                                      meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant)));
  }
  check_tls(l, key);
}

void checker::check_listener_address(std::size_t index, const std::string& key) {
  const endpoint& own = s_.listeners[index].address;
  if (own.port == 0) return;  // each gets a free one
  const auto same = [&](const endpoint& other) {
    return own.port == other.port && parse_address(own.host) == parse_address(other.host);
  };
  for (std::size_t other = 0; other < index; ++other) {
    if (same(s_.listeners[other].address)) {
      fail(key, fmt::format("{} is the address of listener[{}], too", to_text(own), other + 1));
    }
  }
  if (s_.api.listen && same(*s_.api.listen)) fail(key, fmt::format("{} is api.listen, too", to_text(own)));
}

void checker::check_tls(const listener& l, const std::string& key) {
  if (l.tls_certificate.empty() != l.tls_key.empty()) {
    const bool key_missing = l.tls_key.empty();
    fail(key + (key_missing ? ".tls_key" : ".tls_certificate"),
         fmt::format("is missing, and {} is of no use without it", key_missing ? "tls_certificate" : "tls_key"));
    return;
  }
  if (!l.tls_certificate.empty()) {
    check_certificate({l.tls_certificate, l.tls_key}, key + ".tls_certificate", key + ".tls_key");
  }
  if (!s_.certificates_of(l).empty()) return;
  if (l.kind == listener_kind::submissions) {
    fail(key + ".kind", "submissions speaks nothing but TLS, and there is no certificate: add a [[certificate]]");
  } else if (l.client_certificates) {
    warn(key + ".client_certificates", "has no effect without TLS: add a [[certificate]]");
  }
}

void checker::check_certificates() {
  for (std::size_t i = 0; i < s_.certificates.size(); ++i) {
    const std::string key = fmt::format("certificate[{}]", i + 1);
    check_certificate(s_.certificates[i], key + ".certificate", key + ".key");
  }
  if (s_.tls.self_signed && !s_.certificates.empty()) {
    warn("tls.self_signed", "has no effect where there is a [[certificate]]");
  }
}

// What has expired is no error: mail that comes in encrypted is worth more than a server that does not start.
void checker::check_certificate(const certificate& c, const std::string& certificate_key, const std::string& key_key) {
  const std::size_t before = found_.size();
  check_readable(c.certificate_file, certificate_key);
  check_readable(c.key_file, key_key);
  if (found_.size() > before) return;
  const auto chain = read_file(c.certificate_file).value_or("");
  const auto facts = tls_policy::read_certificate(chain);
  if (!facts) return fail(certificate_key, fmt::format("{} has {}", c.certificate_file, facts.error()));
  if (const auto wrong = tls_policy::key_mismatch(chain, read_file(c.key_file).value_or("")); !wrong.empty()) {
    fail(key_key, fmt::format("{}: {}", c.key_file, wrong));
  }
  if (now_ && facts->not_after <= *now_) {
    warn(certificate_key, fmt::format("{} expired on {:%F}: clients that verify it will not send", c.certificate_file,
                                      facts->not_after));
  } else if (now_ && facts->not_before > *now_) {
    warn(certificate_key, fmt::format("{} is valid from {:%F} on only", c.certificate_file, facts->not_before));
  }
}

void checker::check_readable(const std::string& path, const std::string& key) {
  if (path.empty() || access(path.c_str(), R_OK) == 0) return;
  fail(key, fmt::format("{} cannot be read: {}", path, std::strerror(errno)));
}

// ------------------------------------------------------------------ routes and streams

// Whether a connection to `host` ends at a listener on `own`. A host's name is not looked up.
bool reaches(const std::string& host, const std::string& own) {
  const auto target = parse_address(host), listens = parse_address(own);
  if (!target || !listens) return false;
  const bool everywhere = *listens == parse_address("0.0.0.0") || *listens == parse_address("::");
  return *target == *listens || (everywhere && is_loopback(*target));
}

// By hashes of the patterns that would match, since there may be a hundred thousand routes.
void checker::check_route_is_used(std::size_t index, const std::string& key) {
  const std::string& domain = s_.routes[index].domain;
  std::vector<std::string> patterns{domain, "*"};
  for (std::size_t dot = domain.find('.'); dot != std::string::npos; dot = domain.find('.', dot + 1)) {
    patterns.push_back("*" + domain.substr(dot));
  }
  for (const std::string& pattern : patterns) {
    const auto earlier = route_of_.find(pattern);
    if (earlier == route_of_.end()) continue;
    warn(key,
         fmt::format("is never used: \"{}\" of route[{}] takes all of \"{}\"", pattern, earlier->second + 1, domain));
    return;
  }
  route_of_.emplace(domain, index);
}

void checker::check_route(std::size_t index) {
  const route& r = s_.routes[index];
  const std::string key = fmt::format("route[{}]", index + 1);
  check_route_is_used(index, key + ".domain");
  if (r.kind == route_kind::lmtp && !r.path.empty() && access(r.path.c_str(), F_OK) != 0) {
    warn(key + ".to", fmt::format("there is no socket {}; its mail waits until there is", r.path));
  }
  check_route_tls(r, key + ".tls");
  check_logins(r, key);
  if (r.kind != route_kind::smtp) return;
  for (const listener& l : s_.listeners) {
    if (r.port == l.address.port && reaches(r.host, l.address.host)) {
      fail(key + ".to", fmt::format("{} is a listener of this server: mail for it would loop", target_text(r)));
    }
  }
}

void checker::check_route_tls(const route& r, const std::string& key) {
  using enum tls_policy::level;
  if (r.tls && r.kind != route_kind::smtp && r.kind != route_kind::lmtp) {
    const bool by_mx = r.kind == route_kind::mx;
    fail(key, by_mx ? "is of no use for a route by MX: say it in [[tls_policy]]"
                    : fmt::format("is of no use for {}, which no connection goes to", target_text(r)));
  }
  if (r.tls && r.implicit_tls && (*r.tls == none || *r.tls == opportunistic)) {
    fail(key, "is \"required\" at least, where TLS is there from the first byte");
  }
  if (tls_level_of(s_, r) == verified && parse_address(r.host)) {
    warn(key,
         fmt::format("{} is an address, and certificates bear names: give the host's name, or ask for \"required\"",
                     r.host));
  }
}

void checker::check_logins(const route& r, const std::string& key) {
  using enum tls_policy::level;
  const bool to_smarthost = r.kind == route_kind::smtp;
  if (!to_smarthost && r.limits != shaping::provider_limits()) fail(key + ".limits", "are for smtp and smtps alone");
  if (!to_smarthost && !r.preset.empty()) fail(key + ".preset", "is for smtp and smtps alone");
  if (r.login_without_tls && !is_loopback_host(r.host)) {
    fail(key + ".login_without_tls",
         fmt::format("{} is not on this machine: the password could be read on its way", r.host));
  }
  if (r.logins.empty()) return;
  if (!to_smarthost) return fail(key + ".login", "is for smtp and smtps alone");
  const auto level = tls_level_of(s_, r);
  if (!r.login_without_tls && (level == none || level == opportunistic)) {
    fail(key + ".tls", "is \"required\" at least, where a password is sent");
  } else if (!r.login_without_tls && level == required && !is_loopback_host(r.host)) {
    warn(key + ".tls", "whoever is between here and the smarthost can take its place, and gets the password");
  }
  std::unordered_map<std::string, std::size_t> seen;
  for (const smarthost_login& login : r.logins) {
    if (!seen.try_emplace(login.name, 0).second) fail(key + ".login", fmt::format("{} is there twice", login.name));
    check_credentials(login, key);
  }
}

void checker::check_credentials(const smarthost_login& login, const std::string& key) {
  const bool has_password = !login.password.empty() || !login.password_file.empty();
  const int ways = (has_password ? 1 : 0) + (login.token_file.empty() ? 0 : 1) + (login.oauth ? 1 : 0);
  if (ways != 1) {
    fail(key + ".login", fmt::format("{} has {} password, password_file, token_file and oauth", login.name,
                                     ways == 0 ? "none of" : "more than one of"));
  }
  check_secret_file(login.password_file, key + ".password_file");
  check_secret_file(login.token_file, key + ".token_file");
  if (!login.oauth) return;
  check_secret_file(login.oauth->secret_file, key + ".oauth.client_secret_file");
  check_secret_file(login.oauth->refresh_token_file, key + ".oauth.refresh_token_file");
  if (login.oauth->token_url.empty()) fail(key + ".oauth.token_url", "is not said by the preset: give it");
  if (login.oauth->refresh_token_file.empty() && login.oauth->secret.empty()) {
    fail(key + ".oauth", "has neither refresh_token_file nor client_secret_file");
  }
}

// One that is not there yet may be made later.
void checker::check_secret_file(const std::string& path, const std::string& key) {
  struct stat facts {};
  if (path.empty() || stat(path.c_str(), &facts) != 0) return;
  if ((facts.st_mode & S_IROTH) != 0) {
    warn(key, fmt::format("{} can be read by every user of this machine: chmod o-r", path));
  }
}

void checker::check_stream(const stream& each) {
  const std::string key = "stream." + each.name;
  const shaping::retry_policy& retry = each.retry;
  if (!retry.delays.empty() && retry.delays.front() >= retry.expires_after) {
    warn(key + ".expires_after",
         fmt::format("{} ends before the first retry, at {}: there will be one last attempt only",
                     format_duration(retry.expires_after), format_duration(retry.delays.front())));
  }
}

}  // namespace

std::string to_text(const finding& f) {
  return fmt::format("{}: {}: {}", f.how == severity::error ? "error" : "warning", f.key, f.text);
}

std::vector<finding> check(const settings& s, std::optional<wall_time> now) {
  return checker(s, now).run();
}

bool has_errors(const std::vector<finding>& findings) {
  return std::any_of(findings.begin(), findings.end(), [](const finding& f) { return f.how == severity::error; });
}

}  // namespace gonets::config
