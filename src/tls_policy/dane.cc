#include "tls_policy/dane.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace gonets::tls_policy {
namespace {

constexpr std::uint8_t usage_dane_ta = 2, usage_dane_ee = 3;
constexpr std::size_t header_bytes = 3;
// A DNS answer could hold hundreds; each is compared with each certificate of the chain.
constexpr std::size_t records_max = 32;

std::uint8_t byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<std::uint8_t>(bytes[i]);
}

}  // namespace

std::optional<tlsa_record> parse_tlsa(std::string_view rdata) {
  if (rdata.size() <= header_bytes) return std::nullopt;
  return tlsa_record{byte_at(rdata, 0), byte_at(rdata, 1), byte_at(rdata, 2), std::string(rdata.substr(header_bytes))};
}

std::string to_text(const tlsa_record& r) {
  std::string text = fmt::format("{} {} {} ", r.usage, r.selector, r.matching);
  for (const char c : r.data)
    fmt::format_to(std::back_inserter(text), "{:02X}", static_cast<std::uint8_t>(c));
  return text;
}

bool usable(const tlsa_record& r) {
  if (r.usage != usage_dane_ta && r.usage != usage_dane_ee) return false;
  if (r.selector > 1) return false;
  switch (r.matching) {
    case 0:
      return !r.data.empty();
    case 1:
      return r.data.size() == 32;
    case 2:
      return r.data.size() == 64;
    default:
      return false;
  }
}

std::string tlsa_name(std::string_view host, std::uint16_t port) {
  return fmt::format("_{}._tcp.{}", port, host);
}

host_tlsa judge(std::vector<tlsa_record> records, std::string base) {
  host_tlsa found;
  found.base = std::move(base);
  if (records.empty()) return found;
  std::erase_if(records, [](const tlsa_record& r) { return !usable(r); });
  if (records.size() > records_max) records.resize(records_max);
  found.finding = records.empty() ? tlsa_finding::unusable : tlsa_finding::usable;
  found.records = std::move(records);
  return found;
}

}  // namespace gonets::tls_policy
