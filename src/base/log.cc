#include "base/log.h"

#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <thread>

#include "base/thread_name.h"

namespace gonets::log {

std::atomic<level> threshold{level::info};

namespace {

constexpr std::size_t flush_bytes = 65'536;
constexpr std::size_t buffered_bytes_max = 1'048'576;
constexpr auto flush_within = std::chrono::milliseconds(50);

std::atomic<format> how{format::text};

constexpr std::array<std::string_view, 4> level_names{"debug", "info", "warning", "error"};

// ------------------------------------------------------------------ escaping

constexpr auto hex_digits = "0123456789abcdef";

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

// Length of the well-formed UTF-8 sequence at the start of `text` (RFC 3629 4), 0 when there is none. C1 controls count
// as ill-formed: terminals obey them.
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  const std::size_t length = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return 0;
  }
  const unsigned char second = byte(1);
  const bool c1_control = lead == 0xc2 && second < 0xa0;
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool surrogate = lead == 0xed && second > 0x9f;
  const bool too_high = lead == 0xf4 && second > 0x8f;
  return c1_control || overlong || surrogate || too_high ? 0 : length;
}

using byte_set = std::array<bool, 256>;
// Bytes that stand for themselves within quotes, in either format; and those that need no quotes.
constexpr byte_set literal = [] {
  byte_set set{};
  for (unsigned c = 0x20; c < 0x7f; ++c)
    set[c] = c != '"' && c != '\\';
  return set;
}();
constexpr byte_set bare = [] {
  byte_set set = literal;
  set[' '] = set['='] = false;
  return set;
}();

// How many bytes at the front are all of `set`.
std::size_t run_of(const byte_set& set, std::string_view value) {
  std::size_t n = 0;
  while (n < value.size() && set[static_cast<unsigned char>(value[n])])
    ++n;
  return n;
}

