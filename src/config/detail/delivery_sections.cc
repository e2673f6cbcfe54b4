// The sections about keeping mail and sending it on.
#include <algorithm>

#include "config/detail/declare.h"
#include "config/detail/sections.h"
#include "message/address.h"

namespace gonets::config::detail {
namespace {

using spool = settings::spool_section;
using journal = settings::journal_section;
using delivery = settings::delivery_section;
using dns = settings::dns_section;

bool is_empty_or_postgresql(std::string_view s) {
  if (s.find_first_of(std::string_view("\0\"\n", 3)) != s.npos) return false;
  return s.empty() || s.starts_with("postgresql://") || s.starts_with("postgres://");
}

bool is_line(std::string_view s) {
  return s.size() <= 200 && std::ranges::none_of(s, [](char c) { return static_cast<unsigned char>(c) < ' '; });
}

}  // namespace

bool is_empty_or_address(std::string_view s) {
  return s.empty() || message::parse_address(s, false).has_value();
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

section journal_section() {
  constexpr auto in = &settings::journal;
  return {"journal",
          "What became of messages, for `gonets messages search`, and the counts behind `gonets stats`.",
          {
              setting<in, &journal::enabled>(
                  "enabled", restart, yes_or_no{},
                  "Whether it is kept. What is there already stays in the folder `journal` of the spool, which may be "
                  "deleted while the server is stopped."),
              setting<in, &journal::database>(
                  "database", restart, text{"\"postgresql://user@host/database\", or empty", is_empty_or_postgresql},
                  "A PostgreSQL that it is kept in, by a URL as libpq reads it (a password is better kept in "
                  "`~/.pgpass`); may be that of `accounts.database`. Several servers may share it: each then finds "
                  "what all "
                  "of them sent. Empty: a SQLite file a day."),
              setting<in, &journal::retention>(
                  "retention", reload, duration{24h, 3650 * 24h},
                  "Days whose messages were accepted longer ago than this are deleted, with their addresses and "
                  "counts. Not bound to `spool.event_retention`: what is searched for and what must be explained in "
                  "full may be kept for different times."),
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
          setting<in, &delivery::source_ipv4>("source_ipv4", reload, ipv4_source,
                                              "The address that connections leave from. Empty: the system's choice."),
          setting<in, &delivery::source_ipv6>("source_ipv6", reload, ipv6_source, "The same for IPv6."),
          setting<in, &delivery::egress>(
              "egress", reload, egress_name,
              "The `[[egress]]` or `[[pool]]` that mail leaves by where neither its route nor its stream names one. "
              "Empty: `default`, which is made of the three settings above."),
          setting<in, &delivery::egress_choices>(
              "egress_choices", reload,
              list_of<text>{{"the name of an egress or a pool", is_egress_name}, "names", 0, 1000},
              "The egresses and pools that trusted and logged-in senders may choose for a message by its header field "
              "`X-Gonets-Egress`, before what account and stream say. Another one there: `550 5.7.1`."),
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

section shaping_section() {
  using shaping = settings::shaping_section;
  constexpr auto in = &settings::shaping;
  return {"shaping",
          "How receivers are treated by what they are and what they answer.",
          {
              setting<&settings::shaping, &settings::shaping_section::rules_file>(
                  "rules_file", reload, file,
                  "Providers and reply rules ([docs/shaping.md](shaping.md)) in place of those that the program brings "
                  "along. `gonets rules check FILE` says whether it is right."),
              setting<in, &shaping::adaptive>(
                  "adaptive", reload, yes_or_no{},
                  "Finds for each site and stream how fast mail is taken there. Without it only the limits bound it."),
              setting<in, &shaping::dry_run>(
                  "dry_run", reload, yes_or_no{},
                  "What rules and replies would slow down or hold is written to the event log, and not done."),
              setting<in, &shaping::start_rate>(
                  "start_rate", reload, rate_text{},
                  "Where an MX site begins that nothing is known of; while all is accepted, it doubles every few "
                  "seconds. Smarthosts begin at `rate_max`."),
              setting<in, &shaping::rate_max>("rate_max", reload, rate_text{}, "No stream is sent to a site faster.",
                                              "no reply to clients: mail waits"),
              setting<in, &shaping::start_connections>("start_connections", reload, count{1, 10'000},
                                                       "Connections to an MX site that nothing is known of."),
          }};
}

section blocklists_section() {
  using blocklists = settings::blocklists_section;
  constexpr auto in = &settings::blocklists;
  return {
      "blocklists",
      "Whether the addresses that mail leaves from are on DNS block lists (RFC 5782); see "
      "[docs/egress.md](egress.md#block-lists). A change is an event `blocklist`.",
      {
          setting<in, &blocklists::zones>(
              "zones", reload, list_of<text>{{"a domain, such as \"zen.spamhaus.org\"", is_domain}, "domains", 0, 50},
              "The lists to ask. Empty: none, since each has terms of use, and many refuse resolvers that the "
              "public shares."),
          setting<in, &blocklists::check_every>("check_every", reload, duration{1s, 7 * 24h},
                                                "How often each address is looked up on each list."),
          setting<in, &blocklists::take_out>(
              "when_listed", reload, choice<bool>{{{"tell", false}, {"take_out", true}}},
              "`tell`: an event, a metric and a log line. `take_out`: besides, the mail of a pool goes by those of "
              "its egresses that are not listed, where there are any; never is a pool emptied for a list."),
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

}  // namespace gonets::config::detail
