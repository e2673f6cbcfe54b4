#include "sinks/kafka_topic.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <librdkafka/rdkafka.h>

#include <array>
#include <utility>
#include <vector>

#include "sinks/broker_writer.h"

namespace gonets::sinks {
namespace {

using namespace std::chrono_literals;

constexpr auto connect_max = 5000ms;
constexpr auto ask_slice = 500ms;
constexpr broker_limits limits{.outstanding_max = 10'000, .stall_max = 30s};

struct client_end {
  void operator()(rd_kafka_t* client) const {
    rd_kafka_purge(client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);  // else it waits for them
    rd_kafka_destroy(client);
  }
};
struct topic_end {
  void operator()(rd_kafka_topic_t* topic) const { rd_kafka_topic_destroy(topic); }
};
struct conf_end {
  void operator()(rd_kafka_conf_t* conf) const { rd_kafka_conf_destroy(conf); }
};
struct error_end {
  void operator()(rd_kafka_error_t* error) const { rd_kafka_error_destroy(error); }
};

std::string_view mechanism_name(config::sink_mechanism m) {
  switch (m) {
    case config::sink_mechanism::plain:
      return "PLAIN";
    case config::sink_mechanism::scram_sha_256:
      return "SCRAM-SHA-256";
    case config::sink_mechanism::scram_sha_512:
      return "SCRAM-SHA-512";
  }
  return "";
}

// Callbacks come on the writer's own thread, out of rd_kafka_poll().
class kafka_topic final : public broker_writer {
 public:
  kafka_topic(const config::sink& with, std::string state_path, std::string server, const clock& time,
              std::stop_token stopped)
      : broker_writer(std::move(state_path), std::move(server), limits, time, std::move(stopped)), with_(with) {}

 protected:
  outcome<bool> connect() override;
  outcome<void> send(const outgoing& event) override;
  outcome<void> collect(std::chrono::milliseconds wait) override;
  std::string trouble() override { return last_error_; }

 private:
  outcome<void> make_client();
  std::vector<std::pair<const char*, std::string>> client_settings() const;
  outcome<void> check_topic();
  outcome<void> judge(const rd_kafka_metadata_t& found) const;
  void delivered(const rd_kafka_message_t& message);
  void told(rd_kafka_resp_err_t error, const char* reason);
  std::string servers() const { return fmt::format("{}", fmt::join(with_.servers, ",")); }

  const config::sink with_;
  std::unique_ptr<rd_kafka_t, client_end> client_;
  std::unique_ptr<rd_kafka_topic_t, topic_end> topic_;  // goes before its client
  std::string last_error_;                              // what the client said of its connections
  std::string failure_;                                 // not yet told to the sink
  bool in_use_ = false;                                 // it was connected, and may have events of ours
  bool broken_ = false;                                 // something was refused: what is behind it must be sent again
  bool hopeless_ = false;                               // it is of no use to wait longer for a connection
};

// A client that lost its brokers finds them again, and then sends what waits in it: each once, in order.
outcome<bool> kafka_topic::connect() {
  if (!client_ || broken_) {
    if (auto done = make_client(); !done) return std::unexpected(std::move(done.error()));
  }
  if (auto done = check_topic(); !done) return std::unexpected(std::move(done.error()));
  if (broken_) return std::unexpected(std::exchange(failure_, {}));
  failure_.clear();  // told of already, and over
  return std::exchange(in_use_, true);
}

std::vector<std::pair<const char*, std::string>> kafka_topic::client_settings() const {
  std::vector<std::pair<const char*, std::string>> all{
      {"bootstrap.servers", servers()},
      {"client.id", "gonets-" + with_.name},
      {"acks", "all"},
      {"enable.idempotence", "true"},
      {"message.timeout.ms", "0"},  // for ever: the log is behind it
      {"linger.ms", "10"},
      {"compression.codec", with_.compress ? "lz4" : "none"},
      {"partitioner", "murmur2_random"},  // as of the clients in Java
      {"allow.auto.create.topics", "false"},
      {"message.max.bytes", "104857600"},  // so that the topic's own bound counts
      {"reconnect.backoff.max.ms", "5000"},
      {"socket.keepalive.enable", "true"},
      {"security.protocol", fmt::format("{}{}", with_.user.empty() ? "" : "sasl_", with_.tls ? "ssl" : "plaintext")},
  };
  if (with_.tls) all.emplace_back("ssl.endpoint.identification.algorithm", "https");
  if (with_.tls && !with_.tls_ca.empty()) all.emplace_back("ssl.ca.location", with_.tls_ca);
  if (!with_.user.empty()) {
    all.emplace_back("sasl.mechanisms", mechanism_name(with_.mechanism));
    all.emplace_back("sasl.username", with_.user);
    all.emplace_back("sasl.password", with_.password);
  }
  return all;
}

outcome<void> kafka_topic::make_client() {
  topic_.reset();
  client_.reset();
  broken_ = in_use_ = false;
  failure_.clear();
  last_error_.clear();
  std::unique_ptr<rd_kafka_conf_t, conf_end> conf(rd_kafka_conf_new());
  std::array<char, 512> text{};
  for (const auto& [name, value] : client_settings()) {
    if (rd_kafka_conf_set(conf.get(), name, value.c_str(), text.data(), text.size()) != RD_KAFKA_CONF_OK)
      return std::unexpected(fmt::format("{}: {}", name, text.data()));
  }
  rd_kafka_conf_set_opaque(conf.get(), this);
  rd_kafka_conf_set_log_cb(conf.get(), nullptr);
  rd_kafka_conf_set_dr_msg_cb(conf.get(), [](rd_kafka_t*, const rd_kafka_message_t* message, void* self) {
    static_cast<kafka_topic*>(self)->delivered(*message);
  });
  rd_kafka_conf_set_error_cb(conf.get(), [](rd_kafka_t*, int error, const char* reason, void* self) {
    static_cast<kafka_topic*>(self)->told(static_cast<rd_kafka_resp_err_t>(error), reason);
  });
  auto* const given = conf.release();  // the client's, if there is one
  client_.reset(rd_kafka_new(RD_KAFKA_PRODUCER, given, text.data(), text.size()));
  if (!client_) {
    rd_kafka_conf_destroy(given);
    return std::unexpected(text.data());
  }
  topic_.reset(rd_kafka_topic_new(client_.get(), with_.topic.c_str(), nullptr));
  if (!topic_) return std::unexpected(rd_kafka_err2str(rd_kafka_last_error()));
  return {};
}

outcome<void> kafka_topic::check_topic() {
  hopeless_ = false;
  const auto until = now() + connect_max;
  const rd_kafka_metadata_t* found = nullptr;
  for (;;) {
    const auto error = rd_kafka_metadata(client_.get(), 0, topic_.get(), &found, static_cast<int>(ask_slice.count()));
    if (error == RD_KAFKA_RESP_ERR_NO_ERROR) break;
    rd_kafka_poll(client_.get(), 0);
    if (stopping()) return std::unexpected("stopping");
    if (now() < until && !hopeless_) continue;
    return std::unexpected(last_error_.empty() ? fmt::format("{}: {}", servers(), rd_kafka_err2str(error))
                                               : last_error_);
  }
  const auto judged = judge(*found);
  rd_kafka_metadata_destroy(found);
  rd_kafka_poll(client_.get(), 0);
  return judged;
}

outcome<void> kafka_topic::judge(const rd_kafka_metadata_t& found) const {
  if (found.topic_cnt != 1) return std::unexpected(fmt::format("{}: no answer about \"{}\"", servers(), with_.topic));
  switch (const auto error = found.topics[0].err; error) {
    case RD_KAFKA_RESP_ERR_NO_ERROR:
    case RD_KAFKA_RESP_ERR_LEADER_NOT_AVAILABLE:
      return {};
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
      return std::unexpected(
          fmt::format("there is no topic \"{0}\"; make it, as by: kafka-topics.sh --create --topic {0}", with_.topic));
    default:
      return std::unexpected(fmt::format("topic \"{}\": {}", with_.topic, rd_kafka_err2str(error)));
  }
}

void kafka_topic::delivered(const rd_kafka_message_t& message) {
  const event_seq seq{reinterpret_cast<std::uintptr_t>(message._private)};
  if (message.err == RD_KAFKA_RESP_ERR_NO_ERROR) return acknowledged(seq);
  if (!broken_)
    failure_ = fmt::format("event {} of {} bytes for the topic \"{}\": {}", seq.value, message.len, with_.topic,
                           rd_kafka_err2str(message.err));
  broken_ = true;
}

void kafka_topic::told(rd_kafka_resp_err_t error, const char* reason) {
  switch (error) {
    case RD_KAFKA_RESP_ERR__FATAL: {
      std::array<char, 512> text{};
      rd_kafka_fatal_error(client_.get(), text.data(), text.size());
      failure_ = text.data();
      broken_ = true;
      return;
    }
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
      // Brokers close what is idle; it is an outage when something waits.
      if (!window().empty()) failure_ = last_error_.empty() ? reason : last_error_;
      return;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR__SSL:
      hopeless_ = true;
      [[fallthrough]];
    default:
      last_error_ = reason;
  }
}

outcome<void> kafka_topic::send(const outgoing& event) {
  const auto key = event.about.message == message_id{} ? std::string() : to_text(event.about.message);
  std::array<rd_kafka_vu_t, 6> parts{};
  std::size_t n = 0;
  parts[n].vtype = RD_KAFKA_VTYPE_RKT;
  parts[n++].u.rkt = topic_.get();
  parts[n].vtype = RD_KAFKA_VTYPE_MSGFLAGS;
  parts[n++].u.i = RD_KAFKA_MSG_F_COPY;
  parts[n].vtype = RD_KAFKA_VTYPE_VALUE;
  parts[n++].u.mem = {const_cast<char*>(event.line.data()), event.line.size()};
  parts[n].vtype = RD_KAFKA_VTYPE_OPAQUE;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): a number to be given back, which points to nothing
  parts[n++].u.ptr = reinterpret_cast<void*>(event.about.seq.value);
  parts[n].vtype = RD_KAFKA_VTYPE_HEADER;
  parts[n++].u.header = {"gonets-event-id", event.id.data(), static_cast<ssize_t>(event.id.size())};
  if (!key.empty()) {
    parts[n].vtype = RD_KAFKA_VTYPE_KEY;
    parts[n++].u.mem = {const_cast<char*>(key.data()), key.size()};
  }
  const std::unique_ptr<rd_kafka_error_t, error_end> error(rd_kafka_produceva(client_.get(), parts.data(), n));
  if (!error) return {};
  broken_ = true;
  return std::unexpected(fmt::format("event {} of {} bytes for the topic \"{}\": {}", event.about.seq.value,
                                     event.line.size(), with_.topic, rd_kafka_error_string(error.get())));
}

outcome<void> kafka_topic::collect(std::chrono::milliseconds wait) {
  auto served = rd_kafka_poll(client_.get(), static_cast<int>(wait.count()));
  while (served > 0)
    served = rd_kafka_poll(client_.get(), 0);
  if (failure_.empty()) return {};
  return std::unexpected(std::exchange(failure_, {}));
}

}  // namespace

std::unique_ptr<writer> make_kafka_topic(const config::sink& with, std::string state_path, std::string server,
                                         const clock& time, std::stop_token stopped) {
  return std::make_unique<kafka_topic>(with, std::move(state_path), std::move(server), time, std::move(stopped));
}

}  // namespace gonets::sinks