// `backslash` is how the format writes one.
void append_escaped(std::string& to, std::string_view value, std::string_view backslash) {
  while (true) {
    const std::size_t run = run_of(literal, value);
    to += value.substr(0, run);
    value.remove_prefix(run);
    if (value.empty()) return;
    const char c = value.front();
    const std::size_t length = utf8_length(value);
    if (length == 0 || is_control(static_cast<unsigned char>(c))) {
      to += backslash;
      to += 'x';
      to += hex_digits[static_cast<unsigned char>(c) >> 4];
      to += hex_digits[static_cast<unsigned char>(c) & 15];
      value.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\') to += '\\';
    to += value.substr(0, length);
    value.remove_prefix(length);
  }
}

// ------------------------------------------------------------------ the time

// "2026-01-31T23:59:59.123Z". The calendar is worked out once a second.
class stamp {
 public:
  std::string_view now() {
    timespec t{};
    clock_gettime(CLOCK_REALTIME, &t);
    if (t.tv_sec != second_) {
      second_ = t.tv_sec;
      std::tm utc{};
      gmtime_r(&second_, &utc);
      std::strftime(text_, sizeof text_, "%Y-%m-%dT%H:%M:%S.000Z", &utc);
    }
    const auto ms = static_cast<unsigned>(t.tv_nsec / 1'000'000);
    text_[20] = static_cast<char>('0' + ms / 100);
    text_[21] = static_cast<char>('0' + ms / 10 % 10);
    text_[22] = static_cast<char>('0' + ms % 10);
    return {text_, 24};
  }

 private:
  std::time_t second_ = -1;
  char text_[32] = "";
};

// ------------------------------------------------------------------ the writer

void write_all(int descriptor, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(descriptor, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      // Who shares our standard error may have made it non-blocking.
      pollfd ready{descriptor, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return;  // a log that can't be written can't be reported either
    }
  }
}

void append_line(std::string& to, format in, std::string_view stamp, std::string_view text) {
  to += in == format::json ? "{\"time\":\"" : "time=";
  to += stamp;
  to += text;
}

class writer {
 public:
  void direct_to(int descriptor) {
    const std::lock_guard lock(mutex_);
    descriptor_ = descriptor;
  }

  void start() {
    const std::lock_guard lock(mutex_);
    if (running_) return;
    running_ = true;
    thread_ = std::thread([this] {
      name_this_thread("log");
      run();
    });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      if (!running_) return;
      running_ = false;
    }
    wake_.notify_one();
    thread_.join();
  }

  // `text` is all of a line behind its time.
  void take(std::string_view text, format in) {
    std::unique_lock lock(mutex_);
    if (!running_) {
      std::string line;
      append_line(line, in, stamp_.now(), text);
      return write_all(descriptor_, line);
    }
    if (filling_.size() + text.size() > buffered_bytes_max) {
      ++dropped_;
      return;
    }
    const std::size_t before = filling_.size();
    append_line(filling_, in, stamp_.now(), text);
    const bool wake = before == 0 || (before < flush_bytes && filling_.size() >= flush_bytes);
    lock.unlock();
    if (wake) wake_.notify_one();
  }

 private:
  void run() {
    std::string writing;
    std::unique_lock lock(mutex_);
    while (running_ || !filling_.empty()) {
      // An idle log wakes nobody; the first line then waits for company.
      wake_.wait(lock, [this] { return !running_ || !filling_.empty(); });
      wake_.wait_for(lock, flush_within, [this] { return !running_ || filling_.size() >= flush_bytes; });
      writing.swap(filling_);
      if (dropped_ > 0) append_dropped(writing);
      const int descriptor = descriptor_;
      lock.unlock();
      write_all(descriptor, writing);
      writing.clear();
      lock.lock();
    }
  }

  // The buffer was full until now, so the lines that were dropped came after those in it.
  void append_dropped(std::string& to) {
    const format in = how.load(std::memory_order_relaxed);
    std::string text = in == format::json ? "\",\"level\":\"warning\",\"event\":\"log_lines_dropped\",\"count\":"
                                          : " level=warning event=log_lines_dropped count=";
    text += std::to_string(dropped_);
    text += in == format::json ? "}\n" : "\n";
    append_line(to, in, stamp_.now(), text);
    dropped_ = 0;
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  std::string filling_;
  std::uint64_t dropped_ = 0;
  stamp stamp_;
  int descriptor_ = STDERR_FILENO;
  bool running_ = false;
  std::thread thread_;
};

// The one global of the server: each part may have something to say, and a logger in every constructor would say
// nothing about what the part depends on. Never destroyed, so that the destructors of other statics may log.
writer& the_writer() {
  static writer& instance = *new writer;
  return instance;
}

// Of the line before on this thread, so that building one allocates nothing.
thread_local std::string spare;
constexpr std::size_t spare_bytes_max = 16'384;

}  // namespace

void configure(level at, format format, int descriptor) {
  threshold.store(at, std::memory_order_relaxed);
  how.store(format, std::memory_order_relaxed);
  the_writer().direct_to(descriptor);
}

void start() {
  the_writer().start();
}
void stop() {
  the_writer().stop();
}

line::line(level at, std::string_view event) : text_(std::move(spare)), format_(how.load(std::memory_order_relaxed)) {
  text_ += format_ == format::json ? "\",\"level\":\"" : " level=";
  text_ += level_names[static_cast<std::size_t>(at)];
  text_ += format_ == format::json ? "\",\"event\":" : " event=";
  append_value(event);
}

line::~line() {
  text_ += format_ == format::json ? "}\n" : "\n";
  the_writer().take(text_, format_);
  if (text_.capacity() > spare_bytes_max) return;
  text_.clear();
  spare = std::move(text_);
}

void line::add(std::string_view key, std::string_view value) {
  add_bare(key, {});
  append_value(value);
}

void line::add_bare(std::string_view key, std::string_view value) {
  if (format_ == format::json) {
    text_ += ",\"";
    text_ += key;
    text_ += "\":";
  } else {
    text_ += ' ';
    text_ += key;
    text_ += '=';
  }
  text_ += value;
}

void line::append_value(std::string_view value) {
  const bool as_is = run_of(bare, value) == value.size();
  const bool quoted = format_ == format::json || !as_is || value.empty();
  if (quoted) text_ += '"';
  if (as_is) {
    text_ += value;
  } else {
    append_escaped(text_, value, format_ == format::json ? "\\\\" : "\\");
  }
  if (quoted) text_ += '"';
}

}  // namespace gonets::log
