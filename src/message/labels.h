// What a sender calls its message: the campaign that it belongs to, and tags. Kept as one text, so that it costs a
// queued recipient no more than a number:
//
//   labels := campaign *(LF tag)      empty: neither
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::message {

std::string join_labels(std::string_view campaign, std::span<const std::string> tags);
// Views into `labels`.
std::string_view campaign_of(std::string_view labels);
std::vector<std::string_view> tags_of(std::string_view labels);
bool has_tag(std::string_view labels, std::string_view tag);

}  // namespace gonets::message
