// Whether DNS block lists answer as they must, and what they say of our addresses.
#include <fmt/ranges.h>

#include <algorithm>

#include "app/blocklists.h"
#include "app/doctor/doctor.h"
#include "app/doctor/look_up.h"
#include "shaping/blocklist.h"

namespace gonets::app::doctor {
namespace {

using shaping::listing;

std::string addresses_in(const runtime::dns_answer& answer) {
  return fmt::format("{}", fmt::join(answer.addresses, ", "));
}

listing listing_in(const runtime::dns_answer& answer) {
  if (answer.status == runtime::dns_status::ok) return shaping::listing_of(answer.addresses);
  const bool none = answer.status == runtime::dns_status::no_such_name || answer.status == runtime::dns_status::no_data;
  return none ? listing::clean : listing::unknown;
}

// False: what it says is not to be believed.
bool examine_tests(const std::string& zone, const runtime::dns_answer& must, const runtime::dns_answer& must_not,
                   report& to) {
  const std::string name = "the block list " + zone;
  if (listing_in(must) == listing::unknown || listing_in(must_not) == listing::unknown) {
    const auto& which = listing_in(must) == listing::unknown ? must : must_not;
    const bool refuses = which.status == runtime::dns_status::ok;
    to.warning(refuses ? fmt::format("{} refuses to answer: {}", name, addresses_in(which))
                       : fmt::format("{} does not answer: {}", name, which.detail),
               refuses ? "most lists refuse resolvers that the public shares: leave dns.servers empty, or register "
                         "with the list"
                       : "see whether the name is right and the list still alive");
    return false;
  }
  if (listing_in(must) == listing::clean) {
    to.warning(fmt::format("{} does not have its test entry {}: it is no list of addresses, or dead", name,
                           shaping::blocklist_test_listed(false)),
               "correct it in blocklists.zones, or take it out");
    return false;
  }
  if (listing_in(must_not) == listing::listed) {
    to.warning(fmt::format("{} lists {}, and so the world: the server does not believe it", name,
                           shaping::blocklist_test_clean(false)),
               "take it out of blocklists.zones");
    return false;
  }
  return true;
}

}  // namespace

void examine_blocklists(const surroundings& around, report& to) {
  const auto asked = blocklist_options_of(around.with);
  if (asked.zones.empty()) return to.ok("none is asked; see blocklists.zones");
  std::vector<std::string> names;
  for (const auto& zone : asked.zones) {
    names.push_back(*shaping::blocklist_name(shaping::blocklist_test_listed(false), zone));
    names.push_back(*shaping::blocklist_name(shaping::blocklist_test_clean(false), zone));
    for (const auto& a : asked.addresses)
      names.push_back(*shaping::blocklist_name(a.text, zone));
  }
  const auto answers = look_up(around.with, names);
  auto at = answers.begin();
  for (const auto& zone : asked.zones) {
    const auto& must = *at++;
    const auto& must_not = *at++;
    const bool believed = examine_tests(zone, must, must_not, to);
    bool listed = false;
    for (const auto& a : asked.addresses) {
      const auto& answer = *at++;
      if (!believed || listing_in(answer) != listing::listed) continue;
      listed = true;
      to.warning(fmt::format("{}: {} is on the block list {}: {}", a.egress, a.text, zone, addresses_in(answer)),
                 "see on the list's site why, mend it, and ask for its removal");
    }
    if (believed && !listed) to.ok(fmt::format("{} answers, and lists no egress", zone));
  }
  for (const auto& e : around.with.egresses) {
    const auto of_it = [&](const auto& a) { return a.egress == e.name; };
    if (std::ranges::none_of(asked.addresses, of_it))
      to.warning(fmt::format("{}: no address is known that receivers see", e.name), "set egress.public_addresses");
  }
}

}  // namespace gonets::app::doctor
