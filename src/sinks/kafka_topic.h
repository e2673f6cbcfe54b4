// Events into a topic of Kafka, which must be there: each is a record whose key is its message's id, so that what
// happened to a message stays in order, with its own id in the header `gonets-event-id`. It counts once all in-sync
// replicas have it. The producer is idempotent: what it tries again by itself is there once; only what it had no answer
// for when it was killed, or refused, comes a second time.
#pragma once
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "config/sink.h"
#include "sinks/writer.h"

namespace gonets::sinks {

std::unique_ptr<writer> make_kafka_topic(const config::sink& with, std::string state_path, std::string server,
                                         const clock& time, std::stop_token stopped);

}  // namespace gonets::sinks
