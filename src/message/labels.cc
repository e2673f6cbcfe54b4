#include "message/labels.h"

namespace gonets::message {

std::string join_labels(std::string_view campaign, std::span<const std::string> tags) {
  std::string all(campaign);
  for (const auto& t : tags)
    all.append(1, '\n').append(t);
  return all;
}

std::string_view campaign_of(std::string_view labels) {
  return labels.substr(0, labels.find('\n'));
}

std::vector<std::string_view> tags_of(std::string_view labels) {
  std::vector<std::string_view> tags;
  for (auto at = labels.find('\n'); at != std::string_view::npos;) {
    const auto next = labels.find('\n', at + 1);
    tags.push_back(labels.substr(at + 1, next - at - 1));
    at = next;
  }
  return tags;
}

bool has_tag(std::string_view labels, std::string_view tag) {
  for (auto at = labels.find('\n'); at != std::string_view::npos;) {
    const auto next = labels.find('\n', at + 1);
    if (labels.substr(at + 1, next - at - 1) == tag) return true;
    at = next;
  }
  return false;
}

}  // namespace gonets::message
