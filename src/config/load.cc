#include "config/load.h"

#include <fmt/format.h>
#include <netdb.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <map>
#include <memory>
#include <tuple>

#include "base/text.h"
#include "config/declarations.h"
#include "config/presets.h"
#include "sasl/client.h"
#include "shaping/limit_fields.h"

namespace gonets::config {
namespace {

// A hundred thousand routes fit well; /dev/zero does not.
constexpr std::size_t file_bytes_max = 64 * 1024 * 1024;

using detail::member;
using detail::mismatch;
using detail::mismatches;
using detail::value;
using detail::value_kind;

// Walks a file's tree along the declarations, and collects what does not fit.
class reader {
 public:
  explicit reader(std::string_view file) : file_(file) {}

  settings read(const value& root) {
    settings result;
    for (const member& top : root.members)
      read_top(top, result);
    std::stable_sort(errors_.begin(), errors_.end(), [](const config_error& a, const config_error& b) {
      return std::tie(a.line, a.column) < std::tie(b.line, b.column);
    });
    return result;
  }
  std::vector<config_error> take_errors() { return std::move(errors_); }

 private:
  void add(unsigned line, unsigned column, std::string key, std::string found, std::string expected,
           std::string nearest = "") {
    errors_.push_back({file_, line, column, std::move(key), std::move(found), std::move(expected), std::move(nearest)});
  }

  void read_top(const member& top, settings& to) {
    if (top.name == "listener") return read_tables(top, listener_declarations(), to.listeners);
    if (top.name == "certificate") return read_tables(top, certificate_declarations(), to.certificates);
    if (top.name == "route") return read_routes(top, to);
    if (top.name == "egress") return read_tables(top, egress_declarations(), to.egresses);
    if (top.name == "pool") return read_tables(top, pool_declarations(), to.pools);
    if (top.name == "warm_up") return read_tables(top, warm_up_declarations(), to.warm_ups);
    if (top.name == "tls_policy") return read_tls_rules(top, to);
    if (top.name == "limit") return read_limits(top, to);
    if (top.name == "sink") return read_sinks(top, to);
    if (top.name == "stream") return read_streams(top, to);
    std::vector<std::string> names{"listener", "certificate", "route", "egress", "pool",
                                   "warm_up",  "tls_policy",  "limit", "sink",   "stream"};
    for (const section& s : sections()) {
      if (s.name == top.name) {
        if (is_table(top.content, top.name, top)) read_table(top.content, top.name, s.settings_of, to);
        return;
      }
      names.emplace_back(s.name);
    }
    add(top.line, top.column, top.name, "an unknown section", "", nearest(top.name, names));
  }

  bool is_table(const value& v, const std::string& key, const member& at) {
    if (v.kind == value_kind::table) return true;
    add(at.line, at.column, key, detail::cite(v), fmt::format("a table: [{}]", key));
    return false;
  }

  template <class Owner>
  void read_table(const value& table, const std::string& key, const std::vector<declaration<Owner>>& declared,
                  Owner& to) {
    for (const member& m : table.members) {
      const auto found =
          std::find_if(declared.begin(), declared.end(), [&](const auto& d) { return d.name == m.name; });
      if (found == declared.end()) {
        add(m.line, m.column, key + "." + m.name, "an unknown key", "", nearest_name(m.name, declared));
        continue;
      }
      mismatches wrong;
      found->read(m.content, to, wrong);
      for (mismatch& w : wrong) {
        add(w.line, w.column, key + "." + m.name, std::move(w.found), std::move(w.expected), std::move(w.nearest));
      }
    }
    for (const declaration<Owner>& d : declared) {
      const bool there =
          std::any_of(table.members.begin(), table.members.end(), [&](const member& m) { return m.name == d.name; });
      if (d.required && !there) add(table.line, table.column, fmt::format("{}.{}", key, d.name), "nothing", d.expected);
    }
  }

