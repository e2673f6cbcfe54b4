// `_smtp._tls` records. The addresses and URLs that are accepted can't break out of a header field or an envelope.
#include <cstdint>
#include <string>
#include <string_view>

#include "check.h"
#include "tls_policy/tls_report.h"

using namespace gonets::tls_policy;
using gonets::fuzz::check;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const auto uris = report_uris({text});
  check(uris.size() <= report_uris_max);
  for (const auto& uri : uris) {
    check(uri.to.find_first_of(std::string_view("\r\n\t <>\0", 7)) == uri.to.npos);
    check(uri.how == report_uri::scheme::https || uri.to.find('@') != uri.to.npos);
  }
  return 0;
}
