#include <algorithm>
#include <array>

#include "bounce/detail/readers.h"
#include "bounce/detail/texts.h"
#include "bounce/reply_text.h"

namespace gonets::bounce::detail {
namespace {

bool is_vague(enhanced_status s) {
  return !s.present() || (s.subject == 0 && s.detail == 0);
}

}  // namespace

void classify(report& r, std::string_view text, const reading& by) {
  const auto codes = find_codes(text);
  if (r.code == 0) r.code = codes.code;
  if (is_vague(r.status) && codes.status.present()) r.status = codes.status;
  r.what = by.with.classify({r.code, r.status, text, r.action == "delayed"});
  r.has_category = true;
}

std::string find_remote_host(std::string_view text) {
  struct mark {
    std::string_view before;
    bool needs_dot;
  };
  constexpr std::array<mark, 14> marks{{{"while talking to ", true},
                                        {"host ", true},
                                        {"remote server ", true},
                                        {"connect to ", true},
                                        {"connected to ", true},
                                        {"generating server: ", true},
                                        {"remote host: ", true},
                                        {"remote host ", true},
                                        {"remote-mta: dns; ", true},
                                        {"conversation with ", true},
                                        {"by the server for the recipient domain ", true},
                                        {" by ", true},
                                        {"server: ", true},
                                        {"reporting server: ", true}}};
  for (const auto& m : marks) {
    const auto at = std::search(text.begin(), text.end(), m.before.begin(), m.before.end(),
                                [](char a, char b) { return (a >= 'A' && a <= 'Z' ? char(a + 32) : a) == b; });
    if (at == text.end()) continue;
    auto rest = text.substr(static_cast<std::size_t>(at - text.begin()) + m.before.size());
    const std::size_t end = std::min(
        rest.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"), rest.size());
    rest = rest.substr(0, end);
    while (rest.ends_with('.') || rest.ends_with('-'))
      rest.remove_suffix(1);
    if (rest.find('.') != std::string_view::npos && rest.size() > 3) return clean(rest, 255);
  }
  return {};
}

}  // namespace gonets::bounce::detail
