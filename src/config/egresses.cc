#include "config/egresses.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/text.h"
#include "config/declarations.h"
#include "config/routes.h"

namespace gonets::config {
namespace {

const pool* find_pool(const settings& from, std::string_view name) {
  const auto found = std::ranges::find(from.pools, name, &pool::name);
  return found == from.pools.end() ? nullptr : &*found;
}

bool has_egress(const settings& s, std::string_view name) {
  return name == default_egress || std::ranges::find(s.egresses, name, &egress::name) != s.egresses.end();
}

class checker {
 public:
  explicit checker(const settings& s) : s_(s) {}

  std::vector<finding> run() {
    for (std::size_t i = 0; i < s_.egresses.size(); ++i)
      check_name(s_.egresses[i].name, fmt::format("egress[{}].name", i + 1));
    for (std::size_t i = 0; i < s_.pools.size(); ++i)
      check_pool(s_.pools[i], fmt::format("pool[{}]", i + 1));
    check_reference(s_.delivery.egress, "delivery.egress");
    for (std::size_t i = 0; i < s_.routes.size(); ++i)
      check_route(s_.routes[i], fmt::format("route[{}].egress", i + 1));
    for (const stream& each : s_.streams)
      check_reference(each.egress, "stream." + each.name + ".egress");
    return std::move(found_);
  }

 private:
  void fail(const std::string& key, std::string text) { found_.push_back({severity::error, key, std::move(text)}); }

  void check_name(const std::string& name, const std::string& key) {
    if (name == default_egress) {
      fail(key, "\"default\" is what delivery.source_ipv4, source_ipv6 and helo make: take another name");
    } else if (!names_.insert(name).second) {
      fail(key, fmt::format("\"{}\" is there twice; egresses and pools share their names", name));
    }
  }

  void check_pool(const pool& p, const std::string& key) {
    check_name(p.name, key + ".name");
    if (p.members.empty()) fail(key + ".egresses", "is empty: its mail could not leave");
    std::set<std::string> seen;
    for (const auto& m : p.members) {
      if (!has_egress(s_, m.egress)) {
        const bool is_pool = find_pool(s_, m.egress) != nullptr;
        fail(key + ".egresses", is_pool ? fmt::format("\"{}\" is a pool: name its egresses", m.egress)
                                        : unknown("egress", m.egress, names_of(false)));
      } else if (!seen.insert(m.egress).second) {
        fail(key + ".egresses", fmt::format("\"{}\" is there twice: give it a weight", m.egress));
      }
    }
  }

  void check_reference(const std::string& name, const std::string& key) {
    if (name.empty() || has_egress(s_, name) || find_pool(s_, name) != nullptr) return;
    fail(key, unknown("egress or pool", name, names_of(true)));
  }

  void check_route(const route& r, const std::string& key) {
    check_reference(r.egress, key);
    const bool leaves = r.kind == route_kind::mx || r.kind == route_kind::smtp;
    if (!r.egress.empty() && !leaves) fail(key, fmt::format("is of no use for {}", target_text(r)));
  }

  std::vector<std::string> names_of(bool with_pools) const {
    std::vector<std::string> all{std::string(default_egress)};
    for (const auto& e : s_.egresses)
      all.push_back(e.name);
    for (const auto& p : s_.pools) {
      if (with_pools) all.push_back(p.name);
    }
    return all;
  }

  static std::string unknown(std::string_view what, std::string_view name, const std::vector<std::string>& known) {
    const auto meant = nearest(name, known);
    return fmt::format("there is no {} \"{}\"{}", what, name,
                       meant.empty() ? "" : fmt::format("; did you mean \"{}\"?", meant));
  }

  const settings& s_;
  std::set<std::string> names_;
  std::vector<finding> found_;
};

}  // namespace

bool is_egress_name(std::string_view name) {
  return is_stream_name(name);
}

std::optional<egress> find_egress(const settings& from, std::string_view name) {
  if (name == default_egress) {
    return egress{std::string(name), from.delivery.source_ipv4, from.delivery.source_ipv6, from.delivery.helo, {}};
  }
  const auto found = std::ranges::find(from.egresses, name, &egress::name);
  if (found == from.egresses.end()) return std::nullopt;
  egress whole = *found;
  if (whole.helo.empty()) whole.helo = from.delivery.helo;
  return whole;
}

std::vector<pool::member> members_of(const settings& from, std::string_view name) {
  for (const auto& each : {name, std::string_view(from.delivery.egress)}) {
    if (has_egress(from, each)) return {{std::string(each), 1}};
    if (const auto* const p = find_pool(from, each); p != nullptr && !p->members.empty()) return p->members;
  }
  return {{std::string(default_egress), 1}};
}

std::vector<finding> check_egresses(const settings& s) {
  return checker(s).run();
}

}  // namespace gonets::config
