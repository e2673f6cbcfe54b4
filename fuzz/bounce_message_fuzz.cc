// Any bytes as a message that came back.
#include <cstdint>
#include <string_view>

#include "bounce/report.h"
#include "check.h"
#include "message/utf8.h"

using namespace gonets;
using namespace gonets::bounce;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const classifier all = [] {
    rule_file file;
    file.concepts = {{.name = "absent", .words = {"unknown", "does not exist"}}};
    rule r;
    r.name = "absent";
    r.is = category::user_unknown;
    r.weight = 70;
    r.all = {"absent"};
    file.rules = {r};
    std::vector<std::string> faults;
    return classifier(std::move(file), faults);
  }();
  const report_limits limits{.recipients_max = 20};
  const auto found = read_report({reinterpret_cast<const char*>(data), size}, all, limits);
  fuzz::check(!found.empty() && found.size() <= limits.recipients_max);
  for (const report& r : found) {
    for (const std::string* text : {&r.recipient, &r.action, &r.diagnostic, &r.remote_mta, &r.original_message_id}) {
      fuzz::check(message::is_valid_utf8(*text));
      fuzz::check(text->find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    }
    fuzz::check(r.diagnostic.size() <= limits.diagnostic_bytes_max);
  }
  return 0;
}
