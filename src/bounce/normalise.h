// Brings the texts of servers into one shape before they are compared: words in lower case with one space before and
// after each, letters without accents, marks dropped. Every Chinese, Japanese or Korean character is a word by itself.
//
// What names something and says nothing becomes one word: _addr, _ip, _url, _host. Reply and status codes are left out.
// "E-mail" is "email", "doesn't" is "doesnt".
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/text.h"

namespace gonets::bounce {

using word_set = std::unordered_set<std::string, text_hash, std::equal_to<>>;

inline constexpr std::size_t normalised_bytes_max = 4096;  // what follows is not looked at

// Replaces `to`. Labels of hosts and URLs that `kept` has are words too: the name of a blocklist says much. Any bytes
// are survived; those that are no UTF-8 are taken for spaces. A text of no words gives " ".
void normalise(std::string_view text, const word_set& kept, std::string& to);

}  // namespace gonets::bounce
