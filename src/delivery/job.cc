#include "delivery/job.h"

#include <utility>

namespace gonets::delivery {

void keep_said(job& of, std::vector<smtp::recipient_outcome>& outcomes) {
  for (std::size_t i = 0; i < of.said.size(); ++i) {
    const auto& now = outcomes[i];
    if (now.what != smtp::disposition::delivered && !now.from_peer) outcomes[i] = std::move(of.said[i]);
  }
}

std::optional<job> take_passed_over(spool::lease& from, std::vector<smtp::recipient_outcome>& outcomes,
                                    const std::function<bool(std::size_t)>& passed_over, const std::string& host,
                                    const std::string& address) {
  std::vector<bool> goes(from.recipients.size());
  bool any = false;
  for (std::size_t i = 0; i < goes.size(); ++i) {
    goes[i] = passed_over(i);
    any |= goes[i];
  }
  if (!any) return std::nullopt;
  auto whole = std::exchange(from, {from.message, {}, from.site, {}, from.began, from.waited});
  auto all = std::exchange(outcomes, {});
  job rest{from, {}, host, address, {}};
  for (std::size_t i = 0; i < goes.size(); ++i) {
    auto& to = goes[i] ? rest.lease : from;
    to.recipients.push_back(whole.recipients[i]);
    to.entries.push_back(whole.entries[i]);
    (goes[i] ? rest.said : outcomes).push_back(std::move(all[i]));
  }
  return rest;
}

}  // namespace gonets::delivery
