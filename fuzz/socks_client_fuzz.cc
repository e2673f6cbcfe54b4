// A proxy that says anything, in one piece and octet by octet: the outcome is the same, and nothing is asked before its
// turn.
#include "smtp/socks_client.h"

#include <cstddef>

#include "check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using gonets::fuzz::check;
  using gonets::smtp::socks_client;
  using phase = socks_client::phase;
  if (size == 0) return 0;
  const bool login = (data[0] & 1) != 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  const auto make = [&] {
    return socks_client(
        {login ? "user" : "", login ? "password" : "", (data[0] & 2) != 0 ? "2001:db8::1" : "192.0.2.1", 25});
  };
  auto whole = make(), parts = make();
  std::string said = whole.take_output(), said_in_parts = parts.take_output();
  whole.feed(in);
  said += whole.take_output();
  for (const char& c : in) {
    parts.feed({&c, 1});
    said_in_parts += parts.take_output();
  }
  check(whole.at() == parts.at());
  check(whole.error() == parts.error() && whole.proxy_failed() == parts.proxy_failed());
  if (whole.at() == phase::failed) {
    check(!whole.error().empty() && whole.take_output().empty());
  } else {
    check(said == said_in_parts);
    if (whole.at() == phase::connected) check(in.ends_with(whole.rest()) && whole.rest() == parts.rest());
  }
  whole.lost("lost");
  check(whole.at() == phase::connected || whole.at() == phase::failed);
  return 0;
}
