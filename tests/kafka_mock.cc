// A Kafka cluster in memory, of librdkafka's own making, for the daemon tests and the benchmark.
//
//     gonets_kafka_mock BROKERS
//
// Prints the addresses of its brokers, then obeys the lines on its standard input until that ends:
//
//     hide NAME PARTITIONS      says that there is no such topic; else whoever asks for one makes it
//     topic NAME PARTITIONS     makes a topic, or shows it again
//     consume NAME PARTITIONS   from now on prints its records, old ones first: partition, offset, key, event id and
//                               value, with tabs between them
//     down, up                  no broker can be reached; all can
//     fail CODE COUNT           so many requests to produce are answered with this error of Kafka's
//     rtt MS                    how long answers take
#include <fmt/format.h>
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>

#include <array>
#include <cstdio>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace {

constexpr int poll_ms = 100;
constexpr std::int16_t produce_request = 0;

using settings = std::vector<std::pair<const char*, std::string>>;

rd_kafka_t* make_client(rd_kafka_type_t type, const settings& with) {
  std::array<char, 512> why{};
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  rd_kafka_conf_set_log_cb(conf, nullptr);
  for (const auto& [name, value] : with) {
    if (rd_kafka_conf_set(conf, name, value.c_str(), why.data(), why.size()) != RD_KAFKA_CONF_OK)
      throw std::runtime_error(why.data());
  }
  rd_kafka_t* made = rd_kafka_new(type, conf, why.data(), why.size());
  if (made == nullptr) throw std::runtime_error(why.data());
  return made;
}

std::string_view text(const void* from, std::size_t size) {
  return from == nullptr ? std::string_view() : std::string_view(static_cast<const char*>(from), size);
}

void print(rd_kafka_message_t& m) {
  std::string_view id;
  rd_kafka_headers_t* headers = nullptr;
  const void* value = nullptr;
  std::size_t size = 0;
  if (rd_kafka_message_headers(&m, &headers) == RD_KAFKA_RESP_ERR_NO_ERROR &&
      rd_kafka_header_get_last(headers, "gonets-event-id", &value, &size) == RD_KAFKA_RESP_ERR_NO_ERROR)
    id = text(value, size);
  fmt::print("{}\t{}\t{}\t{}\t{}\n", m.partition, m.offset, text(m.key, m.key_len), id, text(m.payload, m.len));
  std::fflush(stdout);
}

void consume(const std::string& servers, const std::string& topic, int partitions) {
  rd_kafka_t* client = make_client(RD_KAFKA_CONSUMER, {{"bootstrap.servers", servers},
                                                       {"group.id", "mock"},
                                                       {"enable.auto.commit", "false"},
                                                       {"auto.offset.reset", "earliest"},
                                                       {"fetch.wait.max.ms", "50"},
                                                       {"reconnect.backoff.max.ms", "500"}});
  rd_kafka_poll_set_consumer(client);
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i)
    rd_kafka_topic_partition_list_add(all, topic.c_str(), i)->offset = RD_KAFKA_OFFSET_BEGINNING;
  rd_kafka_assign(client, all);
  for (;;) {
    rd_kafka_message_t* m = rd_kafka_consumer_poll(client, poll_ms);
    if (m == nullptr) continue;
    if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR) print(*m);
    rd_kafka_message_destroy(m);
  }
}

void obey(rd_kafka_mock_cluster_t* cluster, std::istringstream words) {
  std::string command, topic;
  words >> command;
  int number = 0;
  if (command == "topic") {
    words >> topic >> number;
    rd_kafka_mock_topic_create(cluster, topic.c_str(), number, 1);
    rd_kafka_mock_topic_set_error(cluster, topic.c_str(), RD_KAFKA_RESP_ERR_NO_ERROR);
  } else if (command == "hide") {
    words >> topic >> number;
    rd_kafka_mock_topic_create(cluster, topic.c_str(), number, 1);
    rd_kafka_mock_topic_set_error(cluster, topic.c_str(), RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART);
  } else if (command == "consume") {
    words >> topic >> number;
    std::thread(consume, std::string(rd_kafka_mock_cluster_bootstraps(cluster)), topic, number).detach();
  } else if (command == "down") {
    rd_kafka_mock_broker_set_down(cluster, -1);
  } else if (command == "up") {
    rd_kafka_mock_broker_set_up(cluster, -1);
  } else if (command == "fail") {
    int count = 0;
    words >> number >> count;
    const std::vector<rd_kafka_resp_err_t> errors(static_cast<std::size_t>(count),
                                                  static_cast<rd_kafka_resp_err_t>(number));
    rd_kafka_mock_push_request_errors_array(cluster, produce_request, errors.size(), errors.data());
  } else if (command == "rtt") {
    words >> number;
    rd_kafka_mock_broker_set_rtt(cluster, -1, number);
  } else {
    throw std::runtime_error("unknown command: " + command);
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    rd_kafka_t* client = make_client(RD_KAFKA_PRODUCER, {});
    rd_kafka_mock_cluster_t* cluster = rd_kafka_mock_cluster_new(client, argc > 1 ? std::stoi(argv[1]) : 1);
    fmt::print("{}\n", rd_kafka_mock_cluster_bootstraps(cluster));
    std::fflush(stdout);
    for (std::string line; std::getline(std::cin, line);)
      obey(cluster, std::istringstream(line));
  } catch (const std::exception& e) {
    fmt::print(stderr, "gonets_kafka_mock: {}\n", e.what());
    return 1;
  }
  std::_Exit(0);
}
