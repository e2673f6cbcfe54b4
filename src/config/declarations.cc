#include "config/declarations.h"

#include <algorithm>

#include "base/network.h"
#include "config/detail/declare.h"
#include "config/detail/nested.h"
#include "config/detail/sections.h"
#include "config/presets.h"
#include "config/routes.h"
#include "sasl/client.h"

namespace gonets::config {
namespace {

using namespace detail;
using detail::text;

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
    tls_policy::level asked = tls_policy::level::none;
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
      "socket; into Maildir folders, with `{domain}` and `{local}` filled in; into the capture mailbox; nowhere. "
      "Needed "
      "unless a `preset` says it.",
      "",
      R"("mx", "smtp://host:port", "smtps://host:port", "lmtp://host:port", "lmtp:/path/socket", "maildir:/path/{domain}/{local}", )"
      R"("capture" or "discard")"};
  d.read = [expected = d.expected](const value& v, route_entry& to, mismatches& wrong) {
    to.has_target = true;
    const auto target = v.kind == detail::value_kind::text ? parse_target(v.text) : std::nullopt;
    const std::vector<std::string> words{"mx", "capture", "discard"};
    if (!target) return refuse(v, expected, wrong, v.kind == detail::value_kind::text ? nearest(v.text, words) : "");
    to.target = *target;
  };
  d.write = [](const route_entry& from) {
    return from.has_target ? detail::quote(target_text(from.target)) : std::string("absent");
  };
  return d;
}

constexpr text login_name{"a login's name, such as \"user@example.com\"", sasl::is_client_name};
constexpr secret_text password_kind{sasl::is_client_password, "a password of one line"};
constexpr text password_path{"a path, such as \"mailbox.password\"",
                             [](std::string_view s) { return s.find('\0') == std::string_view::npos; }};

// Over HTTPS, but to a server on this machine.
bool is_token_url(std::string_view text) {
  const auto rest = text.starts_with("http://") ? text.substr(7) : text.starts_with("https://") ? text.substr(8) : "";
  const auto host = rest.substr(0, rest.find_first_of(":/"));
  return !host.empty() && text.find_first_of(" \t\r\n") == std::string_view::npos &&
         (text.starts_with("https://") || is_loopback_host(host));
}

constexpr text token_url_kind{"an https:// URL; http:// to this machine alone", is_token_url};
constexpr text client_text{"one line of text", [](std::string_view s) {
                             return !s.empty() &&
                                    s.find_first_of(std::string_view("\0\r\n", 3)) == std::string_view::npos;
                           }};

struct oauth_table {
  std::string expected() const { return "a table, such as { client_id = \"...\", refresh_token_file = \"...\" }"; }
  void read(const value& v, std::optional<oauth_client>& to, mismatches& wrong) const {
    if (v.kind != value_kind::table) return refuse(v, expected(), wrong);
    read_nested(v, oauth_declarations(), to.emplace(), wrong);
  }
  std::string write(const std::optional<oauth_client>& from) const {
    if (!from) return "absent";
    std::string text;
    for (const auto& d : oauth_declarations()) {
      const auto value = d.write(*from);
      if (value != "\"\"") text += fmt::format("{}{} = {}", text.empty() ? "{ " : ", ", d.name, value);
    }
    return text + " }";
  }
};

// A name, or the tables of a pool.
declaration<route_entry> route_login() {
  declaration<route_entry> d{
      "login", reload,
      "Of a route to a smarthost: who logs in there, by SCRAM-SHA-256, PLAIN or LOGIN with a password, by XOAUTH2 or "
      "OAUTHBEARER with an access token. Then `tls` is `verified` unless "
      "it is said otherwise, and at least `required`. A login that is refused makes the mail wait. Several are written "
      "as `[[route.login]]` tables.",
      "", login_name.expected() + "; or [[route.login]] tables"};
  d.read = [expected = d.expected](const value& v, route_entry& to, mismatches& wrong) {
    if (v.kind == value_kind::text) return login_name.read(v, to.single.name, wrong);
    if (v.kind != value_kind::array || v.items.empty()) return refuse(v, expected, wrong);
    for (const value& each : v.items) {
      if (each.kind != value_kind::table) return refuse(each, expected, wrong);
      read_nested(each, login_declarations(), to.logins.emplace_back(), wrong);
    }
  };
  d.write = [](const route_entry& from) {
    return from.single.name.empty() ? std::string("absent") : quote(from.single.name);
  };
  return d;
}

