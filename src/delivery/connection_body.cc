// Of a connection: what it writes, and bodies above all: small ones from memory, large ones part by part from the
// spool.
#include <array>

#include "delivery/connection.h"

namespace gonets::delivery {

// True when all is written; else on_written() goes on.
bool connection::send(std::span<const std::string_view> parts) {
  stream_->expires_after(owner_.env().with.delivery.block_timeout);
  writing_ = !stream_->write(parts, [weak = weak_from_this()](runtime::io_error error) {
    if (const auto self = weak.lock()) self->on_written(error);
  });
  return !writing_;
}

bool connection::send_output() {
  out_.clear();
  session_->drain_output(out_);
  if (out_.empty()) return true;
  const std::array<std::string_view, 1> parts = {out_};
  return send(parts);
}

// Chained (RFC 2920 3.1): the next transaction's commands leave in the same write as the end of this one's data.
void connection::send_body() {
  if (session_->can_chain() && !stopping_ && elsewhere_.empty() && tls_->reserved_for().empty()) {
    auto next = owner_.work().take(site_, owner_.env().with.delivery.recipients_per_transaction_max);
    if (next) begin({std::move(*next), {}, {}, {}, {}});
  }
  const auto& m = *under_way_.front().what.lease.message;
  stuffer_ = {};
  if (m.in_memory) return send_small_body(m);
  chunk_ = 0;
  sending_chunks_ = true;
  fetch_chunk();
}

void connection::send_small_body(const spool::queued_message& m) {
  out_.clear();
  session_->drain_output(out_);
  after_.clear();
  std::string_view head = m.head;
  std::string_view body = m.body;
  if (m.has_leading_dot) {
    stuffed_.clear();
    stuffer_.append(head, stuffed_);
    stuffer_.append(body, stuffed_);
    head = stuffed_;
    body = {};
  }
  session_->drain_after_body(after_);
  const std::array<std::string_view, 4> parts = {out_, head, body, after_};
  if (send(parts)) session_->body_sent();
}

// A large body comes from the disk part by part: one is read and sent at a time.
void connection::fetch_chunk() {
  const auto id = under_way_.front().what.lease.message->id;
  const auto& env = owner_.env();
  const bool asked = env.blocking.run([&env, id, number = chunk_, weak = weak_from_this()] {
    auto part = env.store.fetch_chunk(id, number);
    env.shards.post(env.shard, [weak, part = std::move(part)]() mutable {
      if (const auto self = weak.lock()) self->on_chunk(std::move(part));
    });
  });
  if (asked) return;
  env.shards.post(env.shard, [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->on_chunk(std::nullopt);
  });
}

void connection::on_chunk(std::optional<std::string> part) {
  if (phase_ == phase::ended) return;
  const auto& m = *under_way_.front().what.lease.message;
  if (!part) {
    sending_chunks_ = false;
    session_->body_failed("the message could not be read from the spool");
    return pump();
  }
  ++chunk_;
  std::string_view text = *part;
  if (m.has_leading_dot) {
    stuffed_.clear();
    stuffer_.append(*part, stuffed_);
    text = stuffed_;
  }
  send_chunk(text, chunk_ == m.chunks);
}

void connection::send_chunk(std::string_view part, bool last) {
  out_.clear();
  session_->drain_output(out_);
  after_.clear();
  if (last) {
    session_->drain_after_body(after_);
    sending_chunks_ = false;
  }
  const std::array<std::string_view, 3> parts = {out_, part, after_};
  if (send(parts)) on_written(runtime::io_error::none);
}

void connection::on_written(runtime::io_error error) {
  const bool was_body = session_->next() == smtp::wants::body;
  writing_ = false;
  if (phase_ == phase::ended) return;
  if (error != runtime::io_error::none) {
    sending_chunks_ = false;
    session_->lost(error == runtime::io_error::timed_out ? "timed out while sending" : "connection lost while sending");
    return pump();
  }
  if (sending_chunks_) return fetch_chunk();
  if (was_body) session_->body_sent();
  pump();
}

}  // namespace gonets::delivery