  template <class Owner>
  static std::string nearest_name(std::string_view name, const std::vector<declaration<Owner>>& declared) {
    std::vector<std::string> names;
    for (const auto& d : declared)
      names.emplace_back(d.name);
    return nearest(name, names);
  }

  // Calls `each(table, key)` for the tables of [[name]], keys counted from 1 as people do.
  template <class Each>
  void read_array_of_tables(const member& top, Each each) {
    const value& array = top.content;
    const bool tables =
        array.kind == value_kind::array &&
        std::all_of(array.items.begin(), array.items.end(), [](const value& v) { return v.kind == value_kind::table; });
    if (!tables) {
      return add(top.line, top.column, top.name, detail::cite(array),
                 fmt::format("an array of tables: [[{}]]", top.name));
    }
    std::size_t number = 0;
    for (const value& table : array.items)
      each(table, fmt::format("{}[{}]", top.name, ++number));
  }

  template <class Owner>
  void read_tables(const member& top, const std::vector<declaration<Owner>>& declared, std::vector<Owner>& to) {
    read_array_of_tables(
        top, [&](const value& table, const std::string& key) { read_table(table, key, declared, to.emplace_back()); });
  }

  void read_routes(const member& top, settings& to) {
    read_array_of_tables(top, [&](const value& table, const std::string& key) {
      route_entry entry;
      read_table(table, key, route_declarations(), entry);
      complete(entry, table, key);
      for (std::string& domain : entry.domains) {
        route& r = to.routes.emplace_back(entry.target);
        r.domain = to_lower(domain);
        r.tls = entry.tls;
        r.logins = entry.logins;
        r.login_without_tls = entry.login_without_tls;
        r.preset = entry.preset;
        r.limits = entry.limits;
        r.egress = entry.egress;
      }
    });
  }

  void complete(route_entry& entry, const value& table, const std::string& key) {
    const auto* const known = find_preset(entry.preset);
    if (!entry.has_target && known != nullptr) entry.target = known->target;
    if (!entry.has_target && known == nullptr) {
      add(table.line, table.column, key + ".to", "nothing", "where the mail goes, or a `preset` that says it");
    }
    if (!entry.single.name.empty()) {
      entry.logins = {std::move(entry.single)};
    } else if (entry.single != smarthost_login()) {
      add(table.line, table.column, key + ".login", "nothing", "whose password it is");
    }
    for (smarthost_login& login : entry.logins) {
      if (known == nullptr || !login.oauth) continue;
      if (login.oauth->token_url.empty()) login.oauth->token_url = known->token_url;
      if (login.oauth->scope.empty()) login.oauth->scope = known->token_scope;
    }
  }

  void read_tls_rules(const member& top, settings& to) {
    read_array_of_tables(top, [&](const value& table, const std::string& key) {
      tls_entry entry;
      read_table(table, key, tls_declarations(), entry);
      for (const std::string& domain : entry.domains)
        to.tls_rules.push_back({to_lower(domain), entry.level});
    });
  }

  void read_limits(const member& top, settings& to) {
    read_array_of_tables(top, [&](const value& table, const std::string& key) {
      limit_entry entry;
      read_table(table, key, limit_declarations(), entry);
      const auto part = [](const std::string& name) {
        return name.empty() ? std::optional<std::string>() : std::optional(name);
      };
      shaping::limit_order order;
      order.about.egress = part(entry.egress);
      order.about.provider = part(entry.provider);
      order.about.account = part(entry.account);
      order.about.stream = part(entry.stream);
      if (!shaping::level_of(order.about)) {
        add(table.line, table.column, key, "these together",
            "`egress`, `provider`, `account` or `stream` alone, `provider` with `account` or `egress`, or none of "
            "them");
      }
      order.settings = shaping::settings_of(entry.limits, key);
      to.limits.push_back(std::move(order));
    });
  }