declaration<route_entry> route_preset() {
  declaration<route_entry> d{
      "preset", reload,
      "A provider that `gonets rules presets` lists: where its submission server is, unless `to` says it, and what it "
      "lets a login send.",
      "", "the name of a preset"};
  d.read = [expected = d.expected](const value& v, route_entry& to, mismatches& wrong) {
    if (v.kind == value_kind::text && (v.text.empty() || find_preset(v.text) != nullptr)) {
      to.preset = v.text;
      return;
    }
    std::vector<std::string> names;
    for (const preset& p : shipped_presets())
      names.push_back(p.name);
    refuse(v, expected, wrong, v.kind == value_kind::text ? nearest(v.text, names) : "");
  };
  d.write = [](const route_entry& from) { return quote(from.preset); };
  return d;
}

}  // namespace

const std::vector<section>& sections() {
  static const std::vector<section> all{
      server_section(),     smtp_section(),       tls_section(),      auth_section(), spool_section(),
      journal_section(),    accounts_section(),   delivery_section(), dns_section(),  shaping_section(),
      blocklists_section(), tls_report_section(), webhooks_section(), api_section(),  dkim_section(),
      domains_section(),    feedback_section(),   web_section(),      log_section()};
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
      route_target(),
      route_tls(),
      route_preset(),
      route_login(),
      setting<&route_entry::single, &smarthost_login::password>("password", reload, password_kind,
                                                                "Of `login`. It is never shown."),
      setting<&route_entry::single, &smarthost_login::password_file>(
          "password_file", reload, password_path,
          "In place of `password`: a file with nothing but it. A relative path begins at the configuration file's "
          "folder. It is read with the configuration, at start and at each reload."),
      setting<&route_entry::single, &smarthost_login::token_file>(
          "token_file", reload, password_path,
          "In place of a password: a file with an OAuth 2 access token, which another program keeps fresh. It is read "
          "at "
          "each login."),
      setting<&route_entry::single, &smarthost_login::oauth>(
          "oauth", reload, oauth_table{},
          "In place of a password: how access tokens are got, `{ client_id, client_secret_file, refresh_token_file }` "
          "([docs/smarthosts.md](smarthosts.md))."),
      setting<&route_entry::limits>(
          "limits", reload, limits_table{},
          "What each login may send, in place of the preset's figures; without a login, what the whole route may.",
          "no reply to clients: mail waits"),
      setting<&route_entry::login_without_tls>(
          "login_without_tls", reload, yes_or_no{},
          "Lets a password go in the clear. For a smarthost on this machine (a loopback address) alone."),
      setting<&route_entry::egress>("egress", reload, egress_name,
                                    "The `[[egress]]` or `[[pool]]` that the mail leaves by, whatever its stream says. "
                                    "Of a route to `mx`, `smtp` or `smtps`."),
  };
  return all;
}

const std::vector<declaration<smarthost_login>>& login_declarations() {
  static const std::vector<declaration<smarthost_login>> all{
      required(setting<&smarthost_login::name>("name", reload, login_name, "Who logs in.")),
      setting<&smarthost_login::password>("password", reload, password_kind, "As `route.password`."),
      setting<&smarthost_login::password_file>("password_file", reload, password_path, "As `route.password_file`."),
      setting<&smarthost_login::token_file>("token_file", reload, password_path, "As `route.token_file`."),
      setting<&smarthost_login::oauth>("oauth", reload, oauth_table{}, "As `route.oauth`."),
      setting<&smarthost_login::limits>("limits", reload, limits_table{},
                                        "What this login may send, in place of the route's and the preset's figures."),
  };
  return all;
}

const std::vector<declaration<oauth_client>>& oauth_declarations() {
  static const std::vector<declaration<oauth_client>> all{
      required(
          setting<&oauth_client::id>("client_id", reload, client_text, "Of the application that is registered there.")),
      setting<&oauth_client::secret_file>(
          "client_secret_file", reload, password_path,
          "A file with the application's secret, as `route.password_file`. Without it, the application has none."),
      setting<&oauth_client::refresh_token_file>("refresh_token_file", reload, password_path,
                                                 "A file with the refresh token that the mailbox's owner gave the "
                                                 "application (RFC 6749 6). It is read at each "
                                                 "request for a token, and written when the answer brings another. "
                                                 "Without it, the application asks for itself "
                                                 "(RFC 6749 4.4, client credentials)."),
      setting<&oauth_client::token_url>("token_url", reload, token_url_kind,
                                        "Where tokens are asked for. Without it, where the preset says."),
      setting<&oauth_client::scope>("scope", reload, client_text,
                                    "What the token is for; without it, what the preset says."),
  };
  return all;
}

