// Any bytes as a message with HTML: what is changed can be read again, and has nothing left to change.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "check.h"
#include "links/rewrite_message.h"

using namespace gonets;
using namespace gonets::links;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto end = std::min(text.find("\r\n\r\n"), size);
  const auto header = text.substr(0, std::min(end + 2, size));
  const auto body = text.substr(std::min(end + 4, size));

  std::size_t asked = 0;
  html_changes changes;
  changes.click = [&](std::string_view url) {
    fuzz::check(!url.empty() && url.size() <= url_bytes_max);
    fuzz::check(std::none_of(url.begin(), url.end(), [](unsigned char c) { return c < ' '; }));
    ++asked;
    return asked % 4 == 0 ? std::string() : "https://t.test/c/" + std::to_string(asked);
  };
  changes.picture = "https://t.test/o/1";
  const auto changed = rewrite_message(header, body, changes);
  if (!changed) return 0;
  fuzz::check(*changed != body);
  fuzz::check(!rewrite_message(header, *changed, {}));
  changes.click = [](std::string_view) { return std::string(); };
  changes.picture.clear();
  fuzz::check(!rewrite_message(header, *changed, changes));
  return 0;
}
