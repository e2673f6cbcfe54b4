#include "spool/labels.h"

namespace gonets::spool {

std::string join_labels(std::string_view campaign, std::span<const std::string> tags) {
  std::string all(campaign);
  for (const auto& t : tags)
    all.append(1, '\n').append(t);
  return all;
}

bool is_of_campaign(std::string_view labels, std::string_view campaign) {
  return labels.substr(0, labels.find('\n')) == campaign;
}

bool has_tag(std::string_view labels, std::string_view tag) {
  for (auto at = labels.find('\n'); at != std::string_view::npos;) {
    const auto next = labels.find('\n', at + 1);
    if (labels.substr(at + 1, next - at - 1) == tag) return true;
    at = next;
  }
  return false;
}

}  // namespace gonets::spool
