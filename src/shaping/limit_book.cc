#include "shaping/limit_book.h"

#include <algorithm>
#include <utility>

namespace gonets::shaping {
namespace {

constexpr std::string_view each = "*";
constexpr std::size_t sweep_each = 4096;  // nodes, until those at rest are looked for

struct part {
  const std::optional<std::string>& wanted;
  std::string_view is;
};

bool belongs(const part& p) {
  if (p.wanted && p.wanted->empty()) return p.is.empty();
  return !p.wanted || (!p.is.empty() && (*p.wanted == each || *p.wanted == p.is));
}

bool of_accounts(limit_level l) {
  return l == limit_level::account || l == limit_level::stream || l == limit_level::account_provider;
}

}  // namespace

std::optional<limit_level> level_of(const limit_scope& s) {
  using enum limit_level;
  const auto has = [](const auto&... parts) { return ((parts ? 1 : 0) + ... + 0); };
  const auto parts = has(s.egress, s.provider, s.site, s.account, s.stream);
  if (parts == 0) return server;
  if (parts == 1) return s.egress ? egress : s.provider ? provider : s.site ? site : s.account ? account : stream;
  if (parts == 2 && s.provider && s.egress) return egress_provider;
  if (parts == 2 && s.provider && s.account) return account_provider;
  return std::nullopt;
}

void limit_book::configure(std::vector<limit_order> orders) {
  const std::lock_guard guard(lock_);
  std::vector<kept_order> fresh;
  for (auto& o : orders) {
    const auto level = o.level ? *o.level : level_of(o.about).value_or(limit_level::server);
    kept_order k{o, level, {}, {}};
    const auto old = std::ranges::find_if(
        orders_, [&](const auto& was) { return was.level == level && was.order.about == o.about; });
    if (old != orders_.end()) k.nodes = std::move(old->nodes);
    for (auto& [name, node] : k.nodes)
      node->configure(o.settings);
    fresh.push_back(std::move(k));
  }
  orders_ = std::move(fresh);
  any_.store(!orders_.empty(), std::memory_order_relaxed);
}

void limit_book::adjust(const limit_scope& about, limit_level level, const std::string& name,
                        std::vector<limit_setting> settings) {
  const std::lock_guard guard(lock_);
  for (auto& o : orders_) {
    if (o.level != level || o.order.about != about) continue;
    if (const auto at = o.nodes.find(name); at != o.nodes.end()) at->second->configure(settings);
    o.adjusted[name] = std::move(settings);
    return;
  }
}

// Null: the subject is not under it.
limit_node* limit_book::node_of(kept_order& o, const limit_subject& about) {
  const auto& w = o.order.about;
  const auto account = w.account && about.account ? name_of_(*about.account) : std::string();
  std::string name;
  for (const auto& p : {part{w.egress, about.egress}, part{w.provider, about.provider}, part{w.site, about.site},
                        part{w.account, account}, part{w.stream, about.stream}}) {
    if (!belongs(p)) return nullptr;
    if (!p.wanted) continue;
    if (!name.empty()) name += " and ";
    name += p.is.empty() ? other_sites : p.is;
  }
  if (const auto at = o.nodes.find(name); at != o.nodes.end()) return at->second.get();
  if (o.nodes.size() % sweep_each == sweep_each - 1)
    std::erase_if(o.nodes, [&](const auto& n) { return n.second->at_rest(latest_); });
  auto& node = o.nodes[name];
  const std::string title = name.empty() ? "as a whole" : name;
  node = std::make_unique<limit_node>(o.level, title, kept_ ? keeping::on_disk : keeping::in_memory);
  const auto own = o.adjusted.find(name);
  node->configure(own != o.adjusted.end() ? own->second : o.order.settings);
  if (const auto was = kept_ ? kept_(o.level, title) : std::nullopt) restore(*node, *was, latest_);
  return node.get();
}

// Only so many levels as a chain has places for: of two orders for the same level the first that applies counts, as
// with routes.
limit_chain limit_book::chain_of(const limit_subject& about, bool of_connection) {
  limit_chain chain{};
  std::uint32_t taken = 0;
  for (auto& o : orders_) {
    const auto bit = 1u << unsigned(o.level);
    if ((taken & bit) != 0 || (of_connection && of_accounts(o.level))) continue;
    auto* node = node_of(o, about);
    if (node == nullptr) continue;
    taken |= bit;
    chain.add(node);
  }
  return chain;
}

wall_time limit_book::forward(wall_time now) {
  latest_ = std::max(latest_, now);
  return latest_;
}

namespace {

// Times are told in the asker's: what does not block by now does not block for him.
std::optional<block> block_of(const std::optional<obstacle>& o) {
  if (!o) return std::nullopt;
  return block{o->level, o->until};
}

}  // namespace

std::optional<block> limit_book::find_block(limited_action action, const limit_subject& about, urgency how,
                                            wall_time now) {
  if (empty()) return std::nullopt;
  const std::lock_guard guard(lock_);
  return block_of(chain_of(about, action == limited_action::connect).find_obstacle(action, forward(now), how));
}

std::optional<block> limit_book::admit(limited_action action, const limit_subject& about, urgency how,
                                       concurrency_limit::holder who, wall_time now) {
  if (empty()) return std::nullopt;
  const std::lock_guard guard(lock_);
  return block_of(chain_of(about, action == limited_action::connect).admit(action, who, forward(now), how));
}

void limit_book::end(limited_action action, const limit_subject& about, concurrency_limit::holder who) {
  if (empty()) return;
  const std::lock_guard guard(lock_);
  chain_of(about, action == limited_action::connect).end(action, who);
}

void limit_book::take_back(const limit_subject& about, wall_time then) {
  if (empty()) return;
  const std::lock_guard guard(lock_);
  chain_of(about, false).take_back(then);
}

std::optional<block> limit_book::cover(const limit_subject& about, wall_time now, std::vector<limit_reserve>& wanted) {
  if (empty() || !kept_) return std::nullopt;
  const std::lock_guard guard(lock_);
  std::optional<block> missing;
  for (auto* n : chain_of(about, false).nodes()) {
    if (auto r = n->reserve(forward(now))) wanted.push_back(std::move(*r));
    if (!missing && !n->covered(latest_)) missing = block{n->level(), std::nullopt};
  }
  return missing;
}

void limit_book::reserved(const limit_reserve& r) {
  const std::lock_guard guard(lock_);
  for (auto& o : orders_) {
    if (o.level != r.level) continue;
    for (auto& [name, node] : o.nodes)
      if (node->name() == r.name) node->reserved(r);
  }
}

std::vector<limit_book::shown> limit_book::explain(const limit_subject& about, urgency how, wall_time now) {
  std::vector<shown> all;
  if (empty()) return all;
  const std::lock_guard guard(lock_);
  for (const auto& l : chain_of(about, false).explain(forward(now), how))
    all.push_back({to_text(l), l.used, l.max, l.blocks, l.until, l.level, l.what});
  return all;
}

std::optional<std::uint32_t> limit_book::tightest(limit_kind k, const limit_subject& about) {
  if (empty()) return std::nullopt;
  const std::lock_guard guard(lock_);
  const auto found = chain_of(about, false).tightest(k);
  if (!found) return std::nullopt;
  return found->max;
}

}  // namespace gonets::shaping
