// All accounts, as the database has them: keeps the present `directory`, and makes the changes. A change is one SQL
// transaction; when it returns, it is safe, and every reader of current() on this node sees it. Other nodes on the same
// PostgreSQL see it at their next poll(). docs/adr/0008-accounts-in-memory.md says why.
//
// current(), reliable(), complete() and note_use() may be called anywhere, and do not block. All else waits for the
// database, and in part hashes passwords or reads keys: for a pool of threads, never for a shard.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "accounts/directory.h"
#include "accounts/sealing.h"
#include "storage/sql.h"

namespace gonets::accounts {

// More are refused (refusal_kind::limit).
inline constexpr std::size_t credentials_per_account_max = 1000;
inline constexpr std::size_t domains_per_account_max = 10'000;
inline constexpr std::size_t keys_per_domain_max = 16;
inline constexpr std::size_t quotas_max = 64;     // of an account, or of a plan
inline constexpr std::size_t networks_max = 100;  // of a credential
inline constexpr std::size_t check_bytes_max = 262'144;

inline constexpr std::size_t secret_characters = 32;  // 190 bits

enum class refusal_kind : std::uint8_t {
  not_found,
  exists,
  invalid,   // what was asked for is not of the right form
  conflict,  // the present state forbids it
  limit,
  unavailable,  // the database can't be reached: later
  failed        // the database refused: the log of the operator's concern
};
struct refusal {
  refusal(refusal_kind k, std::string text) : what(k), detail(std::move(text)) {}
  explicit refusal(storage::sql_error e);
  refusal_kind what;
  std::string detail;  // for whoever asked
};
template <class T>
using outcome = std::expected<T, refusal>;

// What stays as it is, is left out.
struct account_changes {
  std::optional<account_state> state;
  std::optional<from_policy> policy;
  std::optional<std::string> plan;  // empty: none
  std::optional<std::vector<quota>> quotas;
  std::optional<bool> month_is_final;
  std::optional<std::uint64_t> message_bytes_max;
  std::optional<std::uint32_t> recipients_max;
  std::optional<std::uint32_t> weight;
  std::optional<std::string> egress;  // empty: the stream's
  std::optional<bool> may_ignore_suppression;
  std::optional<bounce::category_set> suppress_at_once;  // each as bounce::may_suppress() says
  std::optional<std::uint32_t> soft_bounces;
  std::optional<std::chrono::days> soft_over, soft_within, soft_lasts;
  std::optional<std::uint32_t> journal_hash_after_days;
  std::optional<bool> journal_subject;
};

struct credential_request {
  credential_kind kind = credential_kind::smtp;
  std::string name;   // for people
  std::string login;  // empty: one is made, of the account's name
  std::uint8_t scopes = scope_send;
  std::vector<network> networks;
  std::string stream;
  std::string certificate_sha256;
  bool scram = true;
};
struct issued_credential {
  credential made;
  std::string secret;  // known only now: the database has its hash
};

struct domain_changes {
  std::optional<bool> verified;
  std::optional<std::string> return_path, tracking;
};

struct registry_options {
  std::string database;  // as storage::sql_options::url
  std::string key_file;  // empty, with SQLite: accounts.key beside the database, made when missing
  std::chrono::milliseconds stale_max = std::chrono::hours(1);
};

class registry final : public directory_source {
 public:
  registry(registry_options options, const clock& time);
  ~registry() override;

  // Reads all that there is. A PostgreSQL that is down is no error: poll() goes on trying. The error is a sentence for
  // the operator.
  std::expected<void, std::string> open();

  // Once it is open: a secret of this installation, the same on all its nodes and after each start.
  seal::key secret_for(std::string_view purpose) const { return seal_->derive(purpose); }

  // Once it is open: what keeps secrets in the database unreadable.
  const seal& sealing() const { return *seal_; }

  directory_ptr current() const override;
  bool reliable() const override;
  bool complete() const override;

  // Called after each change, in their order, on the thread that made or found it. A listener must not change accounts.
  // Listeners are set before the first change, and stay.
  using listener = std::function<void(const directory_ptr& old, const directory_ptr& fresh)>;
  void on_change(listener tell);

  // Sees what other nodes changed, and whether the database is there. About every second.
  void poll();

  // Remembers that a credential was used; write_uses() writes what came together, about every minute.
  void note_use(credential_id id, wall_time at);
  void write_uses();
  // Those of the account with their last use, as far as the database can be asked now.
  std::vector<credential> credentials_of(account_id owner);

  outcome<account> add_account(const std::string& name, const account_changes& with);
  outcome<account> change_account(const std::string& name, const account_changes& to);

  outcome<plan> set_plan(const plan& to);  // made, or changed for all its accounts
  outcome<void> remove_plan(const std::string& name);

  outcome<issued_credential> add_credential(const std::string& account_name, credential_request wanted);
  // Effective with this call: listeners end what the credential has open.
  outcome<void> revoke_credential(const std::string& account_name, credential_id id);

  outcome<sender_domain> add_domain(const std::string& account_name, const std::string& name,
                                    const domain_changes& with = {});
  // Verified by one account only: conflict when another has it.
  outcome<sender_domain> change_domain(domain_id id, const domain_changes& to);
  outcome<void> remove_domain(domain_id id);
  outcome<void> record_check(domain_id id, wall_time at, const std::string& verdict_json);
  outcome<void> add_key(domain_id id, const std::string& selector, key_state state, const dkim::private_key& key);
  // pending -> active -> retiring; retiring -> active takes a rotation back. What is so already stays, since when too.
  outcome<void> move_key(domain_id id, const std::string& selector, key_state to);
  outcome<void> remove_key(domain_id id, const std::string& selector);  // one that does not sign

 private:
  struct cached_key {
    std::string sealed;
    std::shared_ptr<const dkim::private_key> key;
  };
  using key_cache = std::map<std::pair<std::uint32_t, std::string>, cached_key>;

  template <class T, class Work>
  outcome<T> change(Work work);
  storage::sql_result<void> check_key();
  storage::sql_result<void> reload();
  storage::sql_result<void> look();
  void read_domains(storage::sql_session& s, contents& to, key_cache& keys);
  std::shared_ptr<const dkim::private_key> unseal_key(std::uint32_t domain, const std::string& selector,
                                                      std::string sealed, key_cache& keys);
  void note_contact(const storage::sql_error* failed);
  void publish(directory_ptr fresh);

  const registry_options options_;
  const clock& time_;
  storage::sql_database db_;
  std::optional<seal> seal_;

  std::mutex changing_;  // one change or poll at a time
  bool key_checked_ = false;
  std::int64_t revision_ = 0;  // of what current() shows; 0: nothing was read yet
  key_cache keys_;
  std::vector<listener> listeners_;

  // Not std::atomic<std::shared_ptr>: that of g++ 12 is a lock as well, and one that its thread sanitizer can't see.
  mutable std::mutex current_mutex_;
  directory_ptr current_;

  std::atomic<std::int64_t> contact_ns_{0};  // steady time of the last answer; 0: never
  std::atomic<bool> reached_{false};         // whether the last question was answered

  std::mutex uses_mutex_;
  std::unordered_map<credential_id, wall_time> uses_;
};

}  // namespace gonets::accounts
