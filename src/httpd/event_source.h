// What the API asks of the event log. Part of httpd::control; answers come as its do.
#pragma once
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "events/event.h"
#include "httpd/exchange.h"

namespace gonets::httpd {

struct event_question {
  std::optional<event_seq> after;  // nothing: from now on
  std::size_t max = 100;
  std::chrono::milliseconds wait{0};  // for something to answer with
  std::string account;                // its name; empty: of all, and the server's own
  std::vector<events::kind> kinds;    // empty: all
  std::vector<std::string> streams;   // empty: all
};

struct event_text {
  event_seq seq;
  events::kind kind = events::kind::accepted;
  std::string json;
};

struct event_page {
  std::vector<event_text> events;
  event_seq next;             // where to go on
  std::uint64_t lost = 0;     // events behind the cursor that the retention took
  bool log_replaced = false;  // the cursor was of another log: this is the oldest of the present one
};

class event_source {
 public:
  template <class T>
  using done = std::move_only_function<void(T)>;
  // Of those that wait for events; given back with its last copy, on any thread.
  using place = std::shared_ptr<const void>;

  virtual ~event_source() = default;
  // Null: as many wait as may, in all or of this account.
  virtual place take_place(const std::string& account) = 0;
  virtual void read(event_question wanted, done<std::expected<event_page, response>> answer) = 0;
};

}  // namespace gonets::httpd
