// Every mechanism that we log in by, against a hostile server: the first octet chooses it, the rest are the server's
// challenges, parted by LF. For any octets: a server that does not know the password is not believed with SCRAM and
// does not get the password from it, answers stay within bounds, no error tells the password, and it ends.
#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "check.h"
#include "sasl/client.h"

namespace {

using namespace gonets::sasl;
using gonets::fuzz::check;

constexpr std::string_view password = "not for the server to know";
constexpr std::array mechanisms{mechanism::scram_sha_256, mechanism::plain, mechanism::login};

bool tells(std::string_view text) {
  return text.find(password) != std::string_view::npos;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 1) return 0;
  const auto how = mechanisms[data[0] % mechanisms.size()];
  const bool scram = how == mechanism::scram_sha_256;
  const auto c = make_client(how, "user=,", std::string(password), "clientnonce");
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  // A nonce of the server's is sent back as it is: what it knows already, it may be told.
  const bool known = tells(rest);
  const auto initial = c->initial();
  check(!scram || (initial && !tells(*initial)));
  while (!rest.empty()) {
    const auto challenge = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), challenge.size() + 1));
    const auto answer = c->respond(challenge);
    check(!scram || !c->may_succeed());
    check((known || !tells(c->error())) && c->error().size() < 200);
    if (!answer) {
      check(!c->error().empty());
      return 0;
    }
    check(answer->size() <= 1024 && (!scram || known || !tells(*answer)));
  }
  return 0;
}
