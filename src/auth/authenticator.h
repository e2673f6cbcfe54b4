// Who may log in: checks passwords, SCRAM proofs, tokens and client certificates against the directory of accounts.
// One for the process; from any shard. No hash is computed on a shard: argon2id runs on a small pool of its own, and a
// password that was verified is remembered (docs/adr/0008), so that a client that logs in for every message costs next
// to nothing.
//
// What the client learns is one of the verdicts and no more: an unknown login, a wrong password, a closed account, a
// network or scope that is not allowed are all `refused`, after the same work.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "accounts/directory.h"
#include "auth/introspector.h"
#include "auth/lockouts.h"
#include "base/network.h"
#include "metrics/metrics.h"
#include "runtime/shards.h"
#include "sasl/exchange.h"

namespace gonets::auth {

struct options {
  std::vector<sasl::mechanism> mechanisms;
  std::vector<network> plaintext_networks;  // may log in without TLS
  lockout_limits lockout;
};

// The other end of a connection.
struct caller {
  address_bytes address{};
  bool tls = false;
  std::string certificate_sha256;  // of the client's certificate, hex; empty: none
};

// As whom a connection goes on.
struct identity {
  accounts::credential_id credential;
  account_id account;
  std::string stream;  // of the credential; empty: the listener's
  std::uint8_t scopes = 0;
  std::string fingerprint;  // changes when the credential gets another secret or certificate
};

enum class verdict : std::uint8_t {
  granted,
  refused,
  locked,      // too many failures from this address
  busy,        // more waits to be verified than the queue holds
  unavailable  // the database can't be asked, and may know better; or the introspection service
};

struct outcome {
  verdict what = verdict::refused;
  identity who;
  std::chrono::milliseconds delay{0};  // to let pass before the refusal is told
};
using on_outcome = std::move_only_function<void(outcome)>;

class authenticator {
 public:
  // `used` is told of every success. All must outlive this, and the shards run before the first call.
  authenticator(options with, const accounts::directory_source& from, introspector& tokens, runtime::shards& on,
                const clock& time, metrics::registry& counts, std::function<void(accounts::credential_id)> used);
  ~authenticator();
  void reconfigure(options with);

  // "PLAIN LOGIN SCRAM-SHA-256"; empty: AUTH is not offered to this caller.
  std::string offered_to(const caller& who) const;
  bool source_locked(const address_bytes& address) const;

  // `done` runs once, on the calling shard; at once when nothing has to be waited for.
  void check_password(const caller& who, sasl::mechanism by, std::string login, std::string password, on_outcome done);
  // `login`: as whom the client wants to log in; empty: whoever the token is for.
  void check_token(const caller& who, sasl::mechanism by, std::string login, std::string token, on_outcome done);
  outcome check_certificate(const caller& who, const std::string& login);

  // SCRAM, before the proof: what to check it by. `blocked`: what to answer in place of going on.
  struct scram_start {
    sasl::scram_verifier verifier;   // a made-up one when there is no such login, or it may not be used
    std::optional<identity> who;     // nothing: whatever the proof, it fails
    std::optional<verdict> blocked;  // locked, unavailable
  };
  scram_start start_scram(const caller& who, const std::string& login);
  outcome finish_scram(const caller& who, const std::string& login, const std::optional<identity>& claimed);
  // An attempt that failed within the exchange: a false proof, or an identity that is not the client's.
  outcome refuse(const caller& who, sasl::mechanism by, const std::string& login);

  // For the HTTP API: an API key with its secret. Nothing is counted or locked: a key's secret is too long to guess,
  // and behind a proxy all clients have one address.
  void check_api_key(const address_bytes& from, std::string login, std::string secret, on_outcome done);

  // Whether an open connection may go on; revoked, changed or closed: no.
  bool still_valid(const identity& who, const address_bytes& address) const;

  lockouts& failures() { return failures_; }
  const clock& time() const { return time_; }

 private:
  struct instruments;
  struct hash_job;
  using credential_ptr = const accounts::credential*;

  std::shared_ptr<const options> current_options() const;
  bool may_send(const accounts::directory& in, const accounts::credential& c, const address_bytes& from) const;
  outcome conclude(const caller& who, sasl::mechanism by, const std::string& login,
                   const std::optional<identity>& good);
  outcome stopped(sasl::mechanism by, verdict why);
  std::optional<verdict> blocked(const caller& who) const;
  void hash(std::shared_ptr<hash_job> job);
  void finish_hash(hash_job& job);
  void give_up(hash_job& job, verdict why);
  void take_token(const caller& who, sasl::mechanism by, const std::string& login, token_verdict said, on_outcome done);
  std::string cache_key(const accounts::credential& c, std::string_view password) const;
  bool is_verified(const std::string& key);

  std::atomic<std::shared_ptr<const options>> with_;
  const accounts::directory_source& source_;
  introspector& tokens_;
  runtime::shards& shards_;
  const clock& time_;
  std::function<void(accounts::credential_id)> used_;
  std::unique_ptr<instruments> counts_;
  const std::string process_key_;  // of the cache and the made-up salts; ends with the process
  const std::string dummy_hash_;
  lockouts failures_;
  std::mutex cache_mutex_;
  detail::lru_map<char> verified_;
  runtime::blocking_pool hashing_;
};

}  // namespace gonets::auth
