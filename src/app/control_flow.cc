// What the API asks of the flow of mail: the shards' views, added up by what they are grouped by.
#include <algorithm>
#include <unordered_map>

#include "app/ask_all.h"
#include "app/from_pool.h"
#include "app/operator_control.h"

namespace gonets::app {
namespace {

using scheduler::flow_line;

void add(httpd::flow_row& to, const flow_line& l) {
  to.counts += l.counts;
  to.waiting += l.ready;
  to.sending += l.sending;
  to.deferred += l.deferred;
  to.held += l.held;
  to.connections += l.connections;
  const wall_time oldest{std::chrono::milliseconds(l.oldest_ms)};
  if (l.oldest_ms != 0 && (to.oldest == wall_time{} || oldest < to.oldest)) to.oldest = oldest;
}

std::string name_of(const flow_line& l, httpd::flow_by by, const accounts::directory& accounts) {
  switch (by) {
    case httpd::flow_by::provider:
      return l.provider.empty() ? "other" : l.provider;
    case httpd::flow_by::site:
      return l.site;
    case httpd::flow_by::egress:
      return l.egress.empty() ? "none yet" : l.egress;
    case httpd::flow_by::account:
      break;
  }
  const auto* account = accounts.find(l.account);
  return account == nullptr ? std::to_string(l.account.value) : account->name;
}

}  // namespace

void operator_control::flow(httpd::flow_by by, std::size_t max, done<httpd::flow_answer> answer) {
  from_pool(parts_, std::move(answer), [this, by, max] {
    httpd::flow_answer all;
    const auto accounts = parts_.accounts->current();
    std::unordered_map<std::string, httpd::flow_row> rows;
    for (const auto& view : ask_all(parts_, [](scheduler::scheduler& s) { return s.flow(); })) {
      for (const auto& line : by == httpd::flow_by::account ? view.accounts : view.sites) {
        auto& row = rows[name_of(line, by, *accounts)];
        add(row, line);
      }
      for (const auto& line : view.sites)
        add(all.total, line);
    }
    all.at = parts_.time.wall();
    all.rows_in_all = rows.size();
    for (auto& [name, row] : rows) {
      row.name = name;
      all.rows.push_back(std::move(row));
    }
    // Those at work first: where there are too many rows, the idle ones are left out.
    const auto busy = [](const httpd::flow_row& r) { return r.connections + r.sending; };
    const auto queue = [](const httpd::flow_row& r) { return r.waiting + r.deferred + r.held; };
    std::ranges::sort(all.rows, [&](const auto& a, const auto& b) {
      return std::make_tuple(busy(b), queue(b), std::string_view(a.name)) <
             std::make_tuple(busy(a), queue(a), std::string_view(b.name));
    });
    if (all.rows.size() > max) all.rows.resize(max);
    return all;
  });
}

}  // namespace gonets::app
