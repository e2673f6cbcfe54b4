#include "auth/authenticator.h"

#include <algorithm>
#include <array>
#include <thread>

#include "base/log.h"
#include "base/secret.h"

namespace gonets::auth {
namespace {

constexpr std::size_t verified_max = 100'000;  // 64 bytes and some each
// At 20 ms a hash the last in the queue waits for two or three seconds; who comes after it is told to come again.
constexpr std::size_t hashing_queue_max = 256;

std::size_t hashing_threads() {
  return std::max(2u, std::thread::hardware_concurrency() / 2);
}

bool allows(const std::vector<network>& networks, const address_bytes& from) {
  return networks.empty() || std::ranges::any_of(networks, [&](const network& n) { return n.contains(from); });
}

std::string fingerprint_of(const accounts::credential& c) {
  return sha256(c.secret_hash + '\0' + c.scram.stored_key + '\0' + c.certificate_sha256);
}

identity identity_of(const accounts::credential& c) {
  return {c.id, c.account, c.stream, c.scopes, fingerprint_of(c)};
}

}  // namespace

struct authenticator::instruments {
  explicit instruments(metrics::registry& in)
      : cache_hits(in.make_counter("gonets_auth_cache_hits_total", "Passwords known from an earlier login.")),
        hashes(in.make_counter("gonets_auth_hashes_total", "Passwords verified by argon2id.")),
        source_lockouts(in.make_counter("gonets_auth_lockouts_total", lockouts_help, {{"of", "source"}})),
        login_lockouts(in.make_counter("gonets_auth_lockouts_total", lockouts_help, {{"of", "login"}})) {
    constexpr std::array words{"granted", "refused", "locked", "busy", "unavailable"};
    for (std::size_t m = 0; m < sasl::mechanism_count; ++m) {
      for (std::size_t v = 0; v < words.size(); ++v) {
        attempts[m][v] = &in.make_counter(
            "gonets_auth_attempts_total", "Attempts to log in by SMTP.",
            {{"mechanism", std::string(to_text(static_cast<sasl::mechanism>(m)))}, {"result", words[v]}});
      }
    }
  }
  void count(sasl::mechanism by, verdict what) {
    attempts[static_cast<std::size_t>(by)][static_cast<std::size_t>(what)]->add();
  }

