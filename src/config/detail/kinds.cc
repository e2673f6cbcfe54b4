#include "config/detail/kinds.h"

#include "base/network.h"

namespace gonets::config::detail {

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\u{:04x}", c);
      continue;
    }
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string size::expected() const {
  return fmt::format("a size from {} to {}, such as \"50MiB\"", format_bytes(least), format_bytes(most));
}

std::optional<std::uint64_t> size::parse(const value& v) const {
  std::optional<std::uint64_t> bytes;
  if (v.kind == value_kind::text) bytes = parse_bytes(v.text);
  if (v.kind == value_kind::integer && v.integer >= 0) bytes = static_cast<std::uint64_t>(v.integer);
  return bytes && *bytes >= least && *bytes <= most ? bytes : std::nullopt;
}

std::string duration::expected() const {
  return fmt::format("a duration from {} to {}, such as \"5m\" or \"1h 30m\"", format_duration(least),
                     format_duration(most));
}

void duration::read(const value& v, milliseconds& to, mismatches& wrong) const {
  const auto given = v.kind == value_kind::text ? parse_duration(v.text) : std::nullopt;
  if (!given || *given < least || *given > most) return refuse(v, expected(), wrong);
  to = *given;
}

void fraction::read(const value& v, double& to, mismatches& wrong) const {
  const bool number = v.kind == value_kind::real || v.kind == value_kind::integer;
  const double given = v.kind == value_kind::integer ? static_cast<double>(v.integer) : v.real;
  if (!number || !(given >= least && given <= most)) return refuse(v, expected(), wrong);
  to = given;
}

void yes_or_no::read(const value& v, bool& to, mismatches& wrong) const {
  if (v.kind != value_kind::boolean) return refuse(v, expected(), wrong);
  to = v.boolean;
}

void text::read(const value& v, std::string& to, mismatches& wrong) const {
  if (v.kind != value_kind::text || !valid(v.text)) return refuse(v, expected(), wrong);
  to = v.text;
}

void network_text::read(const value& v, network& to, mismatches& wrong) const {
  const auto given = v.kind == value_kind::text ? parse_network(v.text) : std::nullopt;
  if (!given) return refuse(v, expected(), wrong);
  to = *given;
}

std::string network_text::write(const network& n) const {
  return quote(to_text(n));
}

std::string endpoint_text::expected() const {
  return "an address and port, such as \"127.0.0.1:25\" or \"[::1]:25\"";
}

void endpoint_text::read(const value& v, endpoint& to, mismatches& wrong) const {
  const auto given = v.kind == value_kind::text ? parse_endpoint(v.text) : std::nullopt;
  if (!given || given->port < least_port) return refuse(v, expected(), wrong);
  to = *given;
}

void endpoint_text::read(const value& v, std::optional<endpoint>& to, mismatches& wrong) const {
  if (v.kind == value_kind::text && v.text.empty()) {
    to.reset();
    return;
  }
  endpoint given;
  const std::size_t before = wrong.size();
  read(v, given, wrong);
  if (wrong.size() == before) to = given;
}

std::string endpoint_text::write(const endpoint& e) const {
  return quote(to_text(e));
}

}  // namespace gonets::config::detail
