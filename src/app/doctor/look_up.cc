#include "app/doctor/look_up.h"

#include <future>

#include "runtime/shards.h"

namespace gonets::app::doctor {

std::vector<runtime::dns_answer> look_up(const config::settings& with, const std::vector<std::string>& names) {
  runtime::dns_options o;
  for (const auto& s : with.dns.servers)
    o.servers.emplace_back(s.host, s.port);
  o.timeout = with.dns.timeout;
  runtime::shards one(1);
  one.start();
  std::unique_ptr<runtime::resolver> resolver;
  std::vector<std::promise<runtime::dns_answer>> answers(names.size());
  one.post(0, [&] {
    resolver = runtime::make_unbound_resolver(one.context(0), o);
    for (std::size_t i = 0; i < names.size(); ++i)
      resolver->query_a(names[i], [&to = answers[i]](runtime::dns_answer a) { to.set_value(std::move(a)); });
  });
  std::vector<runtime::dns_answer> all;
  for (auto& a : answers)
    all.push_back(a.get_future().get());
  std::promise<void> gone;
  one.post(0, [&] {
    resolver.reset();
    gone.set_value();
  });
  gone.get_future().wait();
  return all;
}

}  // namespace gonets::app::doctor
