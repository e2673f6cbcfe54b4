// The configuration as the rest of the server sees it: plain values, checked. The defaults are those written here;
// names, docs, bounds and reload behaviour stand in declarations.cc, from which the reference page and the errors are
// made.
#pragma once
#include <array>
#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/network.h"
#include "config/sink.h"
#include "sasl/exchange.h"
#include "shaping/limit_book.h"
#include "shaping/provider.h"
#include "shaping/retry.h"
#include "shaping/verdict.h"
#include "shaping/warm_up_book.h"
#include "smtp/server_session.h"
#include "tls_policy/level.h"

namespace gonets::config {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

enum class listener_kind : std::uint8_t {
  smtp,        // from the world: accepts for inbound domains, and relays for trusted networks
  submission,  // from clients (RFC 6409): who logs in, and trusted networks
  submissions  // the same over implicit TLS (RFC 8314)
};

struct listener {
  listener_kind kind = listener_kind::smtp;
  endpoint address;
  std::vector<network> trusted_networks;  // may send to any domain
  std::vector<network> proxy_protocol_from;
  std::string stream = "transactional";
  std::string tls_certificate, tls_key;  // PEM files, in place of the [[certificate]] tables
  bool client_certificates = false;      // asked for, and taken for a credential
};

// For all listeners; the client's SNI picks one.
struct certificate {
  std::string certificate_file, key_file;  // PEM
};

struct stream {
  std::string name;
  unsigned priority = 1;  // lower goes first
  shaping::retry_policy retry;
  std::string egress;        // or pool, by which its mail leaves; empty: delivery.egress
  bool unsubscribe = false;  // its mail gets List-Unsubscribe, where there is a feedback.domain
  bool feedback_id = false;  // and Feedback-ID
  bool track_opens = false, track_clicks = false;
};
std::vector<stream> default_streams();  // transactional, priority 0, and bulk, priority 1

// `feedback`: the domain of our return paths; no route of the operator's.
enum class route_kind : std::uint8_t { mx, smtp, lmtp, maildir, capture, discard, feedback };

// What is asked of TLS on the way to a domain that goes by MX.
struct tls_rule {
  std::string domain = "*";  // a pattern, as of a route
  tls_policy::level level = tls_policy::level::opportunistic;
};

// Where access tokens come from: RFC 6749 section 6 with a refresh token, else 4.4.
struct oauth_client {
  std::string token_url;  // empty: the preset's
  std::string id, secret;
  std::string secret_file;         // where the secret is read from, at load(); empty: a client without one
  std::string refresh_token_file;  // read at each request; empty: the client asks for itself
  std::string scope;               // empty: the preset's
  bool operator==(const oauth_client&) const = default;
};

// By which we log in to a smarthost: a password, or an access token.
struct smarthost_login {
  std::string name, password;
  std::string password_file;  // where the password is read from, at load()
  std::string token_file;     // an access token, which is read at each login
  std::optional<oauth_client> oauth;
  bool by_token() const { return !token_file.empty() || oauth; }
  shaping::provider_limits limits;
  bool operator==(const smarthost_login&) const = default;
};

struct route {
  std::string domain = "*";  // "example.com", "*.example.com" (any depth below), "*"
  route_kind kind = route_kind::mx;
  std::string host;  // smtp, lmtp: name or address
  std::uint16_t port = 25;
  std::string path;                      // lmtp: a Unix socket; maildir: a folder, with {local} and {domain}
  bool implicit_tls = false;             // smtp: TLS from the first byte
  std::optional<tls_policy::level> tls;  // smtp, lmtp; absent: see tls_level_of
  std::string egress;                    // mx, smtp: or pool; empty: the stream's

  // Of kind smtp alone:
  std::vector<smarthost_login> logins;  // several are a pool, over which mail is spread
  bool login_without_tls = false;       // to this machine only
  std::string preset;                   // whose limits apply where neither the login nor the route has its own
  shaping::provider_limits limits;      // of each login, or of the site where there is none
};

// Through which connections leave.
struct exit_proxy {
  enum class protocol : std::uint8_t {
    none,
    socks5,  // RFC 1928
    haproxy  // the PROXY protocol: it is told by a header from and to which address to connect
  };
  protocol speaks = protocol::none;
  endpoint address;
  std::string user, password;  // of SOCKS (RFC 1929); empty: it wants none
  bool operator==(const exit_proxy&) const = default;
};

// By which way mail leaves this machine.
struct egress {
  std::string name;
  std::string source_ipv4, source_ipv6;  // what receivers see; with one alone, the other family is not used
  std::string helo;                      // empty: delivery.helo
  exit_proxy proxy;
  std::vector<std::string> public_addresses;  // what receivers see, where it is not the source addresses