  static constexpr std::string_view lockouts_help = "Source addresses and logins locked for failing too often.";
  metrics::counter& cache_hits;
  metrics::counter& hashes;
  metrics::counter& source_lockouts;
  metrics::counter& login_lockouts;
  std::array<std::array<metrics::counter*, 5>, sasl::mechanism_count> attempts{};
};

// A password on its way through the pool and back. `known` is of `in`.
struct authenticator::hash_job {
  accounts::directory_ptr in;
  credential_ptr known = nullptr;
  caller who;
  std::optional<sasl::mechanism> by;  // nothing: an API key
  std::string login, password;
  std::size_t shard = 0;
  bool locked = false, no_memory = false, matches = false;
  on_outcome done;
};

authenticator::authenticator(options with, const accounts::directory_source& from, introspector& tokens,
                             runtime::shards& on, const clock& time, metrics::registry& counts,
                             std::function<void(accounts::credential_id)> used)
    : with_(std::make_shared<const options>(with)),
      source_(from),
      tokens_(tokens),
      shards_(on),
      time_(time),
      used_(std::move(used)),
      counts_(std::make_unique<instruments>(counts)),
      process_key_(random_bytes(32)),
      dummy_hash_(sasl::hash_password(random_bytes(16), random_bytes(sasl::salt_bytes))),
      failures_(with.lockout),
      verified_(verified_max),
      hashing_(hashing_threads(), hashing_queue_max) {}

authenticator::~authenticator() = default;

void authenticator::reconfigure(options with) {
  failures_.reconfigure(with.lockout);
  with_.store(std::make_shared<const options>(std::move(with)));
}

std::shared_ptr<const options> authenticator::current_options() const {
  return with_.load();
}

std::string authenticator::offered_to(const caller& who) const {
  const auto with = current_options();
  if (!who.tls && (with->plaintext_networks.empty() || !allows(with->plaintext_networks, who.address))) return {};
  std::string names;
  for (const auto m : with->mechanisms) {
    const bool oauth = m == sasl::mechanism::oauthbearer || m == sasl::mechanism::xoauth2;
    if (oauth && !tokens_.configured()) continue;
    if (m == sasl::mechanism::external && who.certificate_sha256.empty()) continue;
    if (!names.empty()) names += ' ';
    names += to_text(m);
  }
  return names;
}

bool authenticator::source_locked(const address_bytes& address) const {
  return failures_.source_locked(lockouts::source_of(address), time_.steady());
}

bool authenticator::may_send(const accounts::directory& in, const accounts::credential& c,
                             const address_bytes& from) const {
  const auto* owner = in.find(c.account);
  return c.kind == accounts::credential_kind::smtp && (c.scopes & accounts::scope_send) != 0 &&
         allows(c.networks, from) && owner != nullptr && owner->state != accounts::account_state::closed;
}

bool authenticator::still_valid(const identity& who, const address_bytes& address) const {
  const auto in = source_.current();
  const auto* c = in->find(who.credential);
  return c != nullptr && may_send(*in, *c, address) && fingerprint_of(*c) == who.fingerprint;
}

std::optional<verdict> authenticator::blocked(const caller& who) const {
  if (source_locked(who.address)) return verdict::locked;
  if (!source_.reliable()) return verdict::unavailable;
  return std::nullopt;
}

outcome authenticator::stopped(sasl::mechanism by, verdict why) {
  counts_->count(by, why);
  return {.what = why, .who = {}};
}

// The end of every attempt that was decided by what the client knows.
outcome authenticator::conclude(const caller& who, sasl::mechanism by, const std::string& login,
                                const std::optional<identity>& good) {
  const auto source = lockouts::source_of(who.address);
  const auto now = time_.steady();
  if (good) {
    counts_->count(by, verdict::granted);
    failures_.note_success(login, source, now);
    used_(good->credential);
    return {.what = verdict::granted, .who = *good};
  }
  counts_->count(by, verdict::refused);
  const auto then = failures_.note_failure(login, source, now);
  GONETS_LOG(info, "login_failed", "peer", gonets::to_text(who.address), "login", login, "mechanism", to_text(by));
  if (then.locks_source) {
    counts_->source_lockouts.add();
    GONETS_LOG(warning, "source_locked", "source", source);
  }
  if (then.locks_login) {
    counts_->login_lockouts.add();
    GONETS_LOG(warning, "login_locked", "login", login);
  }
  return {.what = verdict::refused, .who = {}, .delay = then.delay};
}

// ------------------------------------------------------------------ passwords

std::string authenticator::cache_key(const accounts::credential& c, std::string_view password) const {
  // Of fixed length but for the password, which comes last, so that no two triples make one text.
  std::string text = std::to_string(c.id.value) + '\0' + sha256(c.secret_hash);
  text += password;
  return hmac_sha256(process_key_, text);
}

bool authenticator::is_verified(const std::string& key) {
  const std::lock_guard lock(cache_mutex_);
  return verified_.touch(key) != nullptr;
}

void authenticator::check_password(const caller& who, sasl::mechanism by, std::string login, std::string password,
                                   on_outcome done) {
  if (const auto why = blocked(who)) return done(stopped(by, *why));
  auto in = source_.current();
  const auto* known = in->find_login(login);
  if (known == nullptr && !source_.complete()) return done(stopped(by, verdict::unavailable));
  if (failures_.login_locked(login, lockouts::source_of(who.address), time_.steady()))
    return done(conclude(who, by, login, std::nullopt));
  if (known != nullptr && is_verified(cache_key(*known, password))) {
    counts_->cache_hits.add();
    const bool may = may_send(*in, *known, who.address);
    return done(conclude(who, by, login, may ? std::optional(identity_of(*known)) : std::nullopt));
  }
  auto job = std::make_shared<hash_job>();
  job->in = std::move(in);
  job->known = known;
  job->who = who;
  job->by = by;
  job->login = std::move(login);
  job->password = std::move(password);
  job->done = std::move(done);
  hash(std::move(job));
}

void authenticator::check_api_key(const address_bytes& from, std::string login, std::string secret, on_outcome done) {
  if (!source_.reliable()) return done({.what = verdict::unavailable, .who = {}});
  auto in = source_.current();
  const auto* known = in->find_login(login);
  const auto* owner = known != nullptr ? in->find(known->account) : nullptr;
  if (known == nullptr && !source_.complete()) return done({.what = verdict::unavailable, .who = {}});
  const bool may = known != nullptr && known->kind == accounts::credential_kind::api_key &&
                   allows(known->networks, from) && owner != nullptr && owner->state != accounts::account_state::closed;
  if (!may) return done({.what = verdict::refused, .who = {}});
  if (is_verified(cache_key(*known, secret))) {
    counts_->cache_hits.add();
    used_(known->id);
    return done({.what = verdict::granted, .who = identity_of(*known)});
  }
  auto job = std::make_shared<hash_job>();
  job->in = std::move(in);
  job->known = known;
  job->who.address = from;
  job->login = std::move(login);
  job->password = std::move(secret);
  job->done = std::move(done);
  hash(std::move(job));
}

void authenticator::hash(std::shared_ptr<hash_job> job) {
  job->shard = runtime::shards::current();
  const bool taken = hashing_.run([this, job] {
    // What was tried in parallel meanwhile may have locked it.
    job->locked = job->by && source_locked(job->who.address);
    if (!job->locked) {
      const auto& against = job->known != nullptr ? job->known->secret_hash : dummy_hash_;
      counts_->hashes.add();
      try {
        job->matches = sasl::verify_password(job->password, against) && job->known != nullptr;
      } catch (const std::bad_alloc&) {
        job->no_memory = true;
      }
    }
    shards_.post(job->shard, [this, job] { finish_hash(*job); });
  });
  if (!taken) give_up(*job, verdict::busy);
}

void authenticator::give_up(hash_job& job, verdict why) {
  job.done(job.by ? stopped(*job.by, why) : outcome{.what = why, .who = {}});
}

void authenticator::finish_hash(hash_job& job) {
  if (job.locked || job.no_memory) return give_up(job, job.locked ? verdict::locked : verdict::busy);
  if (job.matches) {
    const auto key = cache_key(*job.known, job.password);
    const std::lock_guard lock(cache_mutex_);
    verified_.put(key);
  }
  if (!job.by) {
    if (job.matches) used_(job.known->id);
    return job.done(job.matches ? outcome{.what = verdict::granted, .who = identity_of(*job.known)} : outcome{});
  }
  const bool good = job.matches && may_send(*job.in, *job.known, job.who.address);
  job.done(conclude(job.who, *job.by, job.login, good ? std::optional(identity_of(*job.known)) : std::nullopt));
}

// ------------------------------------------------------------------ SCRAM, certificates, tokens

authenticator::scram_start authenticator::start_scram(const caller& who, const std::string& login) {
  constexpr auto by = sasl::mechanism::scram_sha_256;
  scram_start s;
  s.blocked = blocked(who);
  const auto in = source_.current();
  const auto* known = in->find_login(login);
  if (known == nullptr && !source_.complete() && !s.blocked) s.blocked = verdict::unavailable;
  if (s.blocked) {
    counts_->count(by, *s.blocked);
    return s;
  }
  if (known != nullptr && !known->scram.stored_key.empty()) {
    s.verifier = known->scram;
    const bool locked = failures_.login_locked(login, lockouts::source_of(who.address), time_.steady());
    if (!locked && may_send(*in, *known, who.address)) s.who = identity_of(*known);
    return s;
  }
  s.verifier.iterations = sasl::scram_iterations;
  s.verifier.salt = hmac_sha256(process_key_, "salt of " + login).substr(0, sasl::salt_bytes);
  return s;
}

outcome authenticator::finish_scram(const caller& who, const std::string& login,
                                    const std::optional<identity>& claimed) {
  return conclude(who, sasl::mechanism::scram_sha_256, login, claimed);
}

outcome authenticator::refuse(const caller& who, sasl::mechanism by, const std::string& login) {
  return conclude(who, by, login, std::nullopt);
}

outcome authenticator::check_certificate(const caller& who, const std::string& login) {
  constexpr auto by = sasl::mechanism::external;
  if (const auto why = blocked(who)) return stopped(by, *why);
  const auto in = source_.current();
  const auto* known = who.certificate_sha256.empty() ? nullptr : in->find_certificate(who.certificate_sha256);
  if (known == nullptr && !source_.complete()) return stopped(by, verdict::unavailable);
  const bool good = known != nullptr && (login.empty() || login == known->login) && may_send(*in, *known, who.address);
  return conclude(who, by, known != nullptr ? known->login : login,
                  good ? std::optional(identity_of(*known)) : std::nullopt);
}

void authenticator::check_token(const caller& who, sasl::mechanism by, std::string login, std::string token,
                                on_outcome done) {
  if (const auto why = blocked(who)) return done(stopped(by, *why));
  tokens_.ask(std::move(token),
              [this, who, by, login = std::move(login), done = std::move(done)](token_verdict said) mutable {
                take_token(who, by, login, std::move(said), std::move(done));
              });
}

void authenticator::take_token(const caller& who, sasl::mechanism by, const std::string& login, token_verdict said,
                               on_outcome done) {
  if (!said.answered) return done(stopped(by, verdict::unavailable));
  const auto in = source_.current();
  const auto* known = said.login ? in->find_login(*said.login) : nullptr;
  if (said.login && known == nullptr && !source_.complete()) return done(stopped(by, verdict::unavailable));
  const bool good = known != nullptr && (login.empty() || login == *said.login) && may_send(*in, *known, who.address);
  done(conclude(who, by, login.empty() ? said.login.value_or("") : login,
                good ? std::optional(identity_of(*known)) : std::nullopt));
}

}  // namespace gonets::auth
