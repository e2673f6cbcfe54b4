// What the HTTP API asks of sites.
#include "app/control.h"
#include "base/text.h"

namespace gonets::app {
namespace {

// Schedulers answer on the shard that owns the site; the API wants it on the one that asked.
scheduler::scheduler::site_answer to_asker(runtime::shards& shards, control::done<httpd::site_answer> answer) {
  return [&shards, asker = runtime::shards::current(), answer = std::move(answer)](
             std::optional<scheduler::site_view> found, const smtp::recipient_outcome& why_not) mutable {
    httpd::site_answer said = std::unexpected(why_not.answer.text);
    if (found) said = std::move(*found);
    shards.post(asker, [answer = std::move(answer), said = std::move(said)]() mutable { answer(std::move(said)); });
  };
}

}  // namespace

void control::view_site(std::string domain, httpd::site_viewer by, done<httpd::site_answer> answer) {
  auto name = to_lower(domain);
  scheduler::viewer whose{by.stream, {}};
  if (!by.account.empty()) {
    const auto all = parts_.accounts->current();
    const auto* account = all->find_account(by.account);
    if (account == nullptr) return answer(std::unexpected("there is no account \"" + by.account + "\""));
    whose.account = account->id;
  }
  // By the egress of the account or stream; of a pool, by the one of some message.
  if (!by.stream.empty()) {
    spool::queued_message some;
    some.id = message_id{1};
    some.stream = by.stream;
    some.account = whose.account.value_or(account_id{});
    name += parts_.egresses.mark_of(some);
  }
  parts_.by_shard[runtime::shards::current()]->scheduler->view_site(name, to_asker(parts_.shards, std::move(answer)),
                                                                    whose);
}

void control::pin_site(std::string domain, httpd::site_pin to, done<httpd::site_answer> answer) {
  parts_.by_shard[runtime::shards::current()]->scheduler->pin_site(to_lower(domain), std::move(to),
                                                                   to_asker(parts_.shards, std::move(answer)));
}

void control::release_site(std::string domain, std::string stream, done<httpd::site_answer> answer) {
  parts_.by_shard[runtime::shards::current()]->scheduler->release_site(to_lower(domain), stream,
                                                                       to_asker(parts_.shards, std::move(answer)));
}

}  // namespace gonets::app
