// Any text as the TXT record that every name has: SPF and DMARC say something, in bounded time.
#include <cstddef>
#include <cstdint>

#include "check.h"
#include "domain_check/check.h"
#include "domain_check/spf.h"

namespace {

using gonets::fuzz::check;
using namespace gonets::domain_check;

answer answer_to(const question& q, std::string_view text) {
  answer a{answer_status::ok, {}, ""};
  if (q.type == record_type::txt) a.values = {std::string(text)};
  if (q.type == record_type::a) a.values = {"192.0.2.1"};
  if (q.type == record_type::mx) a.values = {"mx.a.test"};
  if (a.values.empty()) a.status = answer_status::nothing;
  return a;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string expanded;
  if (detail::expand_spf(text, {"joe@a.test", "a.test", "192.0.2.1", "mx"}, expanded))
    check(expanded.size() <= 253 || expanded.find('.') == std::string::npos);
  const subject of{"a.test", "proof", "", "", {{"s", "v=DKIM1; k=rsa; p=AAAA", "rsa-sha256", 2048, true}}};
  platform on;
  on.egresses = {{"192.0.2.1", "mx.a.test"}};
  facts dns;
  for (std::size_t rounds = 0;; ++rounds) {
    check(rounds <= facts::questions_max + 1);
    const auto result = examine(of, on, dns);
    check(result.providers.size() == 4);
    const auto wanted = dns.take_wanted();
    if (wanted.empty()) break;
    for (const auto& q : wanted)
      dns.add(q, answer_to(q, text));
  }
  return 0;
}
