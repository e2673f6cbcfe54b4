// Any bytes as the data of TLSA records, each behind a byte of its length: what is judged usable has a digest of the
// right length, and records without a usable one are never taken for none.
#include <cstdint>
#include <string_view>
#include <vector>

#include "check.h"
#include "tls_policy/dane.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace gonets::tls_policy;
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  std::vector<tlsa_record> records;
  while (!rest.empty()) {
    const std::size_t length = static_cast<std::uint8_t>(rest.front());
    const auto rdata = rest.substr(1, length);
    rest.remove_prefix(1 + rdata.size());
    const auto record = parse_tlsa(rdata);
    gonets::fuzz::check(record.has_value() == (rdata.size() > 3));
    if (!record) continue;
    gonets::fuzz::check(to_text(*record).size() >= 6 + 2 * record->data.size());
    if (usable(*record) && record->matching == 1) gonets::fuzz::check(record->data.size() == 32);
    records.push_back(*record);
  }
  const bool any = !records.empty();
  const auto found = judge(std::move(records), "mx.example.com");
  gonets::fuzz::check((found.finding == tlsa_finding::none) == !any);
  for (const auto& record : found.records)
    gonets::fuzz::check(usable(record));
  return 0;
}
