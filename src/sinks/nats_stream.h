// Events into a stream of NATS JetStream, which must be there: each is published with its id in `Nats-Msg-Id`, by which
// the server drops what it has already (within the stream's duplicate window), and counts once the stream has stored
// it.
#pragma once
#include <memory>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "config/sink.h"
#include "sinks/writer.h"

namespace gonets::sinks {

std::unique_ptr<writer> make_nats_stream(const config::sink& with, std::string state_path, std::string server,
                                         const clock& time, std::stop_token stopped);

}  // namespace gonets::sinks