  bool operator==(const egress&) const = default;
};

struct pool {
  struct member {
    std::string egress;
    unsigned weight = 1;
    bool operator==(const member&) const = default;
  };
  std::string name;
  std::vector<member> members;
  bool operator==(const pool&) const = default;
};

struct settings {
  struct server_section {
    std::string hostname;  // default: the machine's fully qualified name
    std::uint8_t node = 0;
    unsigned shards = 0;             // 0: half the cores, at least one
    std::string user;                // dropped to after binding; empty: stay
    milliseconds stop_within = 10s;  // for dialogues under way, at SIGTERM
    std::size_t connections_max = 20'000;
    std::size_t connections_per_address_max = 1000;
  } server;

  struct smtp_section {
    smtp::server_limits limits;
    std::size_t header_bytes_max = 131'072;
    std::size_t header_fields_max = 1000;
    std::size_t hops_max = 50;
    milliseconds hold_max = 720h;  // RFC 4865; 0: not offered
    smtp::newline_policy newlines = smtp::newline_policy::refuse;
    milliseconds command_timeout = 5min;  // RFC 5321 4.5.3.2.7
    milliseconds data_timeout = 3min;     // between blocks of data, 4.5.3.2.5
    milliseconds session_max = 24h;
    std::vector<std::string> inbound_domains;  // accepted from the world on listeners of kind smtp
  } smtp;

  struct tls_section {
    bool self_signed = false;  // a certificate is made in the spool's folder when none is configured
  } tls;

  struct auth_section {
    std::vector<sasl::mechanism> mechanisms{sasl::mechanism::plain,         sasl::mechanism::login,
                                            sasl::mechanism::scram_sha_256, sasl::mechanism::oauthbearer,
                                            sasl::mechanism::xoauth2,       sasl::mechanism::external};
    std::vector<network> plaintext_networks;  // may log in without TLS
    unsigned failures_max = 10;
    milliseconds failure_window = 10min;
    milliseconds lockout = 15min;
    milliseconds failure_delay = 1s;
    std::string introspection_url;  // empty: no OAuth
    std::string introspection_client_id;
    std::string introspection_secret_file;
  } auth;

  struct spool_section {
    std::string path = "/var/lib/gonets/spool";
    std::uint64_t free_bytes_min = 1'073'741'824;  // less free on the disk: 452 4.3.1
    std::uint64_t hot_bytes_max = 134'217'728;     // bodies kept in memory until settled
    milliseconds event_retention = 720h;
  } spool;

  struct journal_section {
    bool enabled = true;
    std::string database;  // postgresql://; empty: files in the spool's folder
    milliseconds retention = 720h;
  } journal;

  struct accounts_section {
    std::string database;         // sqlite:/path or postgresql://; default: beside the spool
    std::string key_file;         // default, with SQLite: beside the database
    milliseconds stale_max = 1h;  // without the database, known logins work for this long
  } accounts;

  struct delivery_section {
    std::string helo;  // default: server.hostname
    std::string source_ipv4, source_ipv6;
    std::string egress;  // or pool, of mail that neither route nor stream has one for; empty: these three
    std::vector<std::string> egress_choices;  // egresses and pools that a sender may name
    bool ipv4 = true, ipv6 = true;
    std::uint16_t port = 25;  // of MX hosts
    std::size_t connections_per_site_max = 20;
    std::size_t connections_max = 5000;
    std::size_t recipients_per_transaction_max = 100;
    std::size_t messages_per_connection_max = 1000;
    milliseconds connect_timeout = 30s;
    milliseconds greeting_timeout = 5min;
    milliseconds helo_timeout = 5min;
    milliseconds mail_timeout = 5min;
    milliseconds rcpt_timeout = 5min;
    milliseconds data_timeout = 2min;
    milliseconds block_timeout = 3min;
    milliseconds end_of_data_timeout = 10min;
    milliseconds idle_timeout = 15s;  // a connection without work is closed after this
    milliseconds site_backoff_base = 30s;
    milliseconds site_backoff_max = 15min;
    tls_policy::level tls = tls_policy::level::opportunistic;  // of domains that no tls_rule is for
    bool dane = true, mta_sts = true;
    milliseconds mta_sts_timeout = 1min;  // of fetching a policy: RFC 8461 3.3
    std::uint16_t mta_sts_port = 443;     // of policy hosts: another one in labs only
    std::string tls_ca_file;              // PEM; empty: whom the system trusts
    bool allow_loopback_mx = false;       // MX hosts may be on this machine: for tests and labs
  } delivery;