std::string_view oauth_doc() {
  return "How access tokens for a login of a `[[route]]` are got. One is asked for when it is needed, and again five "
         "minutes before it expires. While there is none, mail waits, and `gonets why` says what the answer was.";
}

const std::vector<declaration<tls_entry>>& tls_declarations() {
  static const std::vector<declaration<tls_entry>> all{
      entry_domains<tls_entry>("The recipients' domains that the level is for, written as those of a route."),
      required(setting<&tls_entry::level>("level", reload, levels_of_tls, "As `delivery.tls` says it.")),
  };
  return all;
}

const std::vector<declaration<limit_entry>>& limit_declarations() {
  const text name{"a name, or \"*\" for each by itself", [](std::string_view s) { return !s.empty(); }};
  static const std::vector<declaration<limit_entry>> all{
      setting<&limit_entry::egress>("egress", reload, name,
                                    "The egress that mail leaves by ([docs/egress.md](egress.md)). With `provider`: "
                                    "what goes there by it."),
      setting<&limit_entry::provider>("provider", reload, name,
                                      "The provider ([docs/shaping.md](shaping.md)) that is sent to."),
      setting<&limit_entry::account>("account", reload, name,
                                     "The account that sends. With `provider`: what the account sends there."),
      setting<&limit_entry::stream>("stream", reload, name, "The stream; neither with `provider` nor with `account`."),
      required(setting<&limit_entry::limits>("limits", reload, limits_table{}, "How much that may be.",
                                             "no reply to clients: mail waits, and `gonets why` names the limit")),
  };
  return all;
}

std::string_view limit_doc() {
  return "Bounds what is sent: by the whole server, or by an egress, to a provider, for an account, in a stream, or to "
         "a provider by an egress or for an account. Exact over all shards, and kept over a restart where the window "
         "is longer "
         "than a second. Of those for the same level the first that applies counts. A twentieth of what may be sent in "
         "an hour or a day, and a little of every other "
         "limit, is left to streams of priority 0.";
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
      setting<&stream::egress>(
          "egress", reload, egress_name,
          "The `[[egress]]` or `[[pool]]` that its mail leaves by, unless the route names one. Empty: that of "
          "`delivery.egress`. Mail that is in the queue keeps the name that it came in with."),
      setting<&stream::unsubscribe>(
          "unsubscribe", reload, yes_or_no{},
          "Whether its mail gets the fields `List-Unsubscribe` and `List-Unsubscribe-Post` (RFC 8058), where it has "
          "none of its own, one recipient, and there is a `feedback.domain`. docs/feedback.md says more."),
      setting<&stream::feedback_id>(
          "feedback_id", reload, yes_or_no{},
          "Whether its mail gets the field `Feedback-ID`, where it has none of its own and there is a "
          "`feedback.domain`: by it Google tells of complaints, and a feedback loop's report finds its message. "
          "docs/feedback.md says more."),
      setting<&stream::track_opens>(
          "track_opens", reload, yes_or_no{},
          "Whether its HTML mail to one recipient gets a picture by which an open is seen, where there is a `web.url`. "
          "docs/tracking.md says what that tells, and what not."),
      setting<&stream::track_clicks>(
          "track_clicks", reload, yes_or_no{},
          "Whether links in its HTML mail to one recipient lead through this server, so that a click is seen, where "
          "there is a `web.url`."),
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

std::string_view login_doc() {
  return "Logins of the `[[route]]` above, over which its mail is spread: all recipients of a message go by the same "
         "one. "
         "Each has connections and limits of its own.";
}

std::string_view stream_doc() {
  return "Classes of mail, each with a priority and a retry schedule. `transactional` and `bulk` are always there, and "
         "are "
         "changed by naming them; any other name makes a further stream. The defaults below are those of "
         "`transactional`; "
         "`bulk` has the priority 1, expires after 2d, and has `unsubscribe = true` and `feedback_id = true`; any "
         "other "
         "stream has the priority 1. "
         "A name is made of `a` to "
         "`z`, `0` to `9`, `-` and `_`.";
}

bool is_stream_name(std::string_view name) {
  const auto allowed = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; };
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), allowed);
}

}  // namespace gonets::config
