// The sections about the server and what it listens to.
#include <string_view>

#include "config/detail/declare.h"
#include "config/detail/sections.h"

namespace gonets::config::detail {
namespace {

using server = settings::server_section;
using smtp_settings = settings::smtp_section;
using tls_settings = settings::tls_section;
using api = settings::api_section;
using web = settings::web_section;
using log_settings = settings::log_section;
using limits = smtp::server_limits;

bool is_user(std::string_view s) {
  return s.size() <= 32 && s.find_first_of(std::string_view(" :/\0", 4)) == s.npos;
}

bool is_empty_or_base_url(std::string_view s) {
  constexpr std::string_view scheme = "https://";
  constexpr std::size_t bytes_max = 200;  // it stands in a header line
  if (s.empty()) return true;
  return s.starts_with(scheme) && s.size() > scheme.size() && s.size() <= bytes_max && s[scheme.size()] != '/' &&
         s.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~:/[]%") == s.npos;
}

}  // namespace

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
          setting<in, &smtp_settings::hold_max>(
              "hold_max", reload, duration{0s, 365 * 24h},
              "The longest that clients which submit mail may have it held before it is sent (FUTURERELEASE, RFC 4865: "
              "HOLDFOR, HOLDUNTIL). 0 offers neither that nor DELIVERBY (RFC 2852).",
              "`501 5.5.4` at MAIL"),
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

section web_section() {
  return {
      "web",
      "What the world may see of the server by HTTP, apart from the API: the pages by which recipients unsubscribe, "
      "and the addresses by which their opens and clicks are seen.",
      {
          setting<&settings::web, &web::listen>(
              "listen", restart, endpoint_text{0},
              "Where they are served. Plain HTTP: a proxy with TLS stands in front, and passes `/u/`, `/o/` and `/c/` "
              "on. Empty: not offered."),
          setting<&settings::web, &web::url>(
              "url", reload,
              text{"an https:// URL without a query, such as \"https://mail.example.com\", or empty",
                   is_empty_or_base_url},
              "Under which recipients reach `listen`: the paths are put behind it. With it mail of a stream with "
              "`unsubscribe` can be unsubscribed from by one click (RFC 8058), and that of one with `track_opens` or "
              "`track_clicks` is tracked. Empty: unsubscribing is by mail only, and nothing is tracked."),
          setting<&settings::web, &web::proxies>(
              "proxies", restart, networks,
              "Whose `X-Forwarded-For` is believed: its last address is who opened or clicked."),
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

}  // namespace gonets::config::detail
