#include "delivery/tlsa_lookup.h"

#include <memory>
#include <utility>

namespace gonets::delivery {
namespace {

using runtime::dns_answer;
using runtime::dns_status;
using tls_policy::host_tlsa;

// Owned by the handlers given to the resolver.
struct lookup : std::enable_shared_from_this<lookup> {
  runtime::resolver& dns;
  std::uint16_t port;
  std::vector<std::string> bases;  // still to be asked for, the next one last
  std::move_only_function<void(host_tlsa)> done;

  lookup(runtime::resolver& with, std::uint16_t at, std::move_only_function<void(host_tlsa)> then)
      : dns(with), port(at), done(std::move(then)) {}

  void ask_next() {
    if (bases.empty()) return done({});
    auto base = std::move(bases.back());
    bases.pop_back();
    const auto name = tls_policy::tlsa_name(base, port);
    dns.query_tlsa(name, [self = shared_from_this(), base = std::move(base)](dns_answer answer) mutable {
      self->take(std::move(base), std::move(answer));
    });
  }

  void take(std::string base, dns_answer answer) {
    if (failed(answer)) return fail(answer);
    if (answer.status == dns_status::ok && answer.secure)
      return done(tls_policy::judge(std::move(answer.tlsa), std::move(base)));
    ask_next();
  }

  // The alias itself may be vouched for although what it leads to is not.
  void ask_alias(std::string host) {
    const auto name = host;
    dns.query_cname(name, [self = shared_from_this(), host = std::move(host)](const dns_answer& answer) mutable {
      if (failed(answer)) return self->fail(answer);
      if (answer.status == dns_status::ok && answer.secure) self->bases.push_back(std::move(host));
      self->ask_next();
    });
  }

  static bool failed(const dns_answer& a) { return a.status == dns_status::temporary || a.status == dns_status::bogus; }

  void fail(const dns_answer& answer) {
    host_tlsa result;
    result.finding = tls_policy::tlsa_finding::failed;
    result.detail = answer.detail;
    done(std::move(result));
  }
};

}  // namespace

void find_tlsa(runtime::resolver& dns, const mx_host& host, std::uint16_t port,
               std::move_only_function<void(host_tlsa)> done) {
  const bool alias = !host.canonical.empty() && host.canonical != host.name;
  if (!host.secure && !alias) return done({});
  const auto work = std::make_shared<lookup>(dns, port, std::move(done));
  if (!host.secure) return work->ask_alias(host.name);
  work->bases.push_back(host.name);
  if (alias) work->bases.push_back(host.canonical);
  work->ask_next();
}

}  // namespace gonets::delivery
