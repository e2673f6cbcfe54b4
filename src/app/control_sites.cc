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

void control::view_site(std::string domain, done<httpd::site_answer> answer) {
  parts_.by_shard[runtime::shards::current()]->scheduler->view_site(to_lower(domain),
                                                                    to_asker(parts_.shards, std::move(answer)));
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
