// What the HTTP API asks of the journal.
#include <fmt/format.h>

#include <algorithm>

#include "app/from_pool.h"
#include "app/operator_control.h"

namespace gonets::app {
namespace {

// Nothing: of any.
using account_choice = std::expected<std::optional<account_id>, httpd::response>;

account_choice find_account(const parts& in, const std::string& name) {
  if (!in.journal)
    return std::unexpected(httpd::error_response(503, "journal_off", "no journal is kept", "journal.enabled = true"));
  if (name.empty()) return std::nullopt;
  const auto known = in.accounts->current();
  if (const auto* account = known->find_account(name)) return account->id;
  return std::unexpected(
      httpd::error_response(404, "not_found", "there is no account " + name, "`gonets account list`"));
}

httpd::response journal_unavailable(const storage::sql_error& why) {
  return httpd::error_response(503, "database_unavailable", "the journal can't be asked: " + why.detail, "");
}

}  // namespace

void operator_control::search_messages(httpd::message_search wanted,
                                       done<std::expected<httpd::message_page, httpd::response>> answer) {
  auto account = find_account(parts_, wanted.account);
  if (!account) return answer(std::unexpected(std::move(account.error())));
  wanted.which.account = *account;
  const auto now = parts_.time.wall();
  if (wanted.since) wanted.which.since = now - *wanted.since;
  if (wanted.until) wanted.which.until = now - *wanted.until;
  using outcome = std::expected<httpd::message_page, httpd::response>;
  from_pool(parts_, std::move(answer), [this, which = std::move(wanted.which)]() -> outcome {
    auto found = parts_.journal->content().search(which);
    if (!found) return std::unexpected(journal_unavailable(found.error()));
    const auto known = parts_.accounts->current();
    httpd::message_page page;
    page.next = found->next;
    for (auto& row : found->rows) {
      const auto* of = known->find(row.account);
      page.rows.push_back({std::move(row), of == nullptr ? std::string() : of->name});
    }
    return page;
  });
}

void operator_control::count_statistics(httpd::statistics_search wanted,
                                        done<std::expected<httpd::statistics_answer, httpd::response>> answer) {
  auto account = find_account(parts_, wanted.account);
  if (!account) return answer(std::unexpected(std::move(account.error())));
  const auto now = parts_.time.wall();
  const journal::statistics_query which{
      .by = std::move(wanted.by), .account = *account, .since = now - wanted.since, .until = now - wanted.until};
  using outcome = std::expected<httpd::statistics_answer, httpd::response>;
  from_pool(parts_, std::move(answer), [this, which]() -> outcome {
    auto found = parts_.journal->content().count(which);
    if (!found) return std::unexpected(journal_unavailable(found.error()));
    if (!*found)
      return std::unexpected(httpd::error_response(
          400, "too_many_rows", fmt::format("there are more than {} rows", journal::statistics_rows_max),
          "a shorter time, or less in `group`"));
    const auto known = parts_.accounts->current();
    const auto at = std::ranges::find(which.by, journal::statistics_by::account);
    for (auto& row : **found) {
      if (at == which.by.end()) break;
      auto& name = row.names[static_cast<std::size_t>(at - which.by.begin())];
      const auto* of = known->find(account_id{static_cast<std::uint32_t>(std::stoul(name))});
      if (of != nullptr) name = of->name;
    }
    return httpd::statistics_answer{which.since, which.until, std::move(**found)};
  });
}

}  // namespace gonets::app
