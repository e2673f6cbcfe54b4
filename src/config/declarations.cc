#include "config/declarations.h"

#include <algorithm>

#include "base/network.h"
#include "config/routes.h"
#include "domain_check/spf.h"
#include "message/address.h"

namespace gonets::config {
namespace {

using detail::choice;
using detail::count;
using detail::duration;
using detail::endpoint_text;
using detail::fraction;
using detail::list_of;
using detail::mismatches;
using detail::network_text;
using detail::size;
using detail::text;
using detail::value;
using detail::yes_or_no;
using enum on_change;

using server = settings::server_section;
using auth = settings::auth_section;
using smtp_settings = settings::smtp_section;
using tls_settings = settings::tls_section;
using spool = settings::spool_section;
using account_settings = settings::accounts_section;
using delivery = settings::delivery_section;
using dns = settings::dns_section;
using api = settings::api_section;
using domains_settings = settings::domains_section;
using log_settings = settings::log_section;
using limits = smtp::server_limits;

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

bool is_empty_or_domain(std::string_view s) {
  return s.empty() || is_domain(s);
}
bool is_absolute(std::string_view s) {
  return s.starts_with('/') && s.find('\0') == std::string_view::npos;
}
bool is_empty_or_absolute(std::string_view s) {
  return s.empty() || is_absolute(s);
}
bool is_database(std::string_view s) {
  if (s.find_first_of(std::string_view("\0\"\n", 3)) != s.npos) return false;
  return s.empty() || s.starts_with("sqlite:/") || s.starts_with("postgresql://") || s.starts_with("postgres://");
}
bool is_line(std::string_view s) {
  return s.size() <= 200 && std::ranges::none_of(s, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}
bool is_empty_or_address(std::string_view s) {
  return s.empty() || message::parse_address(s, false).has_value();
}
bool is_user(std::string_view s) {
  return s.size() <= 32 && s.find_first_of(std::string_view(" :/\0", 4)) == s.npos;
}
bool is_empty_or_ipv4(std::string_view s) {
  const auto address = parse_address(s);
  return s.empty() || (address && is_ipv4(*address));
}
bool is_empty_or_ipv6(std::string_view s) {
  const auto address = parse_address(s);
  return s.empty() || (address && !is_ipv4(*address));
}

bool is_empty_or_http_url(std::string_view s) {
  return s.empty() || s.starts_with("https://") || s.starts_with("http://");
}
bool is_anything(std::string_view) {
  return true;
}

const text anything{"a text", is_anything};
const text host_name{"a host name, such as \"mail.example.com\"", is_empty_or_domain};
const text file{"an absolute path, such as \"/etc/gonets/mail.pem\"", is_empty_or_absolute};
const list_of<text> domains{{"a domain, such as \"example.com\"", is_domain}, "domains", 0, 100'000};
const list_of<network_text> networks{{}, "networks", 0, 1000};

using tls_policy::level;
const choice<level> levels_of_tls{{{"none", level::none},
                                   {"opportunistic", level::opportunistic},
                                   {"required", level::required},
                                   {"verified", level::verified}}};

section server_section() {
  return {
      "server",
      "The process itself.",
      {
          setting<&settings::server, &server::hostname>("hostname", restart, host_name,
                                                        "What the server calls itself: in greetings, `Received` fields "
                                                        "and message ids. Empty: the machine's fully "
                                                        "qualified name."),
          setting<&settings::server, &server::node>(
              "node", restart, count{0, 255},
              "Part of every queue id; give each server that shares your logs a number of its own."),
          setting<&settings::server, &server::shards>(
              "shards", restart, count{0, 256}, "Threads that serve connections. 0: half of the cores, at least one."),
          setting<&settings::server, &server::user>(
              "user", restart, text{"a user's name, such as \"gonets\"", is_user},
              "The user whose rights are taken on once the ports are bound. Empty: stay as started."),
          setting<&settings::server, &server::stop_within>(
              "stop_within", reload, duration{0s, 10min},
              "How long dialogues that are under way may go on after SIGTERM.",
              "what is still open then is cut: `421 4.3.2` to clients; deliveries are repeated after the start"),
          setting<&settings::server, &server::connections_max>("connections_max", reload, count{1, 1'000'000},
                                                               "SMTP connections that are served at a time.",
                                                               "`421 4.3.2` in place of the greeting"),
          setting<&settings::server, &server::connections_per_address_max>(
              "connections_per_address_max", reload, count{1, 1'000'000},
              "SMTP connections of one client address at a time.", "`421 4.7.0` in place of the greeting"),
      }};
}

section smtp_section() {
  constexpr auto in = &settings::smtp;
  constexpr auto limit = &smtp_settings::limits;
  return {
      "smtp",
      "What clients may do on the listeners.",
      {
          setting<in, &smtp_settings::inbound_domains>(
              "inbound_domains", reload, domains,
              "Domains whose mail is accepted from anyone on listeners of kind `smtp`. Give each a route: by MX the "
              "mail "
              "would come back here.",
              "a recipient in another domain, from a client outside `trusted_networks`: `550 5.7.1`"),
          setting<in, limit, &limits::message_bytes_max>("message_bytes_max", reload, size{1024, 2'147'483'648},
                                                         "The largest message, as announced by SIZE (RFC 1870).",
                                                         "`552 5.3.4` at MAIL, or after the end of the message"),
          setting<in, limit, &limits::recipients_max>(
              "recipients_max", reload, count{1, 50'000},
              "Recipients of one message. RFC 5321 4.5.3.1.8 asks for at least 100.", "`452 4.5.3` at RCPT"),
          setting<in, limit, &limits::messages_max>("messages_max", reload, count{1, 1'000'000'000},
                                                    "Messages of one connection.",
                                                    "`421 4.7.0` at MAIL, and the connection is closed"),
          setting<in, limit, &limits::errors_max>("errors_max", reload, count{1, 1'000'000},
                                                  "Commands of one connection that may be refused with 5xx.",
                                                  "`421 4.7.0`, and the connection is closed"),
          setting<in, limit, &limits::command_line_bytes_max>("command_line_bytes_max", reload, size{512, 65'536},
                                                              "The longest command line.", "`500 5.5.2`"),
          setting<in, limit, &limits::text_line_bytes_max>(
              "text_line_bytes_max", reload, size{998, 1'048'576},
              "The longest line of a message. RFC 5321 4.5.3.1.6 allows 998; real mail has longer ones.",
              "`554 5.6.0` after the end of the message"),
          setting<in, &smtp_settings::header_bytes_max>("header_bytes_max", reload, size{1024, 16'777'216},
                                                        "The largest header of a message.",
                                                        "`552 5.3.4` after the end of the message"),
          setting<in, &smtp_settings::header_fields_max>("header_fields_max", reload, count{10, 100'000},
                                                         "Fields in the header of a message.",
                                                         "`552 5.3.4` after the end of the message"),
          setting<in, &smtp_settings::hops_max>(
              "hops_max", reload, count{1, 1000},
              "`Received` fields in a message; more of them mean that it goes round in circles.",
              "`554 5.4.6` after the end of the message"),
          setting<in, &smtp_settings::newlines>(
              "newlines", reload,
              choice<smtp::newline_policy>{
                  {{"refuse", smtp::newline_policy::refuse}, {"normalize", smtp::newline_policy::normalize}}},
              "What becomes of a message with a bare CR or LF. `normalize` turns each into CRLF; the end of data stays "
              "CRLF.CRLF, so that nothing can be smuggled.",
              "with `refuse`: `550 5.6.11` after the end of the message, `500 5.5.2` in a command"),
          setting<in, &smtp_settings::command_timeout>(
              "command_timeout", reload, duration{100ms, 1h},
              "How long a client may take for a command. RFC 5321 4.5.3.2.7 asks for at least 5 minutes.",
              "`421 4.4.2`, and the connection is closed"),
          setting<in, &smtp_settings::data_timeout>(
              "data_timeout", reload, duration{100ms, 1h},
              "How long a client may pause within a message (RFC 5321 4.5.3.2.5).",
              "`421 4.4.2`, and the connection is closed"),
          setting<in, &smtp_settings::session_max>("session_max", reload, duration{1s, 30 * 24h},
                                                   "How long one connection may last.",
                                                   "`421 4.4.2`, and the connection is closed"),
      }};
}

section auth_section() {
  constexpr auto in = &settings::auth;
  using sasl::mechanism;
  const choice<mechanism> names{{{"PLAIN", mechanism::plain},
                                 {"LOGIN", mechanism::login},
                                 {"SCRAM-SHA-256", mechanism::scram_sha_256},
                                 {"OAUTHBEARER", mechanism::oauthbearer},
                                 {"XOAUTH2", mechanism::xoauth2},
                                 {"EXTERNAL", mechanism::external}}};
  constexpr std::string_view locks =
      "a locked source: `421 4.7.0`; a locked login: `535 5.7.8`, as for a wrong password";
  return {
      "auth",
      "How clients log in (SMTP AUTH, RFC 4954).",
      {
          setting<in, &auth::mechanisms>("mechanisms", reload,
                                         list_of<choice<mechanism>>{names, "mechanisms", 0, sasl::mechanism_count},
                                         "What is offered, in this order. `OAUTHBEARER` and `XOAUTH2` are offered once "
                                         "`introspection_url` is set, "
                                         "`EXTERNAL` to clients with a certificate.",
                                         "any other mechanism: `504 5.5.4`"),
          setting<in, &auth::plaintext_networks>(
              "plaintext_networks", reload, networks,
              "Clients that may log in without TLS: passwords then travel as they are.",
              "others: AUTH is not offered before TLS, and refused with `538 5.7.11` or `502 5.5.1`"),
          setting<in, &auth::failures_max>(
              "failures_max", reload, count{1, 1'000'000},
              "Failed logins of one source address (of IPv6, one /64), or of one login, within `failure_window`; then "
              "it is locked. A login is not locked for addresses where it succeeded in the last 30 days.",
              locks),
          setting<in, &auth::failure_window>("failure_window", reload, duration{1s, 24h}, "See `failures_max`."),
          setting<in, &auth::lockout>("lockout", reload, duration{1s, 7 * 24h},
                                      "How long a source or login stays locked. `gonets auth unlock` ends it sooner.",
                                      locks),
          setting<in, &auth::failure_delay>(
              "failure_delay", reload, duration{0s, 10s},
              "How long the reply to the first failed login waits; that to the n-th within `failure_window` waits n "
              "times as long, ten times at most. Rounded up to whole seconds."),
          setting<in, &auth::introspection_url>(
              "introspection_url", restart,
              text{"an https:// URL (http:// to this machine only), or empty", is_empty_or_http_url},
              "Who says whether an OAuth token is good (RFC 7662). Its `username`, or else `sub`, is the login. "
              "`http://` only to this machine.",
              "while it does not answer: `454 4.7.0`"),
          setting<in, &auth::introspection_client_id>("introspection_client_id", restart, anything,
                                                      "As whom the server asks it; empty: as nobody."),
          setting<in, &auth::introspection_secret_file>(
              "introspection_secret_file", restart, file,
              "The file with the password that goes with `introspection_client_id`. The server's user must be able to "
              "read it."),
      }};
}

section tls_section() {
  return {"tls",
          "TLS for clients of the listeners; their certificates stand in `[[certificate]]`.",
          {
              setting<&settings::tls, &tls_settings::self_signed>(
                  "self_signed", reload, yes_or_no{},
                  "Whether the server makes itself a certificate, in the folder `tls` of the spool, when none is "
                  "configured: for development. No client has a reason to trust it."),
          }};
}

section spool_section() {
  constexpr auto in = &settings::spool;
  return {"spool",
          "Where accepted mail is kept until it has been delivered.",
          {
              setting<in, &spool::path>("path", restart,
                                        text{"an absolute path, such as \"/var/lib/gonets/spool\"", is_absolute},
                                        "The spool's folder. It is made if only itself is missing."),
              setting<in, &spool::free_bytes_min>("free_bytes_min", reload, size{1'048'576, 1ull << 50},
                                                  "Space to leave free on the spool's disk.",
                                                  "with less: `452 4.3.1` at MAIL"),
              setting<in, &spool::hot_bytes_max>("hot_bytes_max", restart, size{0, 1ull << 40},
                                                 "Memory for bodies that wait for their first attempt.",
                                                 "no reply: further bodies are read from the disk"),
              setting<in, &spool::event_retention>(
                  "event_retention", reload, duration{1h, 3650 * 24h},
                  "How long events, and with them the addresses of recipients, are kept. No shorter than the longest "
                  "`expires_after`, or `gonets trace` could not explain what is still queued."),
          }};
}

section accounts_section() {
  constexpr auto in = &settings::accounts;
  return {
      "accounts",
      "Where accounts, plans, credentials and sender domains are kept.",
      {
          setting<in, &account_settings::database>(
              "database", restart,
              text{"\"sqlite:/path/accounts.db\" or \"postgresql://user@host/database\"", is_database},
              "A SQLite file, made when it is missing; or a PostgreSQL, which several servers may share, by a URL as "
              "libpq reads it (a password is better kept in `~/.pgpass`). Empty: `accounts/accounts.db` beside "
              "`spool.path`."),
          setting<in, &account_settings::key_file>(
              "key_file", restart, file,
              "32 bytes, in hex or base64, that the private keys in the database are encrypted with. Empty, with "
              "SQLite: `accounts.key` beside the database, made when it is missing. Required for PostgreSQL, the same "
              "for all its servers. Keep a copy."),
          setting<in, &account_settings::stale_max>(
              "stale_max", restart, duration{1s, 30 * 24h},
              "How long known credentials go on working while the database can't be reached.",
              "`454 4.7.0` at AUTH; unknown credentials get it at once"),
      }};
}

section delivery_section() {
  constexpr auto in = &settings::delivery;
  const duration wait{100ms, 1h};
  constexpr std::string_view deferred = "no reply to clients: the recipients are deferred with `451 4.4.2`";
  constexpr std::string_view waits = "no reply: the rest of the mail waits in the queue";
  return {
      "delivery",
      "How mail leaves.",
      {
          setting<in, &delivery::helo>("helo", reload, host_name,
                                       "The name given in EHLO; the DNS should map it to the source address and back. "
                                       "Empty: `server.hostname`."),
          setting<in, &delivery::source_ipv4>("source_ipv4", reload,
                                              text{"an IPv4 address, such as \"192.0.2.1\"", is_empty_or_ipv4},
                                              "The address that connections leave from. Empty: the system's choice."),
          setting<in, &delivery::source_ipv6>("source_ipv6", reload,
                                              text{"an IPv6 address, such as \"2001:db8::1\"", is_empty_or_ipv6},
                                              "The same for IPv6."),
          setting<in, &delivery::ipv4>("ipv4", reload, yes_or_no{}, "Deliver over IPv4."),
          setting<in, &delivery::ipv6>("ipv6", reload, yes_or_no{}, "Deliver over IPv6."),
          setting<in, &delivery::port>("port", reload, count{1, 65'535},
                                       "The port of MX hosts; another one than 25 serves tests."),
          setting<in, &delivery::connections_per_site_max>(
              "connections_per_site_max", reload, count{1, 10'000},
              "Connections to one destination site (the domains that share one set of MX hosts) at a time.", waits),
          setting<in, &delivery::connections_max>("connections_max", reload, count{1, 1'000'000},
                                                  "Connections to all destinations at a time.", waits),
          setting<in, &delivery::recipients_per_transaction_max>(
              "recipients_per_transaction_max", reload, count{1, 10'000},
              "Recipients that are given to a destination with one copy of a message.",
              "no reply: the rest goes in further transactions"),
          setting<in, &delivery::messages_per_connection_max>(
              "messages_per_connection_max", reload, count{1, 1'000'000},
              "Messages after which a connection is closed.", "no reply: the next message gets a new connection"),
          setting<in, &delivery::connect_timeout>("connect_timeout", reload, wait, "For a connection to be made.",
                                                  "no reply to clients: the next host is tried; after the last one the "
                                                  "recipients are deferred with `451 4.4.1`"),
          setting<in, &delivery::greeting_timeout>("greeting_timeout", reload, wait,
                                                   "For the greeting (RFC 5321 4.5.3.2.1).", deferred),
          setting<in, &delivery::helo_timeout>("helo_timeout", reload, wait, "For the reply to EHLO.", deferred),
          setting<in, &delivery::mail_timeout>("mail_timeout", reload, wait,
                                               "For the reply to MAIL (RFC 5321 4.5.3.2.2).", deferred),
          setting<in, &delivery::rcpt_timeout>("rcpt_timeout", reload, wait,
                                               "For the reply to RCPT (RFC 5321 4.5.3.2.3).", deferred),
          setting<in, &delivery::data_timeout>("data_timeout", reload, wait, "For the 354 (RFC 5321 4.5.3.2.4).",
                                               deferred),
          setting<in, &delivery::block_timeout>(
              "block_timeout", reload, wait, "For a part of the message to be taken (RFC 5321 4.5.3.2.5).", deferred),
          setting<in, &delivery::end_of_data_timeout>(
              "end_of_data_timeout", reload, wait,
              "For the reply to the end of a message (RFC 5321 4.5.3.2.6). A shorter one makes duplicates.", deferred),
          setting<in, &delivery::idle_timeout>("idle_timeout", reload, duration{0s, 10min},
                                               "How long a connection without work is kept.",
                                               "no reply: the connection is closed with QUIT"),
          setting<in, &delivery::site_backoff_base>(
              "site_backoff_base", reload, duration{100ms, 1h},
              "How long a site that cannot be reached is left alone at first; twice as long each further time."),
          setting<in, &delivery::site_backoff_max>("site_backoff_max", reload, duration{100ms, 24h},
                                                   "The longest that such a site is left alone.",
                                                   "no reply: the site's mail waits no longer than this for a probe"),
          setting<in, &delivery::tls>(
              "tls", reload, levels_of_tls,
              "TLS to mail hosts, where no `[[tls_policy]]` says otherwise. `none`: never. `opportunistic`: where a "
              "host "
              "offers it; if it is refused or broken, in the clear. `required`: TLS or nothing, whoever the "
              "certificate "
              "is from. `verified`: with a certificate of a known authority, in the name of the mail host or of the "
              "recipient's domain.",
              "`required` and `verified`: a host that does not meet it is passed over; after the last one the "
              "recipients "
              "are deferred at stage `tls` with `451 4.7.10` or `451 4.7.5`"),
          setting<in, &delivery::dane>(
              "dane", reload, yes_or_no{},
              "DANE (RFC 7672): where DNSSEC vouches for a domain's mail hosts and their TLSA records, TLS with a "
              "certificate of these records is required. Needs validated answers: see `dns.trust_anchor`.",
              "a certificate that is not: as for `delivery.tls`; TLSA records that can't be looked up: `451 4.7.5`"),
          setting<in, &delivery::mta_sts>(
              "mta_sts", reload, yes_or_no{}, "MTA-STS (RFC 8461): the policy that a domain publishes is enforced.",
              "a host that the policy does not allow: `451 4.7.5`; else as for `delivery.tls`"),
          setting<in, &delivery::mta_sts_timeout>(
              "mta_sts_timeout", reload, duration{1s, 5min},
              "For fetching a domain's policy. Only mail to a domain of which nothing is known yet waits for it.",
              "the domain's mail goes without a policy, or with the one that is known; fetched again after 5 minutes"),
          setting<in, &delivery::mta_sts_port>("mta_sts_port", reload, count{1, 65'535},
                                               "The port of policy hosts: another than 443 is for tests and "
                                               "laboratories."),
          setting<in, &delivery::tls_ca_file>(
              "tls_ca_file", restart, file,
              "Certificates of the authorities that are trusted, PEM. Empty: those that "
              "the system trusts."),
          setting<in, &delivery::allow_loopback_mx>(
              "allow_loopback_mx", restart, yes_or_no{},
              "Whether MX hosts may resolve to addresses of this machine: for tests and laboratories. Where it is off, "
              "outsiders' DNS can't lead the server to what listens on its own loopback."),
      }};
}

section dns_section() {
  constexpr auto in = &settings::dns;
  return {"dns",
          "The built-in caching resolver.",
          {
              setting<in, &dns::servers>("servers", restart, list_of<endpoint_text>{{1}, "endpoints", 0, 16},
                                         "Resolvers to ask. Empty: the names are resolved from the root, by the server "
                                         "itself."),
              setting<in, &dns::trust_anchor>(
                  "trust_anchor", restart, file,
                  "The keys that DNSSEC is validated with: a file of DS or DNSKEY records. Empty: those of the root "
                  "(package dns-root-data) where the server resolves from the root itself, none where it asks "
                  "`servers`; give them there, too, if those pass on signatures: without validated answers there is no "
                  "DANE.",
                  "an answer that does not validate: the recipients are deferred with `451 4.4.3`"),
              setting<in, &dns::timeout>("timeout", restart, duration{100ms, 2min},
                                         "For one question, its repetitions included.",
                                         "no reply to clients: the recipients are deferred with `451 4.4.3`"),
              setting<in, &dns::cache_bytes_max>("cache_bytes_max", restart, size{65'536, 1ull << 34},
                                                 "Memory for answers, on each shard.",
                                                 "no reply: the answers used longest ago are forgotten"),
          }};
}

section tls_report_section() {
  using tls_report = settings::tls_report_section;
  constexpr auto in = &settings::tls_report;
  const text word{"one line of text", is_line};
  return {"tls_report",
          "Daily reports on TLS (RFC 8460) to the domains that mail was sent to and that ask for them in their "
          "`_smtp._tls` record.",
          {
              setting<in, &tls_report::enabled>("enabled", reload, yes_or_no{},
                                                "Collect results, and send reports. Needs the three settings below."),
              setting<in, &tls_report::organization>("organization", reload, word, "Who reports: your company's name."),
              setting<in, &tls_report::from>("from", reload, text{"a mail address", is_empty_or_address},
                                             "The address that reports come from; its domain signs them, and is named "
                                             "as their submitter."),
              setting<in, &tls_report::contact>("contact", reload, word,
                                                "Whom to ask about a report: an address or a URL."),
          }};
}

section api_section() {
  constexpr auto in = &settings::api;
  return {
      "api",
      "Where the command-line tools and, later, the console talk to the server.",
      {
          setting<in, &api::socket>("socket", restart,
                                    text{"an absolute path, such as \"/run/gonets/api.sock\"", is_absolute},
                                    "A Unix socket; whoever may write to it may administer the server."),
          setting<in, &api::listen>("listen", restart, endpoint_text{0},
                                    "The same over HTTP, and the metrics. Empty: not offered. On a loopback address "
                                    "only, as it speaks no TLS; it asks for API keys."),
      }};
}

section dkim_section() {
  return {
      "dkim",
      "Signatures (RFC 6376). The keys of senders' domains are in the database: `gonets domain` makes them.",
      {
          setting<&settings::dkim, &settings::dkim_section::platform_domain>(
              "platform_domain", reload, host_name,
              "A verified sender domain of the account `default` whose keys sign all mail of clients, beside the "
              "sender's own domain. Empty: none."),
          setting<&settings::dkim, &settings::dkim_section::expires_after>(
              "expires_after", reload, duration{0s, 365 * 24h},
              "For how long after acceptance signatures are good (the tag `x=`), so that mail that is stolen can't be "
              "sent on for ever. Longer than any mail waits in the queue. `0s`: they don't expire."),
      }};
}

bool is_address(std::string_view s) {
  return parse_address(s).has_value();
}
// One that can stand in a DNS record and a URI without being quoted.
bool is_empty_or_plain_address(std::string_view s) {
  return is_empty_or_address(s) && s.find_first_of(" ,;!") == s.npos;
}
bool is_empty_or_spf(std::string_view s) {
  std::vector<domain_check::detail::spf_term> terms;
  std::string wrong;
  return s.size() <= 400 && s.find_first_of("\"\\\r\n") == s.npos &&
         domain_check::detail::parse_spf("v=spf1 " + std::string(s), terms, wrong) &&
         std::ranges::none_of(terms, [](const auto& t) { return t.modifier || t.name == "all"; });
}

section domains_section() {
  constexpr auto in = &settings::domains;
  return {
      "domains",
      "Sender domains: what their owners are to publish, and how often it is looked at. `gonets domain` manages them.",
      {
          setting<in, &domains_settings::spf>(
              "spf", reload,
              text{"SPF mechanisms without \"all\", such as \"include:spf.example.net\"", is_empty_or_spf},
              "What senders put into their SPF records for this server. Empty: its addresses, one by one."),
          setting<in, &domains_settings::return_path_host>(
              "return_path_host", reload, host_name,
              "Where return-path domains of senders point (CNAME); publish an MX to this server and an SPF record "
              "there. Empty: each has an MX and an SPF record of its own."),
          setting<in, &domains_settings::tracking_host>(
              "tracking_host", reload, host_name,
              "Where tracking domains of senders point (CNAME). Empty: none is asked for."),
          setting<in, &domains_settings::dmarc_reports>(
              "dmarc_reports", reload, text{"an address, such as \"dmarc@example.com\"", is_empty_or_plain_address},
              "The address for aggregate reports in the DMARC record that is proposed. A domain that takes reports for "
              "others must say so in DNS (RFC 7489 7.1). Empty: none is proposed."),
          setting<in, &domains_settings::egress_addresses>(
              "egress_addresses", reload,
              list_of<text>{{"an address, such as \"192.0.2.1\"", is_address}, "addresses", 0, 1000},
              "The addresses that receivers see mail come from, where they are not the machine's: behind NAT, say. "
              "Empty: `delivery.source_ipv4` and `delivery.source_ipv6`, or the machine's."),
          setting<in, &domains_settings::check_every>(
              "check_every", reload, duration{1s, 30 * 24h},
              "How often each sender domain is looked up; one that got worse raises an event `domain`."),
          setting<in, &domains_settings::retire_after>(
              "retire_after", reload, duration{1s, 365 * 24h},
              "How long a key that was replaced is kept, and its record must stay in DNS: mail that it signed may be "
              "under way, or be verified late."),
      }};
}

section log_section() {
  constexpr auto in = &settings::log;
  const choice<std::string> levels{{{"debug", "debug"}, {"info", "info"}, {"warning", "warning"}, {"error", "error"}}};
  const choice<std::string> formats{{{"text", "text"}, {"json", "json"}}};
  return {"log",
          "The log, on standard error.",
          {
              setting<in, &log_settings::level>("level", reload, levels, "The least important lines that are written."),
              setting<in, &log_settings::format>("format", reload, formats,
                                                 "`text`: `key=value` lines; `json`: one object a line."),
          }};
}

template <class Entry>
declaration<Entry> entry_domains(std::string_view doc) {
  const text pattern{"a domain (\"example.com\"), all below one (\"*.example.com\"), or all (\"*\")",
                     is_domain_pattern};
  const list_of<text> patterns{pattern, "domains", 1, 100'000};
  declaration<Entry> d{"domain", reload, doc, "", pattern.expected() + "; or an array of them"};
  d.required = true;
  d.read = [pattern, patterns](const value& v, Entry& to, mismatches& wrong) {
    if (v.kind == detail::value_kind::array) return patterns.read(v, to.domains, wrong);
    pattern.read(v, to.domains.emplace_back(), wrong);
  };
  d.write = [patterns](const Entry& from) { return patterns.write(from.domains); };
  return d;
}

declaration<route_entry> route_tls() {
  declaration<route_entry> d{
      "tls", reload,
      "What is asked of TLS on the way to the host of an `smtp`, `smtps` or `lmtp` route, as `delivery.tls` says it; "
      "`verified` wants a certificate with the route's host name. Without it: `verified` for `smtps`, nothing for a "
      "Unix socket, and `delivery.tls` for the rest.",
      "", levels_of_tls.expected()};
  d.read = [](const value& v, route_entry& to, mismatches& wrong) {
    level asked = level::none;
    const std::size_t before = wrong.size();
    levels_of_tls.read(v, asked, wrong);
    if (wrong.size() == before) to.tls = asked;
  };
  d.write = [](const route_entry& from) { return from.tls ? levels_of_tls.write(*from.tls) : std::string("absent"); };
  return d;
}

declaration<route_entry> route_target() {
  declaration<route_entry> d{
      "to", reload,
      "Where the mail goes: by MX; to a smarthost (port 25 if none is given), or with TLS from the first byte "
      "(`smtps`, port "
      "465); by LMTP to a host (port 24) or a Unix "
      "socket; into Maildir folders, with `{domain}` and `{local}` filled in; into the capture mailbox; nowhere.",
      "",
      R"("mx", "smtp://host:port", "smtps://host:port", "lmtp://host:port", "lmtp:/path/socket", "maildir:/path/{domain}/{local}", )"
      R"("capture" or "discard")"};
  d.required = true;
  d.read = [expected = d.expected](const value& v, route_entry& to, mismatches& wrong) {
    const auto target = v.kind == detail::value_kind::text ? parse_target(v.text) : std::nullopt;
    const std::vector<std::string> words{"mx", "capture", "discard"};
    if (!target) return refuse(v, expected, wrong, v.kind == detail::value_kind::text ? nearest(v.text, words) : "");
    to.target = *target;
  };
  d.write = [](const route_entry& from) { return detail::quote(target_text(from.target)); };
  return d;
}

}  // namespace

const std::vector<section>& sections() {
  static const std::vector<section> all{server_section(),     smtp_section(),     tls_section(),      auth_section(),
                                        spool_section(),      accounts_section(), delivery_section(), dns_section(),
                                        tls_report_section(), api_section(),      dkim_section(),     domains_section(),
                                        log_section()};
  return all;
}

const std::vector<declaration<listener>>& listener_declarations() {
  static const std::vector<declaration<listener>> all{
      setting<&listener::kind>(
          "kind", restart,
          choice<listener_kind>{{{"smtp", listener_kind::smtp},
                                 {"submission", listener_kind::submission},
                                 {"submissions", listener_kind::submissions}}},
          "`smtp`: from the world, for `smtp.inbound_domains`, and from trusted networks for any "
          "domain. `submission`: from who logs in, and from trusted networks (RFC 6409). Both offer STARTTLS when "
          "there "
          "is a certificate. `submissions`: as `submission`, over TLS from the first byte (RFC 8314)."),
      required(setting<&listener::address>("address", restart, endpoint_text{0},
                                           "Where to listen; port 0 takes a free one.")),
      setting<&listener::trusted_networks>("trusted_networks", reload, networks, "Clients that may send to any domain.",
                                           "others: `550 5.7.1` at RCPT for domains that are not inbound"),
      setting<&listener::proxy_protocol_from>(
          "proxy_protocol_from", reload, networks,
          "Proxies that tell the client's address by the PROXY protocol, version 1 or 2. They are believed.",
          "a connection from them without the header is closed without a reply"),
      setting<&listener::stream>("stream", reload, text{"the name of a stream, such as \"bulk\"", is_stream_name},
                                 "The stream that mail from here belongs to."),
      setting<&listener::tls_certificate>(
          "tls_certificate", reload, file,
          "The certificate of this listener with its chain, PEM, in place of those of `[[certificate]]`."),
      setting<&listener::tls_key>("tls_key", reload, file, "Its private key, PEM without a passphrase."),
      setting<&listener::client_certificates>(
          "client_certificates", reload, yes_or_no{},
          "Whether clients are asked for a certificate with TLS. Any is taken, from whomever: by its SHA-256 it stands "
          "for the credential that it was registered for."),
  };
  return all;
}

const std::vector<declaration<certificate>>& certificate_declarations() {
  const text pem_file{"an absolute path, such as \"/etc/gonets/mail.pem\"", is_absolute};
  static const std::vector<declaration<certificate>> all{
      required(setting<&certificate::certificate_file>("certificate", reload, pem_file,
                                                       "The certificate, with its chain behind it, PEM.")),
      required(setting<&certificate::key_file>(
          "key", reload, pem_file,
          "Its private key, PEM without a passphrase. The server's user must be able to read it for a reload.")),
  };
  return all;
}

const std::vector<declaration<route_entry>>& route_declarations() {
  static const std::vector<declaration<route_entry>> all{
      entry_domains<route_entry>("The domains that the route is for. ASCII case does not count; `*.example.com` is any "
                                 "depth below `example.com`, without itself."),
      route_target(), route_tls()};
  return all;
}

const std::vector<declaration<tls_entry>>& tls_declarations() {
  static const std::vector<declaration<tls_entry>> all{
      entry_domains<tls_entry>("The recipients' domains that the level is for, written as those of a route."),
      required(setting<&tls_entry::level>("level", reload, levels_of_tls, "As `delivery.tls` says it.")),
  };
  return all;
}

std::string_view tls_doc() {
  return "What is asked of TLS on the way to domains that go by MX. The first that matches wins; for the rest there is "
         "`delivery.tls`. DANE and MTA-STS apply besides, where a domain has them, but not where the level is `none`.";
}

const std::vector<declaration<stream>>& stream_declarations() {
  using shaping::retry_policy;
  constexpr auto in = &stream::retry;
  static const std::vector<declaration<stream>> all{
      setting<&stream::priority>("priority", reload, count{0, 100},
                                 "Of the mail that may go to a site, that of the lower number goes first."),
      setting<in, &retry_policy::delays>(
          "retry", reload, list_of<duration>{{100ms, 30 * 24h}, "durations", 1, 100},
          "The time before the first, second, ... further attempt; the last one repeats."),
      setting<in, &retry_policy::jitter>(
          "jitter", reload, fraction{0, 1},
          "Each of these is changed by up to this part of it, so that what failed together "
          "is not tried again together."),
      setting<in, &retry_policy::expires_after>("expires_after", reload, duration{1s, 60 * 24h},
                                                "How long after acceptance a recipient is given up.",
                                                "no reply to clients: the recipient ends as expired, and its sender is "
                                                "told with status `5.4.7`"),
      setting<in, &retry_policy::delay_notice_after>(
          "delay_notice_after", reload, duration{1s, 60 * 24h},
          "How long after acceptance the sender is told, once, that the mail is late."),
  };
  return all;
}

std::string_view listener_doc() {
  return "One table a port. Without any, mail comes in by other ways than SMTP only.";
}

std::string_view certificate_doc() {
  return "Certificates for all listeners. The one that bears the name which a client asks for (SNI) is used, else the "
         "first. Two with the same names, one with an RSA key and one with an EC key, are offered together. The files "
         "are read again on SIGHUP; open connections go on.";
}

std::string_view route_doc() {
  return "What overrides MX for domains. The first that matches wins; what none matches goes by MX.";
}

std::string_view stream_doc() {
  return "Classes of mail, each with a priority and a retry schedule. `transactional` and `bulk` are always there, and "
         "are "
         "changed by naming them; any other name makes a further stream. The defaults below are those of "
         "`transactional`; "
         "`bulk` has the priority 1 and expires after 2d, any other stream has the priority 1. A name is made of `a` "
         "to "
         "`z`, `0` to `9`, `-` and `_`.";
}

bool is_stream_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace gonets::config
