// What writers to a broker share. An event is sent without waiting for those before it to be acknowledged, up to a
// bound of memory; the file of the cursor follows what is. So whatever is killed when, each event is there at least
// once: those behind the cursor are sent again, with the same id.
//
// A broker's writer says how to connect, send, and collect acknowledgments, and tells `window()` of those.
#pragma once
#include <chrono>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "sinks/ack_window.h"
#include "sinks/writer.h"

namespace gonets::sinks {

struct outgoing {
  std::string_view line;  // JSON, without LF
  std::string id;         // of the event: the same whenever it is sent, and no other's, of whatever server
  const line_batch::mark& about;
};

struct broker_limits {
  std::size_t outstanding_max = 4096;
  std::size_t outstanding_bytes_max = 16'777'216;
  std::chrono::milliseconds stall_max{10'000};  // without an acknowledgment, where one is waited for
  std::chrono::milliseconds finish_max{2000};
};

// "HOSTNAME-SEQ-MILLISECONDS": of its number alone another log could make the same.
std::string event_id(std::string_view server, const line_batch::mark& of);

class broker_writer : public writer {
 public:
  // `state_path`: its folder is made where it is missing. `server`: the name of this one. `time` must outlive it.
  broker_writer(std::string state_path, std::string server, broker_limits limits, const clock& time,
                std::stop_token stopped);

  outcome<event_seq> open() final;
  outcome<void> append(const line_batch& batch, event_seq through, wall_time now) final;
  outcome<void> tend(wall_time) final { return collect_up_to({}); }
  outcome<progress> commit() final;
  outcome<progress> finish() final;

 protected:
  // Makes sure of a connection, and that events may be sent. True: what was sent before is still on its way by it, and
  // will be acknowledged or refused.
  virtual outcome<bool> connect() = 0;
  virtual outcome<void> send(const outgoing& event) = 0;
  // Takes the acknowledgments that are there; where there is none, waits so long for one.
  virtual outcome<void> collect(std::chrono::milliseconds wait) = 0;
  // What is known of the broker when it stays silent; may be empty.
  virtual std::string trouble() = 0;

  void acknowledged(event_seq seq);
  bool stopping() const { return stopped_.stop_requested(); }
  const ack_window& window() const { return *window_; }
  steady_time now() const { return time_.steady(); }

 private:
  bool full() const;
  outcome<void> collect_up_to(std::chrono::milliseconds wait);

  const std::string state_path_, server_;
  const broker_limits limits_;
  const clock& time_;
  const std::stop_token stopped_;
  std::optional<ack_window> window_;
  event_seq written_;            // what the file has
  steady_time waiting_since_{};  // for an acknowledgment
};

}  // namespace gonets::sinks
