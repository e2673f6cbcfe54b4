// What the HTTP API asks of the journal.
#include "app/from_pool.h"
#include "app/operator_control.h"

namespace gonets::app {

void operator_control::search_messages(httpd::message_search wanted,
                                       done<std::expected<httpd::message_page, httpd::response>> answer) {
  const auto known = parts_.accounts->current();
  if (!wanted.account.empty()) {
    const auto* account = known->find_account(wanted.account);
    if (account == nullptr)
      return answer(std::unexpected(
          httpd::error_response(404, "not_found", "there is no account " + wanted.account, "`gonets account list`")));
    wanted.which.account = account->id;
  }
  using outcome = std::expected<httpd::message_page, httpd::response>;
  from_pool(parts_, std::move(answer), [this, known, which = std::move(wanted.which)]() -> outcome {
    auto found = parts_.journal->search(which);
    if (!found)
      return std::unexpected(httpd::error_response(503, "database_unavailable",
                                                   "the journal can't be asked: " + found.error().detail, ""));
    httpd::message_page page;
    page.next = found->next;
    for (auto& row : found->rows) {
      const auto* account = known->find(row.account);
      page.rows.push_back({std::move(row), account == nullptr ? std::string() : account->name});
    }
    return page;
  });
}

}  // namespace gonets::app
