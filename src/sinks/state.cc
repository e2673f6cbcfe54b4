#include "sinks/state.h"

#include <fmt/format.h>

#include <charconv>

namespace gonets::sinks {
namespace {

constexpr std::string_view first_line = "gonets-sink 1\n";

// Takes "NAME VALUE\n" off the front of `text`.
std::optional<std::string_view> take_line(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name) || !text.substr(name.size()).starts_with(' ')) return std::nullopt;
  const auto end = text.find('\n');
  if (end == text.npos) return std::nullopt;
  const auto value = text.substr(name.size() + 1, end - name.size() - 1);
  text.remove_prefix(end + 1);
  return value;
}

template <class Number>
bool take_number(std::string_view& text, std::string_view name, Number& to) {
  const auto value = take_line(text, name);
  if (!value) return false;
  const auto read = std::from_chars(value->data(), value->data() + value->size(), to);
  return read.ec == std::errc() && read.ptr == value->data() + value->size();
}

bool take_part(std::string_view& text, open_part& to) {
  const auto file = take_line(text, "file");
  if (!file || file->empty() || file->find('/') != file->npos) return false;
  to.file = *file;
  if (!take_number(text, "bytes", to.bytes)) return false;
  const auto frame = take_line(text, "frame");
  if (!frame || (*frame != "open" && *frame != "closed")) return false;
  to.frame_open = *frame == "open";
  std::int64_t ms = 0;
  if (!take_number(text, "opened", ms)) return false;
  to.opened = wall_time(std::chrono::milliseconds(ms));
  return true;
}

}  // namespace

std::string encode(const state& s) {
  auto text = fmt::format("{}cursor {}\n", first_line, s.cursor.value);
  if (s.part) {
    text += fmt::format("file {}\nbytes {}\nframe {}\nopened {}\n", s.part->file, s.part->bytes,
                        s.part->frame_open ? "open" : "closed", s.part->opened.time_since_epoch().count());
  }
  return text;
}

std::optional<state> decode_state(std::string_view text) {
  if (!text.starts_with(first_line)) return std::nullopt;
  text.remove_prefix(first_line.size());
  state read;
  if (!take_number(text, "cursor", read.cursor.value)) return std::nullopt;
  if (!text.empty() && !take_part(text, read.part.emplace())) return std::nullopt;
  if (!text.empty()) return std::nullopt;
  return read;
}

}  // namespace gonets::sinks
