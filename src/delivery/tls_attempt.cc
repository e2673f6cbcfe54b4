#include "delivery/tls_attempt.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "delivery/host_address.h"
#include "message/address.h"
#include "runtime/dns_name.h"

namespace gonets::delivery {
namespace {

using tls_policy::begin_tls;
using tls_policy::tls_result;
using tls_policy::verify_by;

// A connection that serves more domains tells of the first ones.
constexpr std::size_t domains_told_max = 1000;

runtime::client_handshake::verification how_to_verify(verify_by by) {
  using verification = runtime::client_handshake::verification;
  switch (by) {
    case verify_by::names:
      return verification::names;
    case verify_by::dane:
      return verification::dane;
    case verify_by::nothing:
      break;
  }
  return verification::none;
}

void add_once(std::vector<std::string>& to, const std::string& name) {
  if (!name.empty() && std::find(to.begin(), to.end(), name) == to.end()) to.push_back(name);
}

}  // namespace

tls_attempt::tls_attempt(const environment& env, const routed_destination& to, tls_target target,
                         std::string only_domain)
    : env_(env),
      target_(std::move(target)),
      only_domain_(std::move(only_domain)),
      implicit_(to.route.implicit_tls),
      by_mx_(to.route.kind == config::route_kind::mx),
      local_(!to.route.path.empty()),
      sts_applies_(to.tls.governs == tls_policy::policy::sts || to.tls.sts_testing) {}

smtp::starttls tls_attempt::wish() const {
  if (implicit_ || !no_tls_because_.empty()) return smtp::starttls::never;
  switch (target_.demand.begin) {
    case begin_tls::never:
      return smtp::starttls::never;
    case begin_tls::required:
      return smtp::starttls::required;
    case begin_tls::if_offered:
      break;
  }
  return smtp::starttls::if_offered;
}

// With DANE the first name is the TLSA base domain; the others are the host's own and, where the mail hosts are vouched
// for or the operator says so, the recipients' domain (RFC 7672 3.2.2). Not so for a route: its host is named, and
// whoever has a certificate for a recipient's domain must not pass for the smarthost that gets our password.
runtime::client_handshake tls_attempt::handshake() const {
  runtime::client_handshake wanted;
  const auto& d = target_.demand;
  wanted.verify = how_to_verify(d.verify);
  if (d.verify == verify_by::dane) {
    add_once(wanted.names, target_.tlsa.base);
    wanted.tlsa = target_.tlsa.records;
  }
  const bool named = !parse_host_address(target_.host);
  wanted.server_name = !wanted.names.empty() ? wanted.names.front() : named ? target_.host : std::string();
  add_once(wanted.names, target_.host);
  if (d.domain_name_counts && by_mx_) add_once(wanted.names, only_domain_);
  wanted.session_key = target_.host;
  return wanted;
}

void tls_attempt::established(const runtime::tls_facts& facts) {
  facts_ = facts;
  result_ = target_.demand.tlsa_unusable ? tls_result::tlsa_invalid : tls_result::success;
  // DANE-EE binds no name (RFC 7672 3.1.1).
  const bool by_name =
      facts.verified_by == runtime::tls_facts::proof::pkix || facts.verified_by == runtime::tls_facts::proof::dane_ta;
  const bool of_host =
      facts.verified_name == target_.host || (!target_.tlsa.base.empty() && facts.verified_name == target_.tlsa.base);
  if (target_.demand.verify != verify_by::nothing && by_name && !of_host) reserved_for_ = only_domain_;
}

std::string tls_attempt::failed(const runtime::tls_failure& failure) {
  result_ = failure.result;
  detail_ = failure.why;
  if (failure.timed_out) return fmt::format("the TLS handshake with {} timed out", target_.host);
  if (!failure.refused_by_us) return fmt::format("the TLS handshake with {} failed: {}", target_.host, failure.why);
  return fmt::format("the certificate of {} is not accepted ({}): {}", target_.host,
                     tls_policy::to_text(target_.demand.governs), failure.why);
}

void tls_attempt::not_offered() {
  if (wish() == smtp::starttls::never) return;
  no_tls_because_ = "not offered";
  result_ = tls_result::starttls_not_supported;
}

void tls_attempt::refused(std::string_view why) {
  no_tls_because_ = fmt::format("STARTTLS refused: {}", why);
  unavailable(why);
}

void tls_attempt::unavailable(std::string_view why) {
  detail_ = why;
  result_ = tls_result::starttls_not_supported;
}

events::tls_use tls_attempt::use() const {
  events::tls_use u;
  if (local_ && !facts_) return u;
  u.policy = target_.demand.governs;
  if (facts_) {
    u.protocol = facts_->protocol;
    u.cipher = facts_->cipher;
    u.verified_by = static_cast<tls_policy::proof>(facts_->verified_by);
  } else {
    u.clear_reason = no_tls_because_;
  }
  return u;
}

void tls_attempt::report(const std::string& domain, const runtime::stream* stream) {
  if (!by_mx_ || !result_ || told_.size() >= domains_told_max) return;
  if (std::find(told_.begin(), told_.end(), domain) != told_.end()) return;
  told_.push_back(domain);
  session s{.domain = domain, .host = target_.host, .result = *result_, .detail = detail_};
  if (stream != nullptr) {
    s.remote = stream->peer().text();
    s.local = stream->local().text();
  }
  for (const auto& record : target_.tlsa.records)
    s.tlsa.push_back(tls_policy::to_text(record));
  s.by_tlsa = target_.tlsa.finding != tls_policy::tlsa_finding::none;
  // In testing nothing was demanded, and what a sender that enforces would have met is told all the same.
  if (facts_ && s.result == tls_result::success && facts_->verified_by == runtime::tls_facts::proof::none) {
    s.unproved = facts_->unverified;
    s.unproved_why = facts_->unverified_why;
  }
  tell(std::move(s));
}

void tls_attempt::report_passed_over(const dialer::passed_over& host, const std::string& domain) const {
  session s{.domain = domain, .host = host.host, .result = tls_result::dnssec_invalid, .detail = host.why};
  s.by_tlsa = true;
  tell(std::move(s));
}

void tls_attempt::tell(session s) const {
  if (s.by_tlsa || !sts_applies_) return s.tell(env_.tls_sessions, nullptr);
  const auto domain = s.domain;
  env_.sts.find(domain, [&observer = env_.tls_sessions, s = std::move(s)](const sts_policy_ptr& sts) mutable {
    s.tell(observer, sts.get());
  });
}

void tls_attempt::session::tell(tls_observer& observer, const tls_policy::sts_policy* sts) {
  tls_session_report report;
  if (by_tlsa) {
    report.policy = tls_policy::reported_policy::tlsa;
    report.policy_lines = tlsa;
  } else if (sts != nullptr) {
    report.policy = tls_policy::reported_policy::sts;
    report.policy_lines = sts->lines;
    report.mx_patterns = sts->mx;
    if (result == tls_result::success && unproved != tls_result::success) {
      result = unproved;
      detail = unproved_why;
    }
    if (result == tls_result::success && !tls_policy::allows(*sts, host)) {
      result = tls_result::validation_failure;
      detail = "the policy does not allow this host";
    }
  }
  report.recipient_domain = domain;
  report.mx_host = host;
  report.remote_address = remote;
  report.local_address = local;
  report.result = result;
  report.detail = detail;
  observer.observe(report);
}

std::vector<std::string> domains_of(const spool::lease& l) {
  std::vector<std::string> all;
  for (const auto index : l.recipients) {
    const auto domain = message::domain_of(l.message->envelope.recipients[index.value].address);
    if (const auto name = runtime::to_a_labels(domain)) add_once(all, *name);
  }
  return all;
}

std::string only_domain_of(const spool::lease& l) {
  auto all = domains_of(l);
  return all.size() == 1 ? std::move(all.front()) : std::string();
}

}  // namespace gonets::delivery
