// The operator's limits, `[[limit]]`: each bounds what is sent by the server, from an egress, to a provider or site,
// for an account or in a stream, or by two of these together. Shared by all shards, so that a bound is exact over them;
// it costs a lock, but nothing where no limit is set.
#pragma once
#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ids.h"
#include "shaping/limit_set.h"

namespace gonets::shaping {

// What sites that belong to no known provider are called together.
inline constexpr std::string_view other_sites = "other sites";

// What a limit is about. An absent part does not matter; "*": each by itself; empty: what has none; else the one of
// that name.
struct limit_scope {
  std::optional<std::string> egress, provider, site, account, stream;
  bool operator==(const limit_scope&) const = default;
};
// Nothing: no level is made of these parts. The levels are those of limit_level.
std::optional<limit_level> level_of(const limit_scope& s);

struct limit_order {
  limit_scope about;
  std::vector<limit_setting> settings;
  std::optional<limit_level> level;  // nothing: that of level_of()
  bool operator==(const limit_order&) const = default;
};

// What one attempt or connection is about; of a connection, account and stream are left out.
struct limit_subject {
  std::string_view egress, provider, site, stream;
  std::optional<account_id> account;
};

class limit_book {
 public:
  // All are called under the lock, from any shard.
  using account_namer = std::function<std::string(account_id)>;
  using state_source = std::function<std::optional<std::string>(limit_level, std::string_view name)>;

  // With a source of what was kept of them, limits outlast a crash: what is sent must be reserved first.
  explicit limit_book(account_namer name_of, state_source kept = {})
      : name_of_(std::move(name_of)), kept_(std::move(kept)) {}

  // In place of all before; counters of limits that stay go on.
  void configure(std::vector<limit_order> orders);
  // In place of what that order sets, for the one thing of that name ("new and google"); until configure().
  void adjust(const limit_scope& about, limit_level level, const std::string& name,
              std::vector<limit_setting> settings);
  bool empty() const { return !any_.load(std::memory_order_relaxed); }

  // As limit_chain::admit() and its kin, over all limits that the subject is under.
  std::optional<block> find_block(limited_action action, const limit_subject& about, urgency how, wall_time now);
  std::optional<block> admit(limited_action action, const limit_subject& about, urgency how,
                             concurrency_limit::holder who, wall_time now);
  void end(limited_action action, const limit_subject& about, concurrency_limit::holder who);
  void take_back(const limit_subject& about, wall_time then);
  // As limit_node::covered() and reserve(): what is to be written is added to `wanted`. Nothing: all are covered.
  std::optional<block> cover(const limit_subject& about, wall_time now, std::vector<limit_reserve>& wanted);
  void reserved(const limit_reserve& r);
  // For people: every limit that the subject is under.
  struct shown {
    std::string text;  // "10 messages a minute for provider google (gonets.toml)"
    std::uint32_t used = 0, max = 0;
    bool blocks = false;
    std::optional<wall_time> until;
    limit_level level = limit_level::server;
    limit_kind kind = limit_kind::connections;
  };
  std::vector<shown> explain(const limit_subject& about, urgency how, wall_time now);
  std::optional<std::uint32_t> tightest(limit_kind k, const limit_subject& about);

 private:
  struct kept_order {
    limit_order order;
    limit_level level;
    std::map<std::string, std::vector<limit_setting>, std::less<>> adjusted;
    std::map<std::string, std::unique_ptr<limit_node>, std::less<>> nodes;  // by what "*" stood for
  };
  limit_chain chain_of(const limit_subject& about, bool of_connection);
  limit_node* node_of(kept_order& o, const limit_subject& about);
  wall_time forward(wall_time now);

  account_namer name_of_;
  state_source kept_;
  std::mutex lock_;
  std::vector<kept_order> orders_;
  std::atomic<bool> any_{false};
  wall_time latest_{};  // shards' clocks differ by a little; limits want one that never goes back
};

}  // namespace gonets::shaping
