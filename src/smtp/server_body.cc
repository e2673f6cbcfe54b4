// The message of a session: DATA's text, or BDAT's chunks, and what they end in.
#include <fmt/format.h>

#include <algorithm>

#include "smtp/detail/server_state.h"

namespace gonets::smtp {
namespace {

constexpr canned_reply going_down{421, {4, 3, 2}, "Service is shutting down, closing connection"};
constexpr std::size_t reserved_bytes_min = 4096;
constexpr std::size_t reserved_bytes_max = 65'536;  // what a client can make us reserve by a number in SIZE

}  // namespace

void server_session::state::start_body() {
  const auto& limits = options.limits;
  reader.start(chunked ? framing::counted : framing::dot, options.newlines, limits.text_line_bytes_max,
               limits.message_bytes_max);
  body.clear();
  const auto expected = std::max<std::uint64_t>(declared_bytes, chunked ? chunk.size_bytes : 0);
  body.reserve(std::clamp<std::uint64_t>(expected, reserved_bytes_min, reserved_bytes_max));
  body_begun = chunked;
  now = phase::body;
}

void server_session::state::refuse_chunk(std::optional<canned_reply> r) {
  after_swallow = r;
  now = phase::swallow;
}

void server_session::state::swallow(std::string_view& in) {
  const auto taken = std::min<std::uint64_t>(chunk_left, in.size());
  in.remove_prefix(taken);
  chunk_left -= taken;
  if (chunk_left != 0) return;
  now = phase::command;
  if (after_swallow) say(*after_swallow);
}

std::optional<need> server_session::state::read_body(std::string_view& in) {
  if (chunked && chunk_left == 0) return end_chunk();
  if (in.empty()) return need::input;
  // One octet beyond the limit shows that more follows.
  std::uint64_t portion = options.body_chunk_bytes + 1 - std::min(body.size(), options.body_chunk_bytes);
  if (chunked) portion = std::min(portion, chunk_left);
  auto part = in.substr(0, portion);
  const auto offered = part.size();
  const bool ended = reader.consume(part, body);
  const auto used = offered - part.size();
  in.remove_prefix(used);
  if (chunked) chunk_left -= used;
  if (ended) return end_body();
  if (body.size() > options.body_chunk_bytes && reader.fault() == body_fault::none) return need::chunk;
  return std::nullopt;
}

std::optional<need> server_session::state::end_chunk() {
  if (chunk.last) {
    reader.finish(body);
    return end_body();
  }
  if (reader.fault() != body_fault::none) return end_body();
  say(250, {2, 0, 0}, fmt::format("{} octets received", chunk.size_bytes));
  now = phase::command;
  if (shutting_down) close_with(going_down);
  return std::nullopt;
}

std::optional<need> server_session::state::end_body() {
  if (reader.fault() == body_fault::none) {
    now = phase::ask_message;
    return need::message;
  }
  say_fault();
  end_transaction();
  now = phase::command;
  if (shutting_down && !closing) close_with(going_down);
  return std::nullopt;
}

void server_session::state::say_fault() {
  const auto line = reader.fault_line();
  switch (reader.fault()) {
    case body_fault::none:
      return;
    case body_fault::bare_cr:
      return say(550, {5, 6, 11}, fmt::format("Bare CR in line {}: lines of a message must end in CR LF", line));
    case body_fault::bare_lf:
      return say(550, {5, 6, 11}, fmt::format("Bare LF in line {}: lines of a message must end in CR LF", line));
    case body_fault::nul:
      return say(550, {5, 6, 11}, fmt::format("NUL in line {}: a message must not hold it", line));
    case body_fault::line_too_long:
      return say(554, {5, 6, 0},
                 fmt::format("Line {} is longer than {} octets", line, options.limits.text_line_bytes_max));
    case body_fault::too_large:
      return say(552, {5, 3, 4}, fmt::format("Message is larger than {} octets", options.limits.message_bytes_max));
  }
}

}  // namespace gonets::smtp