  struct dns_section {
    std::vector<endpoint> servers;  // empty: resolve from the root, by ourselves
    std::string trust_anchor;       // a file; empty: the root's where we resolve from the root, else none
    milliseconds timeout = 10s;
    std::size_t cache_bytes_max = 33'554'432;
  } dns;

  struct shaping_section {
    std::string rules_file;  // providers and reply rules; empty: those of the binary
    bool adaptive = true;
    bool dry_run = false;
    shaping::rate start_rate{10, 1s};
    shaping::rate rate_max{100'000, 1s};
    unsigned start_connections = 4;
  } shaping;

  struct blocklists_section {
    std::vector<std::string> zones;  // empty: none is asked
    milliseconds check_every = 1h;
    bool take_out = false;  // an egress that is listed
  } blocklists;

  struct tls_report_section {
    bool enabled = false;
    std::string organization, from, contact;
  } tls_report;

  struct webhooks_section {
    std::vector<network> allow_networks;  // that are no part of the internet, and may be sent to all the same
    milliseconds timeout = 15s;
    milliseconds give_up_after = 72h;
  } webhooks;

  struct api_section {
    std::string socket = "/run/gonets/api.sock";
    std::optional<endpoint> listen;  // loopback only: it speaks no TLS
  } api;

  struct dkim_section {
    std::string platform_domain;   // signs all mail beside the sender's domain; empty: none
    milliseconds expires_after{};  // x= of signatures, since acceptance; 0: they don't expire
  } dkim;

  struct domains_section {
    std::string spf;                            // what senders put into their SPF records; empty: the addresses
    std::string return_path_host;               // target of return-path CNAMEs; empty: MX to this server
    std::string tracking_host;                  // target of tracking CNAMEs
    std::string dmarc_reports;                  // address for rua=
    std::vector<std::string> egress_addresses;  // empty: delivery.source_ipv4 and _ipv6, or the machine's
    milliseconds check_every = 24h;
    milliseconds retire_after = 168h;
  } domains;

  struct feedback_section {
    std::string domain;      // of return paths; empty: mail keeps those of its senders
    std::string postmaster;  // gets what people write to postmaster@ and abuse@ there
    bool forward = true;     // what comes back also goes to the message's own return path
  } feedback;

  struct web_section {
    std::optional<endpoint> listen;  // plain HTTP, for a proxy
    std::string url;                 // under which it can be reached from outside; empty: nothing leads there
    std::vector<network> proxies{{*parse_address("127.0.0.0"), 104}, {*parse_address("::1"), 128}};
  } web;

  struct log_section {
    std::string level = "info";   // debug, info, warning, error
    std::string format = "text";  // text (logfmt) or json
  } log;

  std::vector<listener> listeners;
  std::vector<certificate> certificates;            // the first is for clients that name no other's names
  std::vector<stream> streams = default_streams();  // transactional and bulk always exist
  std::vector<route> routes;                        // first match wins; after the last one stands { "*", mx }

  std::vector<egress> egresses;  // besides default_egress
  std::vector<pool> pools;
  std::vector<shaping::warm_up_order> warm_ups;
  std::vector<tls_rule> tls_rules;  // first match wins
  std::vector<shaping::limit_order> limits;
  std::vector<sink> sinks;

  // A stream that the configuration has no more (its mail is still in the spool) is taken for transactional.
  const stream& stream_named(const std::string& name) const;
  // Those that the listener offers, the default first; none: it offers no TLS.
  std::vector<certificate> certificates_of(const listener& of) const;
  certificate self_signed_files() const;  // where it is, or will be
};

}  // namespace gonets::config
