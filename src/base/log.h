// Structured log lines on standard error: one line an event, `key=value` or JSON. Safe from any thread; a line is
// formatted by the caller and written by a background thread, so that logging does not wait for the terminal or pipe.
//
//     GONETS_LOG(info, "delivered", "id", to_text(id), "to", address, "delay_ms", 12);
//
// Never log body content, credentials, or unescaped bytes of a peer (values are escaped here).
#pragma once
#include <fmt/format.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::log {

enum class level : std::uint8_t { debug, info, warning, error };
enum class format : std::uint8_t { text, json };

extern std::atomic<level> threshold;
inline bool enabled(level at) {
  return at >= threshold.load(std::memory_order_relaxed);
}

// `descriptor` is where lines go; it stays the caller's. Another one only while the writer is stopped.
void configure(level threshold, format how, int descriptor = 2);
// Starts and stops the background writer; before start and after stop lines are written by the caller, at once.
// The writer holds at most 1 MiB that the reader of the log has not taken; further lines are dropped, and a line says
// how many. What is younger than 50 ms is lost when the process is killed: call stop() before ending it on purpose.
void start();
void stop();  // writes what is left

// One line being built: names and keys are ours, values anyone's. In a value, control bytes and bytes that are not
// UTF-8 become `\x1b`, in JSON too (where the backslash is itself escaped), so that any bytes give a valid line of
// either format. The time stamp is put in front when the line is handed over. Lines may nest, as when a value's text
// logs.
class line {
 public:
  line(level at, std::string_view event);
  ~line();  // hands it over
  line(const line&) = delete;
  line& operator=(const line&) = delete;
  void add(std::string_view key, std::string_view value);
  void add(std::string_view key, const char* value) { add(key, std::string_view(value)); }
  void add(std::string_view key, const std::string& value) { add(key, std::string_view(value)); }
  void add(std::string_view key, bool value) { add_bare(key, value ? "true" : "false"); }
  template <class Number>
  void add(std::string_view key, Number value) {
    const fmt::format_int text(value);
    add_bare(key, std::string_view(text.data(), text.size()));
  }

 private:
  void add_bare(std::string_view key, std::string_view value);  // never quoted
  void append_value(std::string_view value);
  std::string text_;
  format format_;  // a reload may change it while the line is built
};

inline void add_all(line&) {}
template <class Value, class... Rest>
void add_all(line& to, std::string_view key, const Value& value, const Rest&... rest) {
  to.add(key, value);
  add_all(to, rest...);
}

}  // namespace gonets::log

#define GONETS_LOG(at, event, ...)                                          \
  do {                                                                      \
    if (::gonets::log::enabled(::gonets::log::level::at)) {                 \
      ::gonets::log::line gonets_log_line(::gonets::log::level::at, event); \
      ::gonets::log::add_all(gonets_log_line __VA_OPT__(, ) __VA_ARGS__);   \
    }                                                                       \
  } while (false)
