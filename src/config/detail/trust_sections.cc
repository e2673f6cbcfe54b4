// The sections about who may send, as whom.
#include <algorithm>

#include "base/network.h"
#include "config/detail/declare.h"
#include "config/detail/sections.h"
#include "domain_check/spf.h"

namespace gonets::config::detail {
namespace {

using auth = settings::auth_section;
using account_settings = settings::accounts_section;
using domains_settings = settings::domains_section;

bool is_database(std::string_view s) {
  if (s.find_first_of(std::string_view("\0\"\n", 3)) != s.npos) return false;
  return s.empty() || s.starts_with("sqlite:/") || s.starts_with("postgresql://") || s.starts_with("postgres://");
}

bool is_empty_or_http_url(std::string_view s) {
  return s.empty() || s.starts_with("https://") || s.starts_with("http://");
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

}  // namespace

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
              "others must say so in DNS (RFC 7489 7.1). Empty: `dmarc@` of `feedback.domain`, where the server reads "
              "them (`gonets domain reports`); without that, none is proposed."),
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

section feedback_section() {
  return {
      "feedback",
      "What comes back: bounces that arrive later, complaints. docs/feedback.md says how to set it up.",
      {
          setting<&settings::feedback, &settings::feedback_section::domain>(
              "domain", reload, host_name,
              "The domain of return paths, such as \"bounce.example.com\": mail that clients send leaves with an "
              "address "
              "there that names its message and recipient, so that each bounce is understood. It needs an MX that is "
              "this "
              "server, a listener of kind `smtp`, and an SPF record. Empty: mail keeps the return paths of its "
              "senders."),
          setting<&settings::feedback, &settings::feedback_section::postmaster>(
              "postmaster", reload, text{"an address, such as \"you@example.com\"", is_empty_or_plain_address},
              "Who gets what people write to postmaster and abuse at that domain (RFC 5321 4.5.1, RFC 2142). Wanted "
              "where `domain` is set."),
          setting<&settings::feedback, &settings::feedback_section::forward>(
              "forward", reload, yes_or_no{},
              "Whether a bounce, once it is understood, also goes on to the return path that the sender gave: for "
              "senders that read their bounces themselves."),
      }};
}

section webhooks_section() {
  using webhooks = settings::webhooks_section;
  constexpr auto in = &settings::webhooks;
  return {
      "webhooks",
      "Requests that tell receivers of events. Webhooks themselves are added by command or API: docs/webhooks.md.",
      {
          setting<in, &webhooks::allow_networks>(
              "allow_networks", reload, networks,
              "Networks that are no part of the internet (private, loopback, link-local) and may be sent to all the "
              "same, also without TLS. Whoever may add a webhook then reaches what is there."),
          setting<in, &webhooks::timeout>("timeout", reload, duration{1s, 2min},
                                          "For a whole request: names, connection, TLS, and the answer.",
                                          "the batch counts as not acknowledged, and is sent again"),
          setting<in, &webhooks::give_up_after>(
              "give_up_after", reload, duration{1min, 30 * 24h},
              "A webhook that fails for so long is paused. What happened since waits for `gonets webhook resume` as "
              "long as events are kept (`spool.event_retention`)."),
      }};
}

}  // namespace gonets::config::detail
