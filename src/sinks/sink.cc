#include "sinks/sink.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "events/event.h"

namespace gonets::sinks {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t batch_max = 2000;
constexpr std::chrono::milliseconds gather{200};          // few events at a time compress badly
constexpr std::chrono::milliseconds commit_period{1000};  // each is three syncs of the disk that mail may need
constexpr std::chrono::milliseconds idle{1000};
constexpr std::chrono::milliseconds retry_first{1000};
constexpr std::chrono::milliseconds retry_max{30'000};
constexpr int niceness = 10;

events::filter filter_of(const config::sink& with) {
  events::filter f;
  f.streams = with.streams;
  for (const auto& word : with.kinds) {
    if (const auto kind = events::parse_kind(word)) f.kinds.push_back(*kind);
  }
  return f;
}

jsonl_options options_of(const config::sink& with) {
  return {with.name, with.folder, with.rotate_bytes, with.rotate_after, with.compress, with.keep_files, with.keep_for};
}

std::int64_t ms_of(wall_time t) {
  return t.time_since_epoch().count();
}

}  // namespace

sink::sink(const config::sink& with, environment env)
    : name_(with.name),
      which_(filter_of(with)),
      env_(std::move(env)),
      gauges_(std::make_shared<gauges>()),
      written_(env_.counts.make_counter("gonets_sink_events_total", "Events written by a sink.", {{"sink", name_}})),
      lost_(env_.counts.make_counter("gonets_sink_events_lost_total",
                                     "Events that were gone from the log before a sink read them.", {{"sink", name_}})),
      files_(options_of(with)),
      log_(env_.log, env_.end, event_seq{0}),
      retry_after_(retry_first) {
  env_.counts.make_callback_gauge("gonets_sink_lag_seconds",
                                  "How old the oldest event is that a sink has not yet made safe.",
                                  [g = gauges_, &time = env_.time] {
                                    const auto since = g->behind_since_ms.load();
                                    return since == 0 ? 0.0 : std::max(0.0, double(ms_of(time.wall()) - since) / 1000);
                                  },
                                  {{"sink", name_}});
  env_.counts.make_callback_gauge("gonets_sink_up", "1 while a sink can write, else 0.",
                                  [g = gauges_] { return g->up.load() ? 1.0 : 0.0; }, {{"sink", name_}});
  thread_ = std::jthread([this](const std::stop_token& stopped) { follow(stopped); });
}

sink::~sink() {
  stop();
}

void sink::stop() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  log_.wake();
  thread_.join();
}

void sink::pause(const std::stop_token& stopped, std::chrono::milliseconds how_long) {
  std::unique_lock lock(mutex_);
  paused_.wait_for(lock, stopped, how_long, [] { return false; });
}

void sink::failed(const std::string& why) {
  open_ = false;
  if (gauges_->behind_since_ms.load() == 0) gauges_->behind_since_ms.store(ms_of(env_.time.wall()));
  if (gauges_->up.exchange(false))
    GONETS_LOG(error, "sink_failed", "sink", name_, "error", why, "effect",
               "mail goes on; the sink catches up when it can be written again");
}

void sink::follow(const std::stop_token& stopped) {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
  while (!stopped.stop_requested()) {
    const auto more = advance();
    if (!more) {
      failed(more.error());
      pause(stopped, retry_after_);
      retry_after_ = std::min(2 * retry_after_, retry_max);
      continue;
    }
    retry_after_ = retry_first;
    if (!gauges_->up.exchange(true)) GONETS_LOG(info, "sink_written_again", "sink", name_);
    if (*more) continue;
    pause(stopped, gather);
    if (!stopped.stop_requested() && !files_.uncommitted()) log_.wait(idle);
  }
  if (!open_) return;
  if (const auto done = files_.commit(); !done) failed(done.error());
}

outcome<bool> sink::advance() {
  if (!open_) {
    const auto cursor = files_.open();
    if (!cursor) return std::unexpected(cursor.error());
    log_.move_to(*cursor);
    open_ = true;
  }
  const auto batch = log_.next(batch_max);
  if (!batch) return std::unexpected("event log: " + batch.error().detail);
  if (!batch->empty()) {
    if (auto done = take(*batch); !done) return std::unexpected(std::move(done.error()));
  }
  if (auto done = files_.rotate_if_due(env_.time.wall()); !done) return std::unexpected(std::move(done.error()));
  const bool more = log_.cursor() < env_.end.now();
  if (env_.time.steady() - committed_ >= commit_period) {
    if (auto done = files_.commit(); !done) return std::unexpected(std::move(done.error()));
    committed_ = env_.time.steady();
    gauges_->behind_since_ms.store(0);
  }
  return more;
}

outcome<void> sink::take(const events::log_batch& batch) {
  if (batch.log_replaced) GONETS_LOG(warning, "sink_log_replaced", "sink", name_);
  if (batch.lost != 0) {
    GONETS_LOG(warning, "sink_gap", "sink", name_, "events", batch.lost);
    lost_.add(batch.lost);
  }
  if (!batch.events.empty() && gauges_->behind_since_ms.load() == 0)
    gauges_->behind_since_ms.store(ms_of(batch.events.front().at));
  const auto known = env_.accounts();
  std::string lines;
  std::uint64_t wanted = 0;
  for (const auto& e : batch.events) {
    if (!which_.wants(e)) continue;
    const auto* owner = known->find(e.account);
    lines += events::to_json(e, owner == nullptr ? std::string_view() : owner->name);
    lines += '\n';
    ++wanted;
  }
  if (auto done = files_.append(lines, batch.cursor, env_.time.wall()); !done) return done;
  written_.add(wanted);
  return {};
}

}  // namespace gonets::sinks
