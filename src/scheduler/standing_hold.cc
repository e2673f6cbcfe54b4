// Standing holds, where the scheduler asks for them: a recipient that one applies to leaves its site's queue, so that
// nobody waits behind it and nothing of it is read from disk.
#include "scheduler/standing_hold.h"

#include <fmt/format.h>

#include <algorithm>

#include "message/labels.h"
#include "scheduler/scheduler.h"

namespace gonets::scheduler {

std::string to_text(const standing_hold& h) {
  return fmt::format("hold {0}{1}{2}; `gonets hold release {0}` lets it go", h.id.value, h.reason.empty() ? "" : ": ",
                     h.reason);
}

const shaping::provider* scheduler::provider_of(const entry& e, const site* at) const {
  const auto& known = with_.rules->providers;
  const auto domain = spool::without_mark(entries_.domains.name(e.domain));
  if (const auto* by_domain = known.find_domain(domain)) return by_domain;
  if (at != nullptr) return at->provider;
  const auto to = env_.directory.known(entries_.domains.name(e.domain));
  return to ? known.find_hosts(to->hosts()) : nullptr;
}

const standing_hold* scheduler::standing_over(const entry& e, const site* at) const {
  const auto applies = [&](const standing_hold& h) {
    if (h.account && *h.account != e.account) return false;
    if (!h.stream.empty() && h.stream != policy(e.stream).name) return false;
    if (!h.domain.empty() && h.domain != spool::without_mark(entries_.domains.name(e.domain))) return false;
    if (!h.campaign.empty() || !h.tag.empty()) {
      const auto labels = e.labels == no_labels ? std::string_view() : entries_.labels.name(e.labels);
      if (!h.campaign.empty() && message::campaign_of(labels) != h.campaign) return false;
      if (!h.tag.empty() && !message::has_tag(labels, h.tag)) return false;
    }
    if (h.provider.empty()) return true;
    const auto* of = provider_of(e, at);
    return of != nullptr && of->name == h.provider;
  };
  const auto found = std::ranges::find_if(*standing_, applies);
  return found == standing_->end() ? nullptr : &*found;
}

bool scheduler::must_pause(const entry& e, const site* at) const {
  return paused_->contains(e.account) || (!standing_->empty() && standing_over(e, at) != nullptr);
}

void scheduler::review_pauses() {
  std::vector<handle> resumed;
  for (handle h = 0; h < entries_.slots(); ++h) {
    const auto& e = entries_[h];
    if (e.state == entry_state::ready && must_pause(e, e.at)) pause(h);
    if (e.state == entry_state::paused && !must_pause(e, nullptr)) resumed.push_back(h);
  }
  for (const auto h : resumed)
    due(h);
  kick_placed();
}

void scheduler::hold_back(std::shared_ptr<const standing_holds> which) {
  standing_ = std::move(which);
  review_pauses();
}

std::unordered_map<hold_id, std::uint64_t> scheduler::count_held_back() const {
  std::unordered_map<hold_id, std::uint64_t> counts;
  if (standing_->empty()) return counts;
  for (handle h = 0; h < entries_.slots(); ++h) {
    const auto& e = entries_[h];
    if (e.state == entry_state::free || e.state == entry_state::leased || e.state == entry_state::held) continue;
    if (const auto* by = standing_over(e, e.at)) ++counts[by->id];
  }
  return counts;
}

std::string scheduler::why_paused(const entry& e) const {
  if (const auto why = paused_->find(e.account); why != paused_->end()) return why->second;
  const auto* by = standing_over(e, e.at);
  return by == nullptr ? std::string() : to_text(*by);
}

}  // namespace gonets::scheduler
