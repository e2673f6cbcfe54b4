// The tables of sinks.
#include <algorithm>
#include <array>
#include <charconv>

#include "config/detail/declare.h"
#include "config/sink.h"

namespace gonets::config {

using namespace detail;
using detail::text;

namespace {

bool is_server(std::string_view s) {
  const auto colon = s.rfind(':');
  if (colon == s.npos) return false;
  auto host = s.substr(0, colon);
  const auto digits = s.substr(colon + 1);
  std::uint16_t port = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size() || port == 0) return false;
  if (host.starts_with('[') && host.ends_with(']')) {
    const auto address = parse_address(host.substr(1, host.size() - 2));
    return address && !is_ipv4(*address);
  }
  return is_domain(host);
}

bool is_printable(std::string_view s, std::string_view but) {
  return std::ranges::all_of(s, [&](char c) { return c > ' ' && c < 0x7f && but.find(c) == but.npos; });
}

constexpr std::size_t broker_name_bytes_max = 249;

// Tokens with dots between them; one may be "{kind}".
bool is_subject(std::string_view s) {
  if (s.size() > broker_name_bytes_max || !is_printable(s, "*>")) return false;
  for (int kinds = 0;;) {
    const auto dot = s.find('.');
    const auto token = s.substr(0, dot);
    kinds += token == "{kind}" ? 1 : 0;
    if (token.empty() || kinds > 1 || (token != "{kind}" && token.find_first_of("{}") != token.npos)) return false;
    if (dot == s.npos) return true;
    s.remove_prefix(dot + 1);
  }
}

bool is_jetstream_name(std::string_view s) {
  return !s.empty() && s.size() <= broker_name_bytes_max && is_printable(s, ".*>/\\");
}

bool is_topic(std::string_view s) {
  constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
  return !s.empty() && s.size() <= broker_name_bytes_max && s != "." && s != ".." &&
         s.find_first_not_of(allowed) == s.npos;
}

bool is_user(std::string_view s) {
  return s.size() <= broker_name_bytes_max && std::ranges::none_of(s, [](char c) { return c >= 0 && c < ' '; });
}

}  // namespace

std::span<const sink_setting> sink_settings() {
  static constexpr std::array<sink_setting, 17> all{{
      {.name = "folder", .jsonl = true, .needed = true},
      {.name = "rotate_bytes", .jsonl = true},
      {.name = "rotate_after", .jsonl = true},
      {.name = "keep_files", .jsonl = true},
      {.name = "keep_for", .jsonl = true},
      {.name = "compress", .jsonl = true, .kafka = true},
      {.name = "servers", .nats = true, .kafka = true, .needed = true},
      {.name = "subject", .nats = true, .needed = true},
      {.name = "jetstream", .nats = true, .needed = true},
      {.name = "topic", .kafka = true, .needed = true},
      {.name = "tls", .nats = true, .kafka = true},
      {.name = "tls_ca", .nats = true, .kafka = true},
      {.name = "user", .nats = true, .kafka = true},
      {.name = "password_file", .nats = true, .kafka = true},
      {.name = "mechanism", .kafka = true},
      {.name = "token_file", .nats = true},
      {.name = "credentials_file", .nats = true},
  }};
  return all;
}

