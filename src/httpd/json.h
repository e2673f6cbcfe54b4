// The JSON form of what the running server answers; the schemas are those of api/openapi.yaml. Compact, times in UTC
// with milliseconds, what is not known left out.
#pragma once
#include <span>
#include <string>

#include "httpd/control.h"

namespace gonets::httpd {

std::string time_text(wall_time t);  // "2026-11-25T08:00:00.000Z"

std::string to_json(const queue_summary& s);
std::string to_json(const queue_page& p);
std::string to_json(const audit_report& r);
std::string to_json(const readiness& r);
std::string trace_json(message_id id, std::span<const events::event> all, const accounts::directory& known);
std::string why_json(message_id id, std::span<const why_row> rows);
std::string events_json(const event_page& page);
std::string capture_json(std::span<const captured_message> all);
std::string lockouts_json(std::span<const lockout_row> rows);
std::string affected_json(std::uint64_t recipients);

}  // namespace gonets::httpd
