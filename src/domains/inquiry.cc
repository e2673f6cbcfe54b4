#include "domains/inquiry.h"

#include <algorithm>
#include <memory>

namespace gonets::domains {
namespace {

using domain_check::answer;
using domain_check::answer_status;
using domain_check::question;
using domain_check::record_type;

// Questions come in waves, each for what the answers before led to. A chain of includes takes ten; beyond this somebody
// plays with us, and what is not known counts as failed.
constexpr unsigned waves_max = 40;

answer from_dns(record_type type, runtime::dns_answer got) {
  answer a;
  a.detail = got.detail;
  if (got.status == runtime::dns_status::no_data || got.status == runtime::dns_status::no_such_name) {
    a.status = answer_status::nothing;
    return a;
  }
  if (got.status != runtime::dns_status::ok) return a;
  a.status = answer_status::ok;
  switch (type) {
    case record_type::a:
    case record_type::aaaa:
      a.values = std::move(got.addresses);
      break;
    case record_type::mx:
      std::ranges::stable_sort(got.mx, {}, &runtime::mx_record::preference);
      for (auto& mx : got.mx)
        a.values.push_back(std::move(mx.exchange));
      break;
    case record_type::txt:
      a.values = std::move(got.texts);
      break;
    case record_type::ptr:
    case record_type::cname:
      a.values = std::move(got.names);
      break;
  }
  return a;
}

struct inquiry : std::enable_shared_from_this<inquiry> {
  runtime::resolver& dns;
  domain_check::subject of;
  domain_check::platform on;
  std::move_only_function<void(domain_check::report)> done;
  domain_check::facts known;
  std::size_t outstanding = 0;
  unsigned waves = 0;

  inquiry(runtime::resolver& by, domain_check::subject s, domain_check::platform p,
          std::move_only_function<void(domain_check::report)> d)
      : dns(by), of(std::move(s)), on(std::move(p)), done(std::move(d)) {}

  void wave() {
    auto report = examine(of, on, known);
    const auto wanted = known.take_wanted();
    if (wanted.empty() || ++waves > waves_max) return done(std::move(report));
    outstanding = wanted.size();
    for (const auto& q : wanted)
      ask(q);
  }

  void ask(const question& q) {
    auto answered = [self = shared_from_this(), q](runtime::dns_answer got) {
      self->known.add(q, from_dns(q.type, std::move(got)));
      if (--self->outstanding == 0) self->wave();
    };
    switch (q.type) {
      case record_type::a:
        return dns.query_a(q.name, std::move(answered));
      case record_type::aaaa:
        return dns.query_aaaa(q.name, std::move(answered));
      case record_type::mx:
        return dns.query_mx(q.name, std::move(answered));
      case record_type::txt:
        return dns.query_txt(q.name, std::move(answered));
      case record_type::ptr:
        return dns.query_ptr(q.name, std::move(answered));
      case record_type::cname:
        return dns.query_cname(q.name, std::move(answered));
    }
  }
};

}  // namespace

void inquire(runtime::resolver& dns, domain_check::subject of, domain_check::platform on,
             std::move_only_function<void(domain_check::report)> done) {
  std::make_shared<inquiry>(dns, std::move(of), std::move(on), std::move(done))->wave();
}

}  // namespace gonets::domains
