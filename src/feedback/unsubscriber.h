// Takes the wishes of recipients to get no more mail of a stream, and of those who change their mind: by the token that
// their message bore. What it does is an entry of the suppression list and an event, in one batch. Blocking: for the
// blocking pool; safe from several of its threads.
#pragma once
#include <cstdint>
#include <expected>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.h"
#include "feedback/original.h"
#include "message/verp.h"
#include "metrics/metrics.h"
#include "spool/spool.h"

namespace gonets::feedback {

enum class wish : std::uint8_t { unsubscribe, resubscribe };

// How it was said.
enum class said_by : std::uint8_t { one_click, page, mail };
std::string_view to_text(said_by way);

enum class subscribed : std::uint8_t {
  yes,
  no,       // by his own wish, which he may take back here
  no_other  // for another reason, such as a complaint: that is the operator's to take back
};

// What a token is about.
struct subscription {
  std::string sender;  // the reverse-path
  std::string recipient;
  subscribed now = subscribed::yes;
};

enum class no_subscription : std::uint8_t {
  unknown,     // we made no such token, or the events of its message are no longer kept
  unavailable  // the disk can't tell at present
};
using subscription_result = std::expected<subscription, no_subscription>;

class unsubscriber {
 public:
  struct environment {
    spool::spool& store;
    const message::verp_signer& tokens;  // of the purpose `unsubscribe`
    const clock& time;
    metrics::registry& counts;
  };
  explicit unsubscriber(environment env);

  std::optional<message::verp> open_address(std::string_view local_part) const;
  std::optional<message::verp> open_token(std::string_view token) const;

  subscription_result look_up(const message::verp& who);

  // Without an error the spool has it on return, before all that it is given later, and `done` (may be empty) runs on
  // `shard` with what is so then, once it is safe. With one, `done` is not called. What is so already is not recorded
  // again. `origin` as in events: the message that said it.
  using on_safe = std::move_only_function<void(subscription)>;
  std::expected<void, no_subscription> take(const message::verp& who, wish what, said_by way, std::string origin,
                                            std::size_t shard, on_safe done);

 private:
  // What the list will have once all that was given to the spool is written.
  struct under_way {
    std::optional<suppression::entry> then;
    std::size_t writes = 0;
  };
  using place = std::expected<std::optional<suppression::entry>, no_subscription>;

  std::expected<original, no_subscription> find(const message::verp& who) const;
  // What the list has, or will have; `held` is locked then, and never while the disk is read: shards take it, too.
  place listed(const suppression::entry& at, std::unique_lock<std::mutex>& held) const;
  void write(const std::string& key, spool::change c, std::optional<suppression::entry> then);
  void written(const std::string& key);

  environment env_;
  mutable std::mutex mutex_;
  std::uint64_t ended_ = 0;                               // how many were under way and are not any more
  std::unordered_map<std::string, under_way> under_way_;  // by the entry's key
  metrics::counter* unsubscribed_[3];                     // by said_by
  metrics::counter& resubscribed_;
};

}  // namespace gonets::feedback
