// Any bytes as a peer's replies. The first byte says how they are cut into reads, which must make no difference.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "smtp/reply_parser.h"

namespace {

using gonets::smtp::reply_parser;
using progress = reply_parser::progress;

constexpr gonets::smtp::reply_limits limits{.line_bytes_max = 64, .lines_max = 8, .text_bytes_max = 100};

void require(bool held) {
  if (!held) std::abort();
}

bool is_safe(const std::string& text) {
  for (const unsigned char c : text) {
    if ((c < 0x20 && c != '\n') || c == 0x7f) return false;
  }
  // What is safe stays as it is when it is made safe again.
  std::string again;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    if (!again.empty() || at != 0) again += '\n';
    require(gonets::smtp::append_sanitized(again, std::string_view(text).substr(at, end - at), text.size()));
    at = end + 1;
  }
  return again == text;
}

struct reading {
  std::vector<gonets::reply> replies;
  std::string error;
};

reading read(std::string_view bytes, std::size_t step) {
  reading got;
  reply_parser parser(limits);
  while (!bytes.empty()) {
    std::string_view part = bytes.substr(0, step);
    bytes.remove_prefix(part.size());
    while (!part.empty()) {
      const std::size_t before = part.size();
      const progress result = parser.parse(part);
      if (result == progress::broken) {
        got.error = parser.error();
        require(!got.error.empty() && is_safe(got.error) && got.error.find('\n') == std::string::npos);
        return got;
      }
      require(part.size() < before);
      if (result == progress::more) continue;
      const gonets::reply& r = parser.current();
      require(r.code >= 200 && r.code <= 599);
      require(!r.status.present() || r.status.klass == r.code / 100);
      require(r.text.size() <= limits.text_bytes_max && is_safe(r.text));
      got.replies.push_back(r);
    }
  }
  return got;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const reading whole = read(bytes, bytes.size() + 1);
  const reading parts = read(bytes, data[0] % 16 + 1);
  require(whole.replies == parts.replies);
  require(whole.error.empty() == parts.error.empty());
  return 0;
}
