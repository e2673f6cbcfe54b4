// The one way out, on one shard: turns leases into attempts. It knows nothing of schedules: it takes work from a
// work_source, site by site, and gives back what became of it.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "config/settings.h"
#include "delivery/access_tokens.h"
#include "delivery/broken_tls.h"
#include "delivery/destinations.h"
#include "delivery/egress_book.h"
#include "delivery/mx.h"
#include "delivery/sts_source.h"
#include "delivery/tls_observer.h"
#include "message/verp.h"
#include "metrics/metrics.h"
#include "runtime/dns.h"
#include "runtime/shards.h"
#include "runtime/tls.h"
#include "spool/lease.h"
#include "spool/spool.h"

namespace gonets::delivery {

struct environment {
  const config::settings& with;  // read at each attempt
  runtime::shards& shards;
  std::size_t shard;
  runtime::blocking_pool& blocking;
  runtime::resolver& dns;
  mx_lookup& mx;
  runtime::tls_context_ptr tls;  // a client's
  sts_source& sts;
  tls_observer& tls_sessions;
  spool::spool& store;
  const clock& time;
  std::string capture_path;  // a Maildir
  egress_book& egresses;
  access_tokens& tokens;
  const message::verp_signer& return_paths;
  // Takes a message that came back to one of those, on the blocking pool; the answer is a server's to a recipient.
  std::function<reply(const spool::queued_message& m, std::string_view recipient)> take_back;
};

// What a connection tells of its life; implemented by `delivery`.
class worker {
 public:
  virtual ~worker() = default;
  // It waits for work at a site, and has: resume it, and it takes a lease at once.
  virtual void resume() = 0;
  virtual void shut_down() = 0;                   // when idle: now; else after what it is doing
  virtual bool reached() const { return false; }  // whether it told work_source::site_reached()
};

// How the TLS of connections went, for the metrics.
struct tls_counts {
  explicit tls_counts(metrics::registry& counts);
  metrics::counter& full;     // a whole handshake
  metrics::counter& resumed;  // one that took up an earlier session
  metrics::counter& failed;   // a handshake that failed, or a STARTTLS that was refused where it was needed
  metrics::counter& clear;    // sessions in the clear
};

class delivery final : public spool::transport {
 public:
  delivery(environment env, metrics::registry& counts);
  ~delivery() override;
  void attach(spool::work_source& work) { work_ = &work; }

  bool resume(spool::site_id site) override;
  void open(spool::site_id site, spool::destination_ptr to) override;

  // Idle connections say QUIT; the others finish what they have.
  void stop();
  std::size_t connections() const { return workers_.size(); }

  // For workers.
  spool::work_source& work() { return *work_; }
  const environment& env() const { return env_; }
  void idle(spool::site_id site, worker& w);
  void busy(spool::site_id site, worker& w);
  broken_tls& broken() { return broken_; }
  tls_counts& tls() { return tls_; }
  void gone(spool::site_id site, worker& w);  // and drops it, in a later turn of the shard

 private:
  void begin(spool::site_id site, spool::destination_ptr to);

  environment env_;
  spool::work_source* work_ = nullptr;
  std::unordered_map<worker*, std::shared_ptr<worker>> workers_;
  std::unordered_map<spool::site_id, std::vector<worker*>> idle_;          // the last in is the first out
  std::deque<std::pair<spool::site_id, spool::destination_ptr>> waiting_;  // beyond connections_max
  bool stopping_ = false;
  broken_tls broken_;
  tls_counts tls_;
  metrics::counter& opened_;
  metrics::gauge& open_;
};

std::shared_ptr<worker> make_connection(delivery& owner, spool::site_id site,
                                        std::shared_ptr<const routed_destination> to);
std::shared_ptr<worker> make_local_worker(delivery& owner, spool::site_id site,
                                          std::shared_ptr<const routed_destination> to);

}  // namespace gonets::delivery
