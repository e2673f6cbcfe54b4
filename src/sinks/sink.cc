#include "sinks/sink.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>

#include "base/log.h"
#include "base/thread_name.h"
#include "events/event.h"
#include "sinks/jsonl_files.h"
#include "sinks/kafka_topic.h"
#include "sinks/nats_stream.h"

namespace gonets::sinks {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t batch_max = 2000;
constexpr std::chrono::milliseconds gather_for_file{200};  // few events at a time compress badly
constexpr std::chrono::milliseconds gather_for_broker{20};
constexpr std::chrono::milliseconds commit_period{1000};  // each is three syncs of the disk that mail may need
constexpr std::chrono::milliseconds idle{1000};
constexpr std::chrono::milliseconds retry_first{1000};
constexpr std::chrono::milliseconds retry_max{30'000};
constexpr std::chrono::milliseconds stop_max{10'000};
constexpr int niceness = 10;

events::filter filter_of(const config::sink& with) {
  events::filter f;
  f.streams = with.streams;
  for (const auto& word : with.kinds) {
    if (const auto kind = events::parse_kind(word)) f.kinds.push_back(*kind);
  }
  return f;
}

std::unique_ptr<writer> writer_of(const config::sink& with, const environment& env, std::stop_token stopped) {
  const auto state = env.folder + '/' + with.name + ".cursor";
  switch (with.kind) {
    case config::sink_kind::nats:
      return make_nats_stream(with, state, env.server, env.time, std::move(stopped));
    case config::sink_kind::kafka:
      return make_kafka_topic(with, state, env.server, env.time, std::move(stopped));
    case config::sink_kind::jsonl:
      break;
  }
  return std::make_unique<jsonl_files>(jsonl_options{with.name, with.folder, with.rotate_bytes, with.rotate_after,
                                                     with.compress, with.keep_files, with.keep_for});
}

std::int64_t ms_of(wall_time t) {
  return t.time_since_epoch().count();
}

}  // namespace

sink::sink(const config::sink& with, environment env)
    : name_(with.name),
      which_(filter_of(with)),
      accounts_(with.accounts),
      gather_(with.kind == config::sink_kind::jsonl ? gather_for_file : gather_for_broker),
      env_(std::move(env)),
      gauges_(std::make_shared<gauges>()),
      written_(
          env_.counts.make_counter("gonets_sink_events_total", "Events that a sink has made safe.", {{"sink", name_}})),
      lost_(env_.counts.make_counter("gonets_sink_events_lost_total",
                                     "Events that were gone from the log before a sink read them.", {{"sink", name_}})),
      to_(writer_of(with, env_, stopping_.get_token())),
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
  thread_ = std::jthread([this] {
    name_this_thread("sink " + name_);
    follow();
  });
}

sink::~sink() {
  if (thread_.joinable()) ask_to_stop();
}

void sink::ask_to_stop() {
  stopping_.request_stop();
  log_.wake();
}

void sink::stop() {
  if (!thread_.joinable()) return;
  ask_to_stop();
  if (ended_.get_future().wait_for(stop_max) == std::future_status::ready) return thread_.join();
  GONETS_LOG(warning, "sink_left", "sink", name_, "effect", "it sends some events again after the next start");
  thread_.detach();
}

void sink::pause(std::chrono::milliseconds how_long) {
  std::unique_lock lock(mutex_);
  paused_.wait_for(lock, stopping_.get_token(), how_long, [] { return false; });
}

void sink::failed(const std::string& why) {
  open_ = false;
  if (gauges_->behind_since_ms.load() == 0) gauges_->behind_since_ms.store(ms_of(env_.time.wall()));
  gauges_->up.store(false);
  if (why_ == why) return;
  why_ = why;
  GONETS_LOG(error, "sink_failed", "sink", name_, "error", why, "effect",
             "mail goes on; the sink catches up when it can be written again");
}

void sink::record(const progress& made) {
  const bool moved = made.cursor != safe_;
  safe_ = made.cursor;
  written_.add(made.events);
  while (!unsafe_.empty() && unsafe_.front().through <= safe_)
    unsafe_.pop_front();
  gauges_->behind_since_ms.store(unsafe_.empty() ? 0 : ms_of(unsafe_.front().first_at));
  if (!moved && !unsafe_.empty()) return;
  retry_after_ = retry_first;
  if (why_.empty()) return;
  why_.clear();
  gauges_->up.store(true);
  GONETS_LOG(info, "sink_written_again", "sink", name_);
}

void sink::follow() {
  ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), niceness);
  const auto stopped = stopping_.get_token();
  while (!stopped.stop_requested()) {
    const auto more = advance();
    if (!more) {
      if (stopped.stop_requested()) break;
      failed(more.error());
      pause(retry_after_);
      retry_after_ = std::min(2 * retry_after_, retry_max);
      continue;
    }
    if (*more) continue;
    pause(gather_);
    if (!stopped.stop_requested() && safe_ == log_.cursor()) log_.wait(idle);
  }
  if (open_) {
    if (const auto done = to_->finish())
      record(*done);
    else
      failed(done.error());
  }
  ended_.set_value();
}

outcome<bool> sink::advance() {
  if (!open_) {
    const auto cursor = to_->open();
    if (!cursor) return std::unexpected(cursor.error());
    log_.move_to(*cursor);
    while (!unsafe_.empty() && unsafe_.back().through > *cursor)
      unsafe_.pop_back();
    open_ = true;
    committed_ = {};
  }
  const auto batch = log_.next(batch_max);
  if (!batch) return std::unexpected("event log: " + batch.error().detail);
  if (!batch->empty()) {
    if (auto done = take(*batch); !done) return std::unexpected(std::move(done.error()));
  }
  if (auto done = to_->tend(env_.time.wall()); !done) return std::unexpected(std::move(done.error()));
  const bool more = log_.cursor() < env_.end.now();
  if (env_.time.steady() - committed_ >= commit_period) {
    const auto done = to_->commit();
    if (!done) return std::unexpected(done.error());
    committed_ = env_.time.steady();
    record(*done);
  }
  return more;
}

bool sink::is_of(const events::event& e, std::string_view owner) const {
  return events::is_of_account(e) && std::ranges::find(accounts_, owner) != accounts_.end();
}

outcome<void> sink::take(const events::log_batch& batch) {
  if (batch.log_replaced) GONETS_LOG(warning, "sink_log_replaced", "sink", name_);
  if (batch.lost != 0) {
    GONETS_LOG(warning, "sink_gap", "sink", name_, "events", batch.lost);
    lost_.add(batch.lost);
  }
  const auto known = env_.accounts();
  line_batch lines;
  for (const auto& e : batch.events) {
    if (!which_.wants(e)) continue;
    const auto* owner = known->find(e.account);
    if (!accounts_.empty() && !is_of(e, owner == nullptr ? std::string_view() : owner->name)) continue;
    lines.text += events::to_json(e, owner == nullptr ? std::string_view() : owner->name);
    lines.text += '\n';
    lines.marks.push_back({e.seq, e.message, e.kind, e.at, lines.text.size()});
  }
  if (!batch.events.empty()) {
    unsafe_.push_back({batch.cursor, batch.events.front().at});
    if (gauges_->behind_since_ms.load() == 0) gauges_->behind_since_ms.store(ms_of(batch.events.front().at));
  }
  return to_->append(lines, batch.cursor, env_.time.wall());
}

}  // namespace gonets::sinks
