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

httpd::response unreadable(const storage::error& why) {
  return httpd::error_response(503, "busy", "the spool can't be read: " + why.detail);
}

// "bulk ann@example.com", "- ann@example.com"
std::string place_of(std::string_view key) {
  constexpr std::size_t account_bytes = 4;
  key.remove_prefix(account_bytes);
  const auto address = key.substr(0, key.find('\0'));
  const auto scope = key.substr(address.size() + 1);
  return fmt::format("{} {}", scope.empty() ? all_streams : scope, address);
}

std::string key_behind(account_id of, std::string_view place) {
  if (place.empty()) return {};
  suppression::entry e;
  e.account = of;
  const auto scope = place.substr(0, place.find(' '));
  e.address = place.substr(std::min(place.size(), scope.size() + 1));
  if (scope != all_streams) e.scope = scope;
  return suppression::key_of(e);
}

// Nothing: neither entries nor a count.
storage::result<std::optional<httpd::suppression_facts>> facts_of(const storage::store& in, const accounts::account& of,
                                                                  std::string_view address, wall_time now) {
  auto entries = suppression::read_address(in, of.id, address);
  if (!entries) return std::unexpected(entries.error());
  auto soft = suppression::soft_count(in, of.id, address, now);
  if (!soft) return std::unexpected(soft.error());
  if (entries->empty() && !*soft) return std::nullopt;
  return httpd::suppression_facts{of.name, std::move(*entries), std::move(*soft), of.suppression};
}

// Takes out what its recipient complained from: the account may not undo that.
storage::result<std::vector<std::string>> keep_complaints(const storage::store& in,
                                                          std::vector<suppression::change>& changes) {
  std::vector<std::string> kept;
  std::vector<suppression::change> others;
  for (auto& c : changes) {
    const auto present = suppression::get(in, c.what.account, c.what.address, c.what.scope);
    if (!present) return std::unexpected(present.error());
    if (*present && (*present)->reason == suppression::complained) {
      kept.push_back(c.what.address);
    } else {
      others.push_back(std::move(c));
    }
  }
  changes = std::move(others);
  return kept;
}

}  // namespace

void operator_control::suppressions(httpd::suppression_search wanted,
                                    done<std::expected<httpd::suppression_page, httpd::response>> answer) {
  const auto who = account_named(parts_, wanted.account);
  if (!who) return answer(refusal(who.error()));
  if (wanted.back) wanted.which.since = parts_.time.wall() - *wanted.back;
  using outcome = std::expected<httpd::suppression_page, httpd::response>;
  from_pool(parts_, std::move(answer), [this, who = *who, wanted = std::move(wanted)]() -> outcome {
    auto found = suppression::read(parts_.store->store(), who, key_behind(who, wanted.after), wanted.max, wanted.which);
    if (!found) return refusal(unreadable(found.error()));
    return httpd::suppression_page{std::move(found->rows), found->next.empty() ? "" : place_of(found->next)};
  });
}

void operator_control::find_suppressions(
    std::string address, std::string account,
    done<std::expected<std::vector<httpd::suppression_facts>, httpd::response>> answer) {
  if (!account.empty()) {
    if (const auto who = account_named(parts_, account); !who) return answer(refusal(who.error()));
  }
  using outcome = std::expected<std::vector<httpd::suppression_facts>, httpd::response>;
  from_pool(parts_, std::move(answer),
            [this, known = parts_.accounts->current(), address = std::move(address),
             account = std::move(account)]() -> outcome {
              std::vector<httpd::suppression_facts> all;
              for (const auto& a : known->all().accounts) {
                if (!account.empty() && a.name != account) continue;
                auto found = facts_of(parts_.store->store(), a, address, parts_.time.wall());
                if (!found) return refusal(unreadable(found.error()));
                if (*found) all.push_back(std::move(**found));
              }
              return all;
            });
}

void operator_control::change_suppressions(httpd::suppression_request wanted,
                                           done<std::expected<httpd::suppressions_changed, httpd::response>> answer) {
  const auto who = account_named(parts_, wanted.account);
  if (!who) return answer(refusal(who.error()));
  const auto& streams = parts_.by_shard[runtime::shards::current()]->with.streams;
  const auto now = parts_.time.wall();
  spool::change c;
  c.shard = runtime::shards::current();
  for (auto& e : wanted.entries) {
    if (!wanted.remove && !e.scope.empty() && suppression::list_in(e.scope).empty() &&
        std::ranges::find(streams, e.scope, &config::stream::name) == streams.end())
      return answer(refusal(httpd::error_response(400, "invalid_body",
                                                  fmt::format("stream: there is no such stream as \"{}\"", e.scope))));
    e.account = *who;
    e.address = suppression::normalised(e.address);
    if (e.since == wall_time{}) e.since = now;
    if (e.expires == wall_time{} && wanted.lasts) e.expires = now + *wanted.lasts;
    c.suppressions.push_back({std::move(e), wanted.remove});
  }
  const auto settle = [this](spool::change what, std::vector<std::string> kept, auto then) {
    httpd::suppressions_changed made{what.suppressions.size(), std::move(kept)};
    what.done = [then = std::move(then), made = std::move(made)](spool::commit_status) mutable {
      then(std::move(made));
    };
    parts_.store->settle(std::move(what));
  };
  if (!wanted.own) return settle(std::move(c), {}, std::move(answer));
  auto shared = std::make_shared<spool::change>(std::move(c));
  using outcome = storage::result<std::vector<std::string>>;
  const auto look = [this, shared]() -> outcome {
    return keep_complaints(parts_.store->store(), shared->suppressions);
  };
  auto then = [settle, shared, answer = std::move(answer)](outcome kept) mutable {
    if (!kept) return answer(refusal(unreadable(kept.error())));
    settle(std::move(*shared), std::move(*kept), std::move(answer));
  };
  from_pool(parts_, std::move(then), look);
}

}  // namespace gonets::app
