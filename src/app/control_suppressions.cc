// What the HTTP API asks of suppressed addresses.
#include <fmt/format.h>

#include <algorithm>

#include "app/from_pool.h"
#include "app/operator_control.h"
#include "base/text.h"

namespace gonets::app {
namespace {

constexpr std::string_view all_streams = "-";

using refusal = std::unexpected<httpd::response>;

std::expected<account_id, httpd::response> account_named(const parts& in, const std::string& name) {
  const auto known = in.accounts->current();
  if (const auto* found = known->find_account(name)) return found->id;
  std::vector<std::string> names;
  for (const auto& a : known->all().accounts)
    names.push_back(a.name);
  const auto near = nearest(name, names);
  return refusal(httpd::error_response(400, "unknown_account", fmt::format("account: there is no account \"{}\"", name),
                                       near.empty() ? "" : fmt::format("did you mean \"{}\"?", near)));
}

// "bulk ann@example.com", "- ann@example.com"
std::string place_of(const suppression::entry& e) {
  return fmt::format("{} {}", e.scope.empty() ? all_streams : e.scope, e.address);
}

std::string key_behind(account_id of, std::string_view place) {
  if (place.empty()) return {};
  suppression::entry e;
  e.account = of;
  const auto scope = place.substr(0, place.find(' '));
  e.address = suppression::normalised(place.substr(std::min(place.size(), scope.size() + 1)));
  if (scope != all_streams) e.scope = scope;
  return suppression::key_of(e);
}

}  // namespace

void operator_control::suppressions(std::string account, std::string address, std::string after, std::size_t max,
                                    done<std::expected<httpd::suppression_page, httpd::response>> answer) {
  const auto who = account_named(parts_, account);
  if (!who) return answer(refusal(who.error()));
  using outcome = std::expected<httpd::suppression_page, httpd::response>;
  const bool one = !address.empty();
  // All scopes of one address stand behind each other.
  const auto from = one ? "- " + address : std::move(after);
  from_pool(parts_, std::move(answer), [this, who = *who, one, address, from, max]() -> outcome {
    auto key = key_behind(who, from);
    if (one) key.pop_back();  // the one for all streams, whose key this is, belongs to the answer
    auto rows = suppression::read(parts_.store->store(), who, key, max);
    if (!rows) return refusal(httpd::error_response(503, "busy", "the spool can't be read: " + rows.error().detail));
    httpd::suppression_page page{std::move(*rows), {}};
    if (one) {
      std::erase_if(page.rows, [&](const auto& e) { return e.address != suppression::normalised(address); });
    } else if (page.rows.size() == max) {
      page.next = place_of(page.rows.back());
    }
    return page;
  });
}

void operator_control::change_suppressions(httpd::suppression_request wanted,
                                           done<std::expected<std::uint64_t, httpd::response>> answer) {
  const auto who = account_named(parts_, wanted.account);
  if (!who) return answer(refusal(who.error()));
  const auto& streams = parts_.by_shard[runtime::shards::current()]->with.streams;
  if (!wanted.stream.empty() && std::ranges::find(streams, wanted.stream, &config::stream::name) == streams.end())
    return answer(refusal(httpd::error_response(400, "invalid_body", "stream: there is no such stream")));
  const auto now = parts_.time.wall();
  spool::change c;
  for (const auto& address : wanted.addresses) {
    suppression::entry e{*who, suppression::normalised(address), wanted.stream, wanted.reason, {}, now, {}};
    if (wanted.lasts) e.expires = now + *wanted.lasts;
    c.suppressions.push_back({std::move(e), wanted.remove});
  }
  c.shard = runtime::shards::current();
  c.done = [answer = std::move(answer), count = wanted.addresses.size()](spool::commit_status) mutable {
    answer(count);
  };
  parts_.store->settle(std::move(c));
}

}  // namespace gonets::app
