#include "intake/unsubscribe_fields.h"

#include <fmt/format.h>

#include <iterator>

namespace gonets::intake {

void append_unsubscribe_fields(std::string& to, const message::verp_signer& by, const message::verp& of,
                               std::string_view url, std::string_view domain) {
  while (url.ends_with('/'))
    url.remove_suffix(1);
  to += "List-Unsubscribe: ";
  if (!url.empty()) fmt::format_to(std::back_inserter(to), "<{}/u/{}>,\r\n ", url, by.token(of));
  fmt::format_to(std::back_inserter(to), "<mailto:{}@{}?subject=unsubscribe>\r\n", by.local_part(of), domain);
  if (!url.empty()) to += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
}

}  // namespace gonets::intake
