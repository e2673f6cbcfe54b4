// How TLS handshakes went, on one side: counted alike by the listeners and by delivery.
#pragma once
#include <string>

#include "metrics/metrics.h"

namespace gonets::metrics {

class tls_counts {
 public:
  // `side` is "server" or "client".
  tls_counts(registry& in, const std::string& side)
      : tls_1_2_(made(in, side, "TLSv1.2")), tls_1_3_(made(in, side, "TLSv1.3")), failed_(made_failed(in, side)) {}
  void succeeded(std::string_view protocol) { (protocol == "TLSv1.2" ? tls_1_2_ : tls_1_3_).add(); }
  void failed() { failed_.add(); }

 private:
  static counter& made(registry& in, const std::string& side, const char* protocol) {
    return in.make_counter("gonets_tls_handshakes_total", "TLS handshakes that succeeded, by side and protocol.",
                           {{"side", side}, {"protocol", protocol}});
  }
  static counter& made_failed(registry& in, const std::string& side) {
    return in.make_counter("gonets_tls_handshake_failures_total", "TLS handshakes that failed, by side.",
                           {{"side", side}});
  }

  counter& tls_1_2_;
  counter& tls_1_3_;
  counter& failed_;
};

}  // namespace gonets::metrics
