// The TLS of one connection: what is asked of it, what came of it, and who is told. Owned by the connection.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "delivery/delivery.h"
#include "delivery/dial.h"
#include "runtime/stream.h"

namespace gonets::delivery {

class tls_attempt {
 public:
  // `only_domain`: of all recipients that the connection was made for; empty if they have several.
  tls_attempt(const environment& env, const routed_destination& to, tls_target target, std::string only_domain);

  // It goes in the clear from the start, for this reason.
  void give_up_tls(std::string why) { no_tls_because_ = std::move(why); }
  smtp::starttls wish() const;
  // Whether a TLS that breaks is given up for the clear.
  bool may_go_clear() const {
    return target_.demand.begin == tls_policy::begin_tls::if_offered && target_.demand.clear_on_failure && !implicit_;
  }
  bool needs_requiretls() const { return target_.demand.needs_requiretls; }
  runtime::client_handshake handshake() const;

  void established(const runtime::tls_facts& facts);
  // What the recipients are told of a failed handshake.
  std::string failed(const runtime::tls_failure& failure);
  void not_offered();                      // the session is ready, in the clear
  void refused(std::string_view why);      // STARTTLS was, and the session is ready, in the clear
  void unavailable(std::string_view why);  // the session ended over it
  events::tls_use use() const;
  // Not empty: the certificate is of the recipients' domain only, and the connection is for no other.
  const std::string& reserved_for() const { return reserved_for_; }

  // Tells the observer how it went, once for each domain.
  void report(const std::string& domain, const runtime::stream* stream);
  void report_passed_over(const dialer::passed_over& host, const std::string& domain) const;

 private:
  // A report that waits for the domain's policy.
  struct session {
    std::string domain, host, remote, local;
    tls_policy::tls_result result = tls_policy::tls_result::success;
    std::string detail;
    tls_policy::tls_result unproved = tls_policy::tls_result::success;  // why an enforced policy would have refused it
    std::string unproved_why;
    std::vector<std::string> tlsa;
    bool by_tlsa = false;
    void tell(tls_observer& observer, const tls_policy::sts_policy* sts);
  };
  void tell(session s) const;

  const environment& env_;
  const tls_target target_;
  const std::string only_domain_;
  const bool implicit_;
  const bool by_mx_;
  const bool local_;  // a Unix socket
  const bool sts_applies_;
  std::string no_tls_because_;
  std::optional<runtime::tls_facts> facts_;
  std::optional<tls_policy::tls_result> result_;  // once it is known
  std::string detail_;
  std::string reserved_for_;
  std::vector<std::string> told_;
};

// The domain of all recipients of a lease, in A-labels; empty if they have several, or one that is no name.
std::string only_domain_of(const spool::lease& l);
std::vector<std::string> domains_of(const spool::lease& l);

}  // namespace gonets::delivery
