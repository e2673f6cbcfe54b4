// The pages that recipients see. Whole HTML documents that load nothing, run nothing and can't be framed.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "feedback/unsubscriber.h"
#include "httpd/exchange.h"

namespace gonets::httpd::detail {

enum class language : std::uint8_t { english, russian };
// Of those that we speak the first that the browser names; English where it names none.
language language_of(std::string_view accept_language);

struct page_place {
  std::string token;
  bool below = false;    // at /u/TOKEN/resubscribe: links are relative, so that a proxy may put /u/ anywhere
  bool changed = false;  // what is shown was just asked for
};
response unsubscribe_page(language speaks, const page_place& at, const feedback::subscription_result& found);

// Of an address for opens or clicks that we did not make.
response unknown_link_page(language speaks);

// `content` is HTML.
response public_page(language speaks, unsigned status, std::string_view content);

}  // namespace gonets::httpd::detail
