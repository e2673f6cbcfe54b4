// One [[sink]]: where the event log is copied to.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::config {

enum class sink_kind : std::uint8_t { jsonl, nats, kafka };
// By which Kafka is logged in to (RFC 4616, RFC 7677).
enum class sink_mechanism : std::uint8_t { plain, scram_sha_256, scram_sha_512 };

struct sink {
  std::string name;
  sink_kind kind = sink_kind::jsonl;
  std::vector<std::string> kinds, streams, accounts;

  // Of files:
  std::string folder;
  std::uint64_t rotate_bytes = 104'857'600;
  std::chrono::milliseconds rotate_after = std::chrono::hours(1);
  bool compress = true;  // of Kafka, too
  std::size_t keep_files = 0;
  std::chrono::milliseconds keep_for{0};

  // Of brokers:
  std::vector<std::string> servers;  // "host:port"
  std::string subject, jetstream;    // NATS; "{kind}" may be a token of the subject
  std::string topic;                 // Kafka
  bool tls = false;
  std::string tls_ca;  // a PEM file; empty: the system's
  std::string user, password, token;
  std::string password_file, token_file;  // where these are read from, at load()
  std::string credentials_file;           // NATS: a .creds file, which is read at each connection
  sink_mechanism mechanism = sink_mechanism::scram_sha_256;
  bool operator==(const sink&) const = default;
};

// Which kinds of sink have a setting, and whether they can't do without. All have those that are not told of.
struct sink_setting {
  std::string_view name;
  bool jsonl = false, nats = false, kafka = false;
  bool needed = false;
  bool is_of(sink_kind kind) const { return kind == sink_kind::jsonl ? jsonl : kind == sink_kind::nats ? nats : kafka; }
};
std::span<const sink_setting> sink_settings();

// Of one of `servers`: without the port, and the brackets of an IPv6 address.
std::string_view server_host(std::string_view server);

// Whether it is the name of a kind of event: events::kind_words(), which this layer does not see.
bool is_event_kind(std::string_view word);

}  // namespace gonets::config
