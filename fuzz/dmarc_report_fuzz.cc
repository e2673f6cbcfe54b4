// Any bytes as a file that is attached to a DMARC report, packed or not.
#include <cstdint>
#include <string_view>

#include "aggregate/read_report.h"
#include "check.h"
#include "message/utf8.h"

using namespace gonets;
using namespace gonets::aggregate;

namespace {

void check_line(const std::string& text, std::size_t bytes_max) {
  fuzz::check(text.size() <= bytes_max && message::is_valid_utf8(text));
  fuzz::check(text.find_first_of(std::string_view("\r\n\0", 3)) == text.npos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const unpack_limits packed{.bytes_max = 100'000};
  const report_limits limits{.rows_max = 50, .depth_max = 8, .text_bytes_max = 100};
  const auto text = unpack({reinterpret_cast<const char*>(data), size}, packed);
  if (!text) return 0;
  fuzz::check(text->size() <= packed.bytes_max);
  const auto found = read_dmarc_report(*text, limits);
  if (!found) return 0;
  fuzz::check(!found->rows.empty() && found->rows.size() <= limits.rows_max && !found->domain.empty());
  check_line(found->head.reporter, limits.text_bytes_max);
  check_line(found->head.id, limits.text_bytes_max);
  for (const auto& row : found->rows) {
    fuzz::check(!row.source.empty() && row.messages > 0 && row.messages <= limits.count_max);
    for (const auto* word : {&row.source, &row.disposition, &row.dkim, &row.spf, &row.header_from})
      check_line(*word, limits.text_bytes_max);
  }
  return 0;
}
