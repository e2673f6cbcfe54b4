#include "app/captured.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>

#include "message/header_scan.h"

namespace gonets::app {
namespace {

namespace fs = std::filesystem;

std::string read_beginning(const fs::path& file, std::size_t bytes_max) {
  std::ifstream in(file, std::ios::binary);
  std::string text(bytes_max, '\0');
  in.read(text.data(), static_cast<std::streamsize>(bytes_max));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

std::string unfolded(std::string_view value) {
  std::string text;
  for (const char c : message::trim_field_value(value)) {
    if (c != '\r' && c != '\n') text.push_back(c == '\t' ? ' ' : c);
  }
  return text;
}

// "... id 0A1B2C3D4E5F ..." of the Received field that we wrote.
std::string queue_id_in(std::string_view received) {
  const auto at = received.find(" id ");
  if (at == std::string_view::npos) return {};
  const auto rest = received.substr(at + 4);
  return std::string(rest.substr(0, rest.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ")));
}

httpd::captured_message describe(const fs::path& file) {
  httpd::captured_message m;
  m.id = file.filename();
  std::error_code error;
  m.bytes = fs::file_size(file, error);
  std::int64_t seconds = 0;
  std::from_chars(m.id.data(), m.id.data() + m.id.size(), seconds);
  m.at = wall_time(std::chrono::seconds(seconds));
  const auto text = read_beginning(file, 65536);
  message::for_each_field(text, [&](std::string_view name, std::string_view value) {
    if (message::same_field_name(name, "Return-Path")) {
      m.sender = unfolded(value);
      if (m.sender.size() >= 2) m.sender = m.sender.substr(1, m.sender.size() - 2);
    } else if (message::same_field_name(name, "Delivered-To")) {
      m.recipient = unfolded(value);
    } else if (message::same_field_name(name, "Subject")) {
      m.subject = unfolded(value);
    } else if (message::same_field_name(name, "From")) {
      m.from = unfolded(value);
    } else if (m.queue_id.empty() && message::same_field_name(name, "Received")) {
      m.queue_id = queue_id_in(value);
    }
    return true;
  });
  return m;
}

}  // namespace

std::vector<httpd::captured_message> list_captured(const std::string& folder, std::size_t rows_max) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::directory_iterator at(folder + "/new", error), end; !error && at != end; at.increment(error)) {
    files.push_back(at->path());
  }
  std::ranges::sort(files, std::greater<>{});
  if (files.size() > rows_max) files.resize(rows_max);
  std::vector<httpd::captured_message> rows;
  for (const auto& f : files)
    rows.push_back(describe(f));
  return rows;
}

std::optional<std::string> read_captured(const std::string& folder, const std::string& id) {
  if (id.empty() || id.front() == '.' || id.find('/') != std::string::npos) return std::nullopt;
  const fs::path file = folder + "/new/" + id;
  std::error_code error;
  const auto bytes = fs::file_size(file, error);
  if (error) return std::nullopt;
  return read_beginning(file, bytes);
}

httpd::audit_report to_report(storage::result<spool::audit_result> audited) {
  httpd::audit_report r;
  if (!audited) {
    r.problems.push_back({message_id{}, audited.error().detail});
    r.problems_in_all = 1;
    return r;
  }
  r.messages = audited->messages;
  r.accepted = audited->accepted;
  r.delivered = audited->delivered;
  r.bounced = audited->bounced;
  r.expired = audited->expired;
  r.cancelled = audited->cancelled;
  r.discarded = audited->discarded;
  r.suppressed = audited->suppressed;
  r.queued = audited->queued;
  r.problems_in_all = audited->findings_in_all;
  for (auto& f : audited->findings)
    r.problems.push_back({f.id, std::move(f.detail)});
  return r;
}

}  // namespace gonets::app
