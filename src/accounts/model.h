// What the business is made of: accounts, their credentials, plans and sender domains. Plain values, as the database
// holds them (docs/formats/accounts.md); who may change them is `registry`, who reads them on the hot path `directory`.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "base/network.h"
#include "bounce/suppression_policy.h"
#include "dkim/key.h"
#include "sasl/password.h"
#include "shaping/quota.h"

namespace gonets::accounts {

// Account 0, `default`, always exists: mail of trusted networks is its.
inline constexpr account_id default_account{0};

inline constexpr std::uint32_t journal_days_max = 3650;  // of account::journal_hash_after_days

using credential_id = strong_id<struct credential_id_tag, std::uint32_t>;
using domain_id = strong_id<struct domain_id_tag, std::uint32_t>;

// active -> paused, closed; paused -> active, closed; closed -> active.
enum class account_state : std::uint8_t {
  active,
  paused,  // mail is taken, and waits in the queue
  closed   // nothing is taken (logins fail; MAIL on an open session: 550 5.7.1), and what is queued waits
};

// What happens to mail whose From, Sender or envelope is in a domain that the account has not proved to own.
enum class from_policy : std::uint8_t {
  enforce,  // 550 5.7.1
  warn,     // taken, and logged
  off
};

using shaping::quota;
using shaping::quota_measure;
using shaping::quota_window;

// A named set of quotas. Accounts refer to it by name, and change with it.
struct plan {
  std::string name;
  std::vector<quota> quotas;
};

struct account {
  account_id id;
  std::string name;  // unique; a-z 0-9 - _ ., at most 64
  account_state state = account_state::active;
  from_policy policy = from_policy::enforce;
  std::string plan;             // empty: none
  std::vector<quota> quotas;    // besides the plan's; of the same window, measure and stream, instead of the plan's
  bool month_is_final = false;  // over a month's quota: 550 5.7.1 in place of 452 4.2.2
  std::uint64_t message_bytes_max = 0;  // 0: the server's limit
  std::uint32_t recipients_max = 0;     // of one message; 0: the server's limit
  std::uint32_t weight = 1;             // its share of what a site takes, beside other accounts of the same stream
  std::string egress;                   // or pool, by which its mail leaves; empty: the stream's
  bool may_ignore_suppression = false;  // its messages may ask to be sent to suppressed addresses, too
  bounce::suppression_policy suppression;
  // Of the journal: recipients' addresses stay for so many days, and then as hashes; 0: as long as their day's file.
  std::uint32_t journal_hash_after_days = 0;
  bool journal_subject = false;  // whether it may have the field Subject
  wall_time created{};
};

enum class credential_kind : std::uint8_t { smtp, api_key };

// Bits of credential::scopes.
enum scope : std::uint8_t { scope_send = 1, scope_read = 2, scope_admin = 4 };

using sasl::scram_verifier;  // empty keys: SCRAM is off for this credential

struct credential {
  credential_id id;
  account_id account;
  credential_kind kind = credential_kind::smtp;
  std::string name;   // for people
  std::string login;  // unique over all accounts; of an API key its public part
  std::uint8_t scopes = scope_send;
  std::vector<network> networks;  // empty: from anywhere
  std::string stream;             // empty: the listener's
  std::string secret_hash;        // argon2id, in PHC string form
  scram_verifier scram;
  std::string certificate_sha256;  // hex, lower case, of a client certificate that stands for the password; or empty
  wall_time created{}, last_used{};
};

// pending: published, not yet used. active: signs. retiring: signs no more, its record stays while mail is under way.
enum class key_state : std::uint8_t { pending, active, retiring };
struct domain_key {
  std::string selector;
  key_state state = key_state::active;
  wall_time created{};
  wall_time since{};                             // in this state: a retiring key goes some days after
  std::shared_ptr<const dkim::private_key> key;  // encrypted in the database
};

struct sender_domain {
  domain_id id;
  account_id account;
  std::string name;         // A-labels, lower case. It stands for its subdomains, too.
  bool verified = false;    // only then may the account use it, and one verified domain belongs to one account
  std::string proof;        // what must stand in TXT at _gonets.<name>
  std::string return_path;  // host name of the return-path domain, "bounce.example.com"; empty: none
  std::string tracking;     // host name of tracking links; empty: none
  std::vector<domain_key> keys;
  wall_time created{}, checked{};
  std::string last_check;  // JSON of domain_check's verdict; empty: never checked
};

}  // namespace gonets::accounts