std::string_view server_host(std::string_view server) {
  auto host = server.substr(0, server.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

bool is_event_kind(std::string_view word) {
  static constexpr std::array<std::string_view, 22> words = {
      "accepted",       "deferred", "delivered", "bounced",      "expired",      "cancelled",
      "held",           "released", "discarded", "domain",       "pace",         "blocklist",
      "suppressed",     "opened",   "clicked",   "unsubscribed", "resubscribed", "complained",
      "inbound_bounce", "rejected", "quota",     "certificate"};
  return std::ranges::find(words, word) != words.end();
}

const std::vector<declaration<sink>>& sink_declarations() {
  const text name{"a name of a to z, 0 to 9, - and _, such as \"archive\"", is_egress_name};
  const text account{"an account's name, such as \"shop\"", [](std::string_view s) { return !s.empty(); }};
  const text folder{"an absolute path, such as \"/var/lib/gonets/events\"", is_absolute};
  const text subject{"a subject, such as \"gonets.events\" or \"gonets.{kind}\"", is_subject};
  const text jetstream{"a stream's name without dots and blanks, such as \"GONETS\"", is_jetstream_name};
  const text topic{"a topic's name of letters, digits, ., _ and -, such as \"gonets-events\"", is_topic};
  const text user{"a user's name", is_user};
  const text beside{"a path, such as \"/etc/gonets/nats.password\"", [](std::string_view s) { return !s.empty(); }};
  static const std::vector<declaration<sink>> all{
      required(setting<&sink::name>("name", restart, name,
                                    "What its files, its cursor, its metrics and the log name it by.")),
      required(setting<&sink::kind>(
          "kind", restart,
          choice<sink_kind>{{{"jsonl", sink_kind::jsonl}, {"nats", sink_kind::nats}, {"kafka", sink_kind::kafka}}},
          "`jsonl`: files with an event in JSON on each line. `nats`: a stream of NATS JetStream. `kafka`: a topic of "
          "Kafka.")),
      setting<&sink::kinds>("kinds", restart,
                            list_of<text>{{"a kind of event, such as \"bounced\"", is_event_kind}, "kinds", 0, 100},
                            "Only events of these kinds ([docs/events.md](events.md#kinds)). Empty: all."),
      setting<&sink::streams>("streams", restart,
                              list_of<text>{{"a stream's name, such as \"bulk\"", is_stream_name}, "streams", 0, 100},
                              "Only events of mail of these streams. Empty: of all, and those of no message."),
      setting<&sink::accounts>("accounts", restart, list_of<text>{account, "accounts", 0, 1000},
                               "Only events of the mail and the sender domains of these accounts. Empty: of all, and "
                               "the server's own."),
      setting<&sink::folder>("folder", restart, folder,
                             "`jsonl` needs it: where the files are, and `NAME.cursor`, which says how far they go. It "
                             "is made when it is missing, with the rights of the server's user."),
      setting<&sink::rotate_bytes>(
          "rotate_bytes", restart, size{1024, 1'099'511'627'776},
          "`jsonl`: of a file, as it is on the disk: beyond it the file is finished, and loses "
          "its ending `.part`."),
      setting<&sink::rotate_after>("rotate_after", restart, duration{1s, 8760h},
                                   "`jsonl`: a file this old is finished, too. Without events no file is begun."),
      setting<&sink::keep_files>("keep_files", restart, count{0, 1'000'000},
                                 "`jsonl`: so many finished files are kept, and older ones deleted; 0: all."),
      setting<&sink::keep_for>("keep_for", restart, duration{0ms, 87'600h},
                               "`jsonl`: finished files are deleted when their last event is this old; 0: never."),
      setting<&sink::compress>(
          "compress", restart, yes_or_no{},
          "`jsonl`: by zstd. The file that is being written can be read up to its latest events "
          "with `zstd -dc`, which then says that it has no end yet. `kafka`: batches of records by "
          "LZ4."),
      setting<&sink::servers>(
          "servers", restart,
          list_of<text>{{"a host and a port, such as \"nats.example.com:4222\"", is_server}, "servers", 1, 20},
          "`nats` and `kafka` need it. `nats`: they are tried in turn. `kafka`: the other brokers of the cluster are "
          "learned from them."),
      setting<&sink::subject>("subject", restart, subject,
                              "`nats` needs it: what events are published to. `{kind}` as one of its tokens becomes "
                              "the event's kind, so that consumers can choose."),
      setting<&sink::jetstream>("jetstream", restart, jetstream,
                                "`nats` needs it: the stream that keeps them. It must be there, and listen to the "
                                "subject: `nats stream add NAME --subjects SUBJECT`."),
      setting<&sink::topic>("topic", restart, topic, "`kafka` needs it: the topic. It must be there; it is not made."),
      setting<&sink::tls>("tls", restart, yes_or_no{},
                          "`nats`, `kafka`: by TLS, with a certificate in the name of the host in `servers`."),
      setting<&sink::tls_ca>("tls_ca", restart, file,
                             "`nats`, `kafka`: a PEM file with the authorities that may have issued it. Empty: those "
                             "that the system trusts."),
      setting<&sink::user>("user", restart, user, "`nats`, `kafka`: who logs in, by the password in `password_file`."),
      setting<&sink::password_file>(
          "password_file", restart, beside,
          "`nats`, `kafka`: a file with the password of `user` on one line, read when the server starts."),
      setting<&sink::mechanism>("mechanism", restart,
                                choice<sink_mechanism>{{{"plain", sink_mechanism::plain},
                                                        {"scram-sha-256", sink_mechanism::scram_sha_256},
                                                        {"scram-sha-512", sink_mechanism::scram_sha_512}}},
                                "`kafka`: the SASL mechanism by which `user` logs in."),
      setting<&sink::token_file>("token_file", restart, beside,
                                 "`nats`: a file with the server's token on one line, read when the server starts."),
      setting<&sink::credentials_file>("credentials_file", restart, beside,
                                       "`nats`: a `.creds` file with a JWT and its key. It is read at each connection, "
                                       "with the rights of the server's user."),
  };
  return all;
}

std::string_view sink_doc() {
  return "Copies the event log, in its order: into files, where each event is once, or to a broker, which gets each at "
         "least once ([docs/events.md](events.md#sinks)). A new sink begins with the oldest event that is kept "
         "(`spool.event_retention`). A sink that can't write tries again and never slows mail down. Which kinds have a "
         "setting, its description says first; those of another kind are refused.";
}

}  // namespace gonets::config