  void read_sinks(const member& top, settings& to) {
    read_array_of_tables(top, [&](const value& table, const std::string& key) {
      sink& one = to.sinks.emplace_back();
      const auto before = errors_.size();
      read_table(table, key, sink_declarations(), one);
      if (errors_.size() == before) check_kind(one.kind, table, key);
    });
  }

  // That all is there which a sink of this kind needs, and nothing of another.
  void check_kind(sink_kind kind, const value& table, const std::string& key) {
    for (const sink_setting& s : sink_settings()) {
      const auto there = std::ranges::find(table.members, s.name, &member::name);
      if (there != table.members.end() && !s.is_of(kind)) {
        add(there->line, there->column, fmt::format("{}.{}", key, s.name), "a setting of another kind of sink",
            "those that docs/configuration.md has for this `kind`");
      }
      if (!s.needed || !s.is_of(kind) || there != table.members.end()) continue;
      const auto declared = std::ranges::find(sink_declarations(), s.name, &declaration<sink>::name);
      add(table.line, table.column, fmt::format("{}.{}", key, s.name), "nothing", declared->expected);
    }
  }

  void read_streams(const member& top, settings& to) {
    if (top.content.kind != value_kind::table) {
      return add(top.line, top.column, top.name, detail::cite(top.content), "a table for each stream: [stream.bulk]");
    }
    for (const member& m : top.content.members) {
      const std::string key = "stream." + m.name;
      if (!is_stream_name(m.name)) {
        add(m.line, m.column, key, detail::quote(m.name), "a stream's name of a to z, 0 to 9, - and _");
        continue;
      }
      if (!is_table(m.content, key, m)) continue;
      auto found =
          std::find_if(to.streams.begin(), to.streams.end(), [&](const stream& s) { return s.name == m.name; });
      if (found == to.streams.end()) {
        found = to.streams.insert(found, stream{m.name, 1, shaping::default_retry_policy()});
      }
      read_table(m.content, key, stream_declarations(), *found);
    }
  }

  std::string file_;
  std::vector<config_error> errors_;
};

// The machine's fully qualified name, or its short one when it has no other.
std::string machine_name() {
  char name[256] = "";
  if (gethostname(name, sizeof name - 1) != 0) return "localhost";
  if (std::strchr(name, '.') != nullptr) return name;
  addrinfo hints{};
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  if (getaddrinfo(name, nullptr, &hints, &found) != 0) return name;
  const std::string full = found->ai_canonname != nullptr ? found->ai_canonname : name;
  freeaddrinfo(found);
  return full;
}

// Fills in what files of secrets have. Their paths become absolute.
class secret_files {
 public:
  explicit secret_files(const std::string& config_file)
      : config_file_(config_file), folder_(std::filesystem::absolute(config_file).parent_path()) {}

  void fill(smarthost_login& login) {
    if (!login.password_file.empty() && !login.password.empty()) {
      errors_.push_back({config_file_, 0, 0, "route.password_file", fmt::format("a password of {}, too", login.name),
                         "password or password_file", ""});
    } else if (!login.password_file.empty()) {
      login.password = read(login.password_file, "route.password_file", "password");
    }
    make_absolute(login.token_file);
    if (!login.oauth) return;
    if (!login.oauth->secret_file.empty()) {
      login.oauth->secret = read(login.oauth->secret_file, "route.oauth.client_secret_file", "secret");
    }
    make_absolute(login.oauth->refresh_token_file);
  }
  void fill(sink& s) {
    if (!s.password_file.empty()) s.password = read(s.password_file, "sink.password_file", "password");
    if (!s.token_file.empty()) s.token = read(s.token_file, "sink.token_file", "token");
    make_absolute(s.credentials_file);
  }
  std::vector<config_error> take_errors() { return std::move(errors_); }

