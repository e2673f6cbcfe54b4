// What JetStream says and asks for, without the network: subjects, and acknowledgments. Pure.
#pragma once
#include <string>
#include <string_view>

#include "sinks/detail/os_file.h"

namespace gonets::sinks::detail {

// Whether a stream that listens to `pattern` ("gonets.>", "gonets.*.bounced") takes each message of `subject`, in which
// "*" stands for any one token, too.
bool covers_subject(std::string_view pattern, std::string_view subject);

// The subject of an event: "gonets.{kind}" with "bounced" is "gonets.bounced".
std::string subject_for(std::string_view subject, std::string_view kind);

// The reply to a publish: {"stream":"EVENTS","seq":4} or {"error":{"code":503,"err_code":10077,"description":"..."}}.
// What the server refuses it with otherwise.
outcome<void> read_publish_ack(std::string_view text);

}  // namespace gonets::sinks::detail
