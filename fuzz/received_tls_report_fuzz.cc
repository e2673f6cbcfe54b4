// Any bytes as a TLS report of others, and as the mail that brings one.
#include <cstdint>
#include <string_view>

#include "aggregate/read_report.h"
#include "check.h"
#include "message/utf8.h"

using namespace gonets;
using namespace gonets::aggregate;

namespace {

void check_report(const tls_report& r, const report_limits& limits) {
  fuzz::check(!r.rows.empty() && r.rows.size() <= limits.rows_max && !r.head.id.empty());
  for (const auto& row : r.rows) {
    fuzz::check(!row.domain.empty() && !row.result.empty() && row.sessions > 0 && row.sessions <= limits.count_max);
    for (const auto* text : {&row.domain, &row.policy, &row.result, &row.mx_host, &row.sending_ip, &row.reason}) {
      fuzz::check(message::is_valid_utf8(*text));
      fuzz::check(text->find_first_of(std::string_view("\r\n\0", 3)) == text->npos);
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const report_limits limits{.rows_max = 50, .depth_max = 8};
  if (const auto found = read_tls_report(bytes, limits)) check_report(*found, limits);
  const auto mail = read_report_mail(bytes, limits, {.bytes_max = 100'000});
  if (mail && std::holds_alternative<tls_report>(*mail)) check_report(std::get<tls_report>(*mail), limits);
  return 0;
}