 private:
  void make_absolute(std::string& path) const {
    if (!path.empty()) path = (folder_ / path).lexically_normal().string();
  }
  const std::string& read(std::string& path, std::string_view key, std::string_view what) {
    make_absolute(path);
    const auto [at, added] = known_.try_emplace(path);
    if (!added) return at->second;
    const auto text = read_file(path);
    at->second = text.value_or("");
    if (at->second.ends_with('\n')) at->second.pop_back();
    if (at->second.ends_with('\r')) at->second.pop_back();
    if (!text || !sasl::is_client_password(at->second)) {
      errors_.push_back({config_file_, 0, 0, fmt::format("{} ({})", key, path),
                         text ? fmt::format("no {}", what) : text.error(),
                         "a file that can be read, with one line of text", ""});
    }
    return at->second;
  }

  const std::string& config_file_;
  const std::filesystem::path folder_;
  std::map<std::string, std::string> known_;  // by path: many domains may share a route
  std::vector<config_error> errors_;
};

std::vector<config_error> read_secrets(settings& to, const std::string& config_file) {
  secret_files files(config_file);
  for (route& r : to.routes) {
    for (smarthost_login& login : r.logins)
      files.fill(login);
  }
  for (sink& s : to.sinks)
    files.fill(s);
  return files.take_errors();
}

}  // namespace

std::string to_text(const config_error& error) {
  std::string text = error.file;
  if (error.line > 0) text += fmt::format(":{}:{}", error.line, error.column);
  text += ": ";
  if (!error.key.empty()) text += error.key + ": ";
  text += "found " + error.found;
  if (!error.expected.empty()) text += ", expected " + error.expected;
  if (!error.nearest.empty()) text += fmt::format("; did you mean \"{}\"?", error.nearest);
  return text;
}

std::expected<settings, std::vector<config_error>> parse(std::string_view text, std::string_view file_name) {
  const auto root = detail::read_toml(text);
  if (!root) {
    const detail::syntax_error& error = root.error();
    return std::unexpected(std::vector{config_error{std::string(file_name), error.line, error.column, "",
                                                    "a syntax error", "TOML: " + error.text, ""}});
  }
  reader from(file_name);
  settings result = from.read(*root);
  if (std::vector<config_error> errors = from.take_errors(); !errors.empty()) return std::unexpected(std::move(errors));
  if (result.delivery.helo.empty()) result.delivery.helo = result.server.hostname;
  return result;
}

// By stdio, since streams lose errno.
std::expected<std::string, std::string> read_file(const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rbe"), std::fclose);
  if (!file) return std::unexpected(std::strerror(errno));
  std::string text;
  char block[65536];
  while (const std::size_t n = std::fread(block, 1, sizeof block, file.get())) {
    text.append(block, n);
    if (text.size() > file_bytes_max) return std::unexpected("more than " + format_bytes(file_bytes_max));
  }
  if (std::ferror(file.get())) return std::unexpected(std::strerror(errno));
  return text;
}

std::expected<settings, std::vector<config_error>> load(const std::string& path) {
  const auto text = read_file(path);
  if (!text) {
    return std::unexpected(std::vector{config_error{path, 0, 0, "", text.error(), "a file that can be read", ""}});
  }
  auto result = parse(*text, path);
  if (result) {
    if (auto errors = read_secrets(*result, path); !errors.empty()) return std::unexpected(std::move(errors));
  }
  if (result && result->server.hostname.empty()) {
    result->server.hostname = machine_name();
    if (result->delivery.helo.empty()) result->delivery.helo = result->server.hostname;
  }
  // A folder of its own, as SQLite makes files beside its database; not in the spool, which may be given up.
  if (result && result->accounts.database.empty()) {
    const std::filesystem::path spool = result->spool.path;
    const auto above = (spool.has_filename() ? spool : spool.parent_path()).parent_path();
    result->accounts.database = "sqlite:" + (above / "accounts/accounts.db").string();
  }
  return result;
}

}  // namespace gonets::config
