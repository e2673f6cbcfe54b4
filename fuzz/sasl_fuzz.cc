// Every mechanism fed by a hostile client: the first octet chooses it, the rest are its messages, parted by LF. For any
// octets: nothing is proved but by who has the password, what is given to the owner is within limits, and it ends.
#include <algorithm>
#include <cstdint>
#include <string>

#include "check.h"
#include "sasl/exchange.h"

namespace {

using namespace gonets::sasl;
using gonets::fuzz::check;

void look_at(const exchange& x, step s) {
  check(x.login().size() <= login_bytes_max && x.login().find('\0') == std::string::npos);
  check(x.secret().size() <= token_bytes_max && x.challenge().size() <= 2048);
  if (s == step::check_password) check(!x.login().empty() && !x.secret().empty());
  if (s == step::check_token) check(!x.secret().empty());
  check(s != step::proved && s != step::succeeded);  // nobody knows the password
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto x = make_exchange(static_cast<mechanism>(data[0] % mechanism_count), "servernonce");
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  static const auto kept = make_scram_verifier("unknown to the client", "saltsaltsaltsalt", 1);
  bool begun = false;
  while (!rest.empty()) {
    const auto message = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), message.size() + 1));
    auto s = begun ? x->respond(std::string(message)) : x->begin(std::string(message));
    begun = true;
    look_at(*x, s);
    if (s == step::look_up) s = x->give(kept);
    if (s == step::check_password || s == step::check_token || s == step::check_certificate) s = x->conclude(false);
    look_at(*x, s);
    if (s != step::challenge) return 0;
  }
  return 0;
}
