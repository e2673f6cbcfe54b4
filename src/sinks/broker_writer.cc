#include "sinks/broker_writer.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

#include "sinks/detail/state_file.h"

namespace gonets::sinks {
namespace {

using namespace std::chrono_literals;

constexpr auto slice = 100ms;  // of a wait, after which it is seen that the sink should stop

}  // namespace

std::string event_id(std::string_view server, const line_batch::mark& of) {
  return fmt::format("{}-{}-{}", server, of.seq.value, of.at.time_since_epoch().count());
}

broker_writer::broker_writer(std::string state_path, std::string server, broker_limits limits, const clock& time,
                             std::stop_token stopped)
    : state_path_(std::move(state_path)),
      server_(std::move(server)),
      limits_(limits),
      time_(time),
      stopped_(std::move(stopped)) {}

outcome<event_seq> broker_writer::open() {
  if (!window_) {
    const auto folder = std::filesystem::path(state_path_).parent_path();
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    if (error) return std::unexpected(folder.string() + ": " + error.message());
    const auto read = detail::read_state(state_path_);
    if (!read) return std::unexpected(read.error());
    window_.emplace(read->cursor);
    written_ = read->cursor;
  }
  const auto underway = connect();
  if (!underway) return std::unexpected(underway.error());
  if (!*underway) window_->forget();
  waiting_since_ = now();
  return window_->passed();
}

void broker_writer::acknowledged(event_seq seq) {
  if (window_->acknowledged(seq)) waiting_since_ = now();
}

bool broker_writer::full() const {
  return window_->size() >= limits_.outstanding_max || window_->bytes() >= limits_.outstanding_bytes_max;
}

outcome<void> broker_writer::collect_up_to(std::chrono::milliseconds wait) {
  if (auto done = collect(wait); !done) return done;
  if (window_->empty() || now() - waiting_since_ < limits_.stall_max) return {};
  auto why = trouble();
  waiting_since_ = now();
  return std::unexpected(fmt::format("no acknowledgment within {} s for {} events{}{}",
                                     std::chrono::duration_cast<std::chrono::seconds>(limits_.stall_max).count(),
                                     window_->size(), why.empty() ? "" : ": ", why));
}

outcome<void> broker_writer::append(const line_batch& batch, event_seq through, wall_time) {
  if (through < window_->passed()) window_.emplace(event_seq{0});  // another log than it was
  for (std::size_t i = 0; i < batch.marks.size(); ++i) {
    while (full()) {
      if (stopping()) return std::unexpected("stopping");
      if (auto done = collect_up_to(slice); !done) return done;
    }
    const auto& about = batch.marks[i];
    const auto line = batch.line(i);
    if (auto done = send({line, event_id(server_, about), about}); !done) return done;
    if (window_->empty()) waiting_since_ = now();
    window_->sent(about.seq, line.size());
  }
  window_->passed(through);
  return {};
}

outcome<progress> broker_writer::commit() {
  const auto safe = window_->safe();
  if (safe != written_) {
    if (auto done = detail::write_state(state_path_, {safe, {}}); !done)
      return std::unexpected(std::move(done.error()));
    written_ = safe;
  }
  return progress{safe, window_->take_count()};
}

outcome<progress> broker_writer::finish() {
  const auto until = now() + limits_.finish_max;
  while (!window_->empty() && now() < until) {
    if (const auto done = collect_up_to(slice); !done) break;  // what was acknowledged still counts
  }
  return commit();
}

}  // namespace gonets::sinks
