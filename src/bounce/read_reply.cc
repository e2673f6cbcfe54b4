#include "bounce/detail/texts.h"
#include "bounce/reply_text.h"
#include "bounce/report.h"

namespace gonets::bounce {

report read_reply(std::string_view text, const classifier& with) {
  report r{.kind = report_kind::bounce};
  const auto codes = find_codes(text);
  r.code = codes.code;
  r.status = codes.status;
  r.diagnostic = detail::clean(text, report_limits{}.diagnostic_bytes_max);
  r.what = with.classify({r.code, r.status, text});
  r.has_category = true;
  if (r.code >= 400 || r.status.klass >= 4) {
    const bool lasts = r.code >= 400 ? r.code >= 500 : r.status.klass == 5;
    r.action = lasts ? "failed" : "delayed";
  }
  const auto addresses = detail::find_addresses(text, 1);
  if (!addresses.empty()) r.recipient = addresses.front();
  return r;
}

}  // namespace gonets::bounce
