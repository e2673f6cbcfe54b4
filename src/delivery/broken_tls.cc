#include "delivery/broken_tls.h"

#include <utility>

namespace gonets::delivery {

void broken_tls::note(std::string_view host, std::string why, steady_time now) {
  if (hosts_.size() >= hosts_max) {
    std::erase_if(hosts_, [now](const auto& item) { return item.second.until <= now; });
    if (hosts_.size() >= hosts_max) hosts_.clear();
  }
  hosts_.insert_or_assign(std::string(host), entry{std::move(why), now + remembered_for});
}

const std::string* broken_tls::find(std::string_view host, steady_time now) const {
  if (hosts_.empty()) return nullptr;
  const auto at = hosts_.find(std::string(host));
  return at == hosts_.end() || at->second.until <= now ? nullptr : &at->second.why;
}

}  // namespace gonets::delivery
