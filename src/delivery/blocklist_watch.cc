#include "delivery/blocklist_watch.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "message/detail/printable.h"

namespace gonets::delivery {
namespace {

using shaping::listing;

constexpr std::size_t reason_bytes_max = 300;

bool is_ipv6(const std::string& address) {
  return address.find(':') != std::string::npos;
}

// Absent: the question was not answered.
std::optional<listing> listing_in(const runtime::dns_answer& answer) {
  using enum runtime::dns_status;
  if (answer.status == no_such_name || answer.status == no_data) return listing::clean;
  if (answer.status != ok) return std::nullopt;
  return shaping::listing_of(answer.addresses);
}

std::string trouble_in(const runtime::dns_answer& answer) {
  return answer.status == runtime::dns_status::ok
             ? fmt::format("its answer is {}, no listing", answer.addresses.front())
             : "it does not answer: " + answer.detail;
}

}  // namespace

struct blocklist_watch::inquiry {
  std::uint64_t round;
  std::string zone, trouble;
  bool world_listed[2] = {false, false};  // by family: IPv4, IPv6
  std::deque<blocklist_options::address> left;
};

blocklist_watch::blocklist_watch(blocklist_options with, environment env)
    : with_(std::move(with)), env_(std::move(env)) {}

void blocklist_watch::reconfigure(blocklist_options with) {
  {
    const std::lock_guard guard(lock_);
    with_ = std::move(with);
  }
  std::set<key> wanted;
  for (const auto& zone : with_.zones) {
    for (const auto& a : with_.addresses)
      wanted.emplace(a.egress, a.text, zone);
  }
  std::set<std::string> egresses;
  {
    const std::lock_guard guard(lock_);
    for (const auto& [of, k] : known_) {
      egresses.insert(std::get<0>(of));
      if (!wanted.contains(of)) gauge_of(std::get<0>(of), std::get<2>(of)).set(0);
    }
    std::erase_if(known_, [&](const auto& each) { return !wanted.contains(each.first); });
    std::erase_if(zones_,
                  [&](const auto& each) { return std::ranges::find(with_.zones, each.first) == with_.zones.end(); });
  }
  for (const auto& name : egresses)
    show(name);
  under_way_ = 0;
  ++round_;
  next_round_ = {};
}

void blocklist_watch::tick() {
  if (with_.zones.empty() || with_.addresses.empty() || under_way_ > 0 || env_.time.steady() < next_round_) return;
  next_round_ = env_.time.steady() + with_.check_every;
  begin_round();
}

void blocklist_watch::begin_round() {
  ++round_;
  under_way_ = with_.zones.size();
  for (const auto& zone : with_.zones) {
    const auto of = std::make_shared<inquiry>();
    of->round = round_;
    of->zone = zone;
    of->left.assign(with_.addresses.begin(), with_.addresses.end());
    test(of, false, true);
  }
}

// In turn: 127.0.0.2 must be listed; 127.0.0.1 must not, nor its IPv6 counterpart. Lists without IPv6 need not know the
// counterpart of 127.0.0.2.
void blocklist_watch::test(const inquiry_ptr& of, bool ipv6, bool listed_one) {
  const auto entry = listed_one ? shaping::blocklist_test_listed(ipv6) : shaping::blocklist_test_clean(ipv6);
  env_.dns.query_a(
      shaping::blocklist_name(entry, of->zone).value(),
      [this, of, ipv6, listed_one](const runtime::dns_answer& answer) { tested(of, ipv6, listed_one, answer); });
}

void blocklist_watch::tested(const inquiry_ptr& of, bool ipv6, bool listed_one, const runtime::dns_answer& answer) {
  if (of->round != round_) return;
  const auto found = listing_in(answer);
  if (!found || *found == listing::unknown) {
    of->trouble = trouble_in(answer);
    return end_inquiry(of);
  }
  if (listed_one) {
    if (*found == listing::listed) return test(of, false, false);
    of->trouble = fmt::format("its test entry {} is not there: is this a block list of addresses, and still alive?",
                              shaping::blocklist_test_listed(false));
    return end_inquiry(of);
  }
  of->world_listed[ipv6] = *found == listing::listed;
  if (of->world_listed[ipv6])
    of->trouble =
        fmt::format("it lists {}, which no list may: it lists the world", shaping::blocklist_test_clean(ipv6));
  const auto of_ipv6 = [](const auto& a) { return is_ipv6(a.text); };
  if (!ipv6 && std::ranges::any_of(of->left, of_ipv6)) return test(of, true, false);
  ask_next(of);
}

void blocklist_watch::ask_next(const inquiry_ptr& of) {
  if (of->left.empty()) return end_inquiry(of);
  auto about = std::move(of->left.front());
  of->left.pop_front();
  if (of->world_listed[is_ipv6(about.text)]) return answered(of, about, listing::unknown, {});
  auto name = shaping::blocklist_name(about.text, of->zone).value();
  env_.dns.query_a(name, [this, of, about, name](const runtime::dns_answer& answer) {
    if (of->round != round_) return;
    const auto found = listing_in(answer);
    if (!found || *found != listing::listed) {
      if (!found || *found == listing::unknown) of->trouble = trouble_in(answer);
      return answered(of, about, found.value_or(listing::unknown), {});
    }
    std::string codes;
    for (const auto& a : answer.addresses)
      codes += (codes.empty() ? "" : ", ") + a;
    env_.dns.query_txt(name, [this, of, about, codes](const runtime::dns_answer& why) {
      if (of->round != round_) return;
      std::string text = codes;
      for (const auto& t : why.texts)
        text += ": " + t;
      answered(of, about, listing::listed,
               message::detail::printable(text, message::detail::charset::utf8, reason_bytes_max));
    });
  });
}

void blocklist_watch::answered(const inquiry_ptr& of, const blocklist_options::address& about, listing found,
                               std::string reason) {
  const key which{about.egress, about.text, of->zone};
  if (of->world_listed[is_ipv6(about.text)]) {
    // What it said before is no better.
    set(which, listing::unknown, of->trouble);
  } else {
    set(which, found, std::move(reason));
  }
  ask_next(of);
}

void blocklist_watch::end_inquiry(const inquiry_ptr& of) {
  for (const auto& a : of->left)
    set({a.egress, a.text, of->zone}, listing::unknown, {});
  bool news = false;
  {
    const std::lock_guard guard(lock_);
    auto& zone = zones_[of->zone];
    news = zone.trouble != of->trouble;
    zone = {of->zone, of->trouble, env_.time.wall()};
  }
  if (news && !of->trouble.empty())
    GONETS_LOG(warning, "blocklist_not_believed", "zone", of->zone, "reason", of->trouble);
  if (news && of->trouble.empty()) GONETS_LOG(info, "blocklist_believed", "zone", of->zone);
  --under_way_;
}

// What is not known leaves what was known for a day, unless it is said why it was never true.
void blocklist_watch::set(const key& of, listing state, std::string reason) {
  const auto now = env_.time.steady();
  bool was = false, is = false;
  {
    const std::lock_guard guard(lock_);
    auto& k = known_[of];
    was = k.state == listing::listed;
    if (state == listing::unknown && reason.empty() && k.state != listing::unknown) {
      if (!was || now - k.confirmed < unconfirmed_max) return;
      reason = "not confirmed for a day";
    }
    if (k.state != state) k.since = env_.time.wall();
    k.state = state;
    if (state != listing::unknown) k.confirmed = now;
    k.reason = reason;
    is = state == listing::listed;
  }
  const auto& [egress, address, zone] = of;
  if (was != is) {
    events::event happened;
    happened.kind = events::kind::blocklist;
    happened.at = env_.time.wall();
    happened.blocklist = events::blocklist_change{egress, address, zone, is};
    happened.reason = reason;
    if (is) {
      GONETS_LOG(warning, "blocklist_listed", "egress", egress, "address", address, "zone", zone, "reason", reason);
    } else {
      GONETS_LOG(info, "blocklist_delisted", "egress", egress, "address", address, "zone", zone, "reason", reason);
    }
    env_.record(std::move(happened));
  }
  show(egress);
}

metrics::gauge& blocklist_watch::gauge_of(const std::string& egress, const std::string& zone) const {
  return env_.counts.make_gauge("gonets_egress_listed",
                                "1 while an address of the egress is on the DNS block list, else 0.",
                                {{"egress", egress}, {"zone", zone}});
}

// Where all see it: the metrics, and the book.
void blocklist_watch::show(const std::string& egress) {
  std::map<std::string, bool> by_zone;
  std::string why;
  {
    const std::lock_guard guard(lock_);
    for (const auto& [of, k] : known_) {
      const auto& [name, address, zone] = of;
      if (name != egress) continue;
      by_zone[zone] |= k.state == listing::listed;
      if (k.state == listing::listed) why += fmt::format("{}{} is on {}", why.empty() ? "" : ", ", address, zone);
    }
  }
  for (const auto& [zone, listed] : by_zone)
    gauge_of(egress, zone).set(listed ? 1 : 0);
  const bool out = with_.take_out && !why.empty();
  if (env_.egresses.listed(egress, out ? std::optional(why) : std::nullopt)) {
    if (out) {
      GONETS_LOG(warning, "egress_taken_out", "egress", egress, "reason", why);
    } else {
      GONETS_LOG(info, "egress_back", "egress", egress);
    }
    env_.moved(egress);
  }
}

std::vector<blocklist_watch::line> blocklist_watch::lines() const {
  const std::lock_guard guard(lock_);
  std::vector<line> all;
  for (const auto& [of, k] : known_) {
    const auto& [egress, address, zone] = of;
    all.push_back({egress, address, zone, k.state, k.reason, k.since});
  }
  return all;
}

std::vector<blocklist_watch::zone_line> blocklist_watch::zones() const {
  const std::lock_guard guard(lock_);
  std::vector<zone_line> all;
  for (const auto& zone : with_.zones) {
    const auto at = zones_.find(zone);
    all.push_back(at == zones_.end() ? zone_line{zone, {}, {}} : at->second);
  }
  return all;
}

}  // namespace gonets::delivery
