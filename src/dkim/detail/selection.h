// Which fields h= means: of several with one name the last first, and none for a name that is there too often (RFC 6376
// 5.4.2).
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "dkim/canonical.h"
#include "message/header_scan.h"

namespace gonets::dkim::detail {

// Appends the canonical forms of the fields of `all`, which are in the message's order, that `names` selects.
template <class Names>
void append_selected(std::string& to, canonicalization how, const std::vector<message::field>& all,
                     const Names& names) {
  std::vector<bool> used(all.size());
  for (const auto& name : names) {
    for (std::size_t i = all.size(); i-- > 0;) {
      if (used[i] || !message::same_field_name(all[i].name, name)) continue;
      used[i] = true;
      append_field(to, how, all[i].name, all[i].value);
      break;
    }
  }
}

}  // namespace gonets::dkim::detail
