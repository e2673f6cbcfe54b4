// What a sender calls its message: the campaign that it belongs to, and tags. Kept as one text, so that it costs a
// queued recipient no more than a number:
//
//   labels := campaign *(LF tag)      empty: neither
#pragma once
#include <span>
#include <string>
#include <string_view>

namespace gonets::spool {

std::string join_labels(std::string_view campaign, std::span<const std::string> tags);
bool is_of_campaign(std::string_view labels, std::string_view campaign);
bool has_tag(std::string_view labels, std::string_view tag);

}  // namespace gonets::spool
