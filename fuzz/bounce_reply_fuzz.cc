// Any text as a server's reply, against a few rules. The first byte is flags.
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "bounce/report.h"
#include "check.h"

namespace {
using namespace gonets;
using namespace gonets::bounce;

rule made(std::string name, category is, unsigned weight) {
  rule r;
  r.name = std::move(name);
  r.is = is;
  r.weight = weight;
  return r;
}

const classifier& small() {
  static const classifier all = [] {
    rule_file file;
    file.concepts = {{.name = "negation", .words = {"not", "不"}},
                     {.name = "who", .words = {"user", "*box", "用户", "_addr"}},
                     {.name = "full", .words = {"full*", "满"}, .negatable = true},
                     {.name = "list", .words = {"spamhaus", "zen"}, .in_hosts = true}};
    rule full = made("full", category::mailbox_full, 70);
    full.all = {"who", "full|list"};
    full.unless = {"list"};
    rule status = made("status", category::user_unknown, 30);
    status.statuses = {"x.1.1", "5.2."};
    rule code = made("code", category::policy, 10);
    code.codes = {"5xx", "450"};
    code.phrases = {"a b", "*c*"};
    file.rules = {full, status, code};
    std::vector<std::string> faults;
    classifier done(std::move(file), faults);
    fuzz::check(faults.empty());
    return done;
  }();
  return all;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string shape;
  normalise(text, {"zen"}, shape);
  fuzz::check(!shape.empty() && shape.front() == ' ' && shape.back() == ' ');
  fuzz::check(shape.find("  ") == std::string::npos);
  fuzz::check(shape.size() <= 2 * normalised_bytes_max);
  const report r = read_reply(text, small());
  fuzz::check(r.what.confidence >= 0 && r.what.confidence <= 1);
  fuzz::check(!r.what.suppress || r.what.permanent);
  fuzz::check(r.diagnostic.size() <= report_limits{}.diagnostic_bytes_max);
  fuzz::check(r.code == 0 || (r.code >= 400 && r.code <= 599));
  return 0;
}
