// How an address is written on the list, so that all its spellings are one. Pure.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace gonets::suppression {

// In lower case throughout, the domain in A-labels (RFC 5890): local-parts that differ by case alone are one mailbox
// everywhere that matters, and to send to a dead one by its other spelling is worse than not to. A domain that has no
// A-labels stays as it is.
std::string normalised(std::string_view address);
// Under which it may stand on the list: as normalised() has it, and behind that as releases wrote it that did not turn
// U-labels into A-labels.
std::vector<std::string> spellings(std::string_view address);

}  // namespace gonets::suppression
