#include "config/egresses.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
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

std::optional<std::string> percent_decoded(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    if (text.front() != '%') {
      plain += text.front();
      text.remove_prefix(1);
      continue;
    }
    unsigned octet = 0;
    if (text.size() < 3) return std::nullopt;
    const auto* const end = text.data() + 3;
    if (std::from_chars(text.data() + 1, end, octet, 16).ptr != end || octet == 0) return std::nullopt;
    plain += static_cast<char>(octet);
    text.remove_prefix(3);
  }
  return plain;
}

bool take_login(std::string_view login, exit_proxy& to) {
  constexpr std::size_t octets_max = 255;  // RFC 1929
  const auto colon = login.find(':');
  if (colon == std::string_view::npos) return false;
  const auto user = percent_decoded(login.substr(0, colon)), password = percent_decoded(login.substr(colon + 1));
  if (!user || !password || user->empty() || user->size() > octets_max || password->empty() ||
      password->size() > octets_max)
    return false;
  to.user = *user;
  to.password = *password;
  return true;
}

class checker {
 public:
  explicit checker(const settings& s) : s_(s) {}

  std::vector<finding> run() {
    for (std::size_t i = 0; i < s_.egresses.size(); ++i)
      check_egress(s_.egresses[i], fmt::format("egress[{}]", i + 1));
    for (std::size_t i = 0; i < s_.pools.size(); ++i)
      check_pool(s_.pools[i], fmt::format("pool[{}]", i + 1));
    for (std::size_t i = 0; i < s_.warm_ups.size(); ++i)
      check_warm_up(s_.warm_ups[i], fmt::format("warm_up[{}]", i + 1));
    for (const auto& name : s_.delivery.egress_choices)
      check_reference(name, "delivery.egress_choices");
    check_reference(s_.delivery.egress, "delivery.egress");
    for (std::size_t i = 0; i < s_.routes.size(); ++i)
      check_route(s_.routes[i], fmt::format("route[{}].egress", i + 1));
    for (const stream& each : s_.streams)
      check_reference(each.egress, "stream." + each.name + ".egress");
    return std::move(found_);
  }

 private:
  void fail(const std::string& key, std::string text) { found_.push_back({severity::error, key, std::move(text)}); }

  void check_egress(const egress& e, const std::string& key) {
    check_name(e.name, key + ".name");
    const bool no_source = e.source_ipv4.empty() && e.source_ipv6.empty();
    if (e.proxy.speaks == exit_proxy::protocol::haproxy && no_source)
      fail(key + ".proxy", "is told the source address, and there is no source_ipv4 or source_ipv6");
  }

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

  void check_warm_up(const shaping::warm_up_order& w, const std::string& key) {
    if (!has_egress(s_, w.egress)) {
      const bool is_pool = find_pool(s_, w.egress) != nullptr;
      fail(key + ".egress", is_pool
                                ? fmt::format("\"{}\" is a pool: each of its egresses is warmed up by itself", w.egress)
                                : unknown("egress", w.egress, names_of(false)));
    }
    if (w.plan.last_day < w.plan.first_day)
      fail(key + ".last_day", fmt::format("is less than first_day, {}", w.plan.first_day));
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

std::optional<exit_proxy> parse_proxy(std::string_view text) {
  constexpr std::string_view socks5 = "socks5://", haproxy = "haproxy://";
  exit_proxy p;
  p.speaks = text.starts_with(socks5) ? exit_proxy::protocol::socks5 : exit_proxy::protocol::haproxy;
  const auto scheme = p.speaks == exit_proxy::protocol::socks5 ? socks5 : haproxy;
  if (!text.starts_with(scheme)) return std::nullopt;
  text.remove_prefix(scheme.size());
  if (const auto at = text.rfind('@'); at != std::string_view::npos) {
    if (p.speaks != exit_proxy::protocol::socks5 || !take_login(text.substr(0, at), p)) return std::nullopt;
    text.remove_prefix(at + 1);
  }
  const auto address = parse_endpoint(text);
  if (!address || address->port == 0) return std::nullopt;
  p.address = *address;
  return p;
}

std::string proxy_text(const exit_proxy& p) {
  switch (p.speaks) {
    case exit_proxy::protocol::none:
      return "";
    case exit_proxy::protocol::socks5:
      return fmt::format("socks5://{}{}", p.user.empty() ? "" : p.user + ":...@", to_text(p.address));
    case exit_proxy::protocol::haproxy:
      return "haproxy://" + to_text(p.address);
  }
  return "";
}

std::optional<egress> find_egress(const settings& from, std::string_view name) {
  if (name == default_egress) {
    return egress{std::string(name), from.delivery.source_ipv4, from.delivery.source_ipv6, from.delivery.helo, {}, {}};
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
