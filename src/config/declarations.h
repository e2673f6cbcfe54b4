// Every setting, declared once: name, kind, bounds, meaning, the effect of a limit, and whether a reload takes it. What
// parses the file, words the errors, writes the reference page and compares two configurations reads these tables; the
// defaults are those of a default-constructed owner.
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/detail/kinds.h"
#include "config/settings.h"

namespace gonets::config {

enum class on_change : std::uint8_t {
  reload,  // SIGHUP is enough
  restart
};

// `Owner` is what the field lies in: settings for a [section], listener for each [[listener]], and so on.
template <class Owner>
struct declaration {
  std::string_view name;
  on_change change = on_change::restart;
  std::string_view doc;     // Markdown
  std::string_view effect;  // of a limit: what exceeding it causes, first of all the SMTP reply; else empty
  std::string expected;
  bool required = false;
  std::function<void(const detail::value&, Owner&, detail::mismatches&)> read;
  std::function<std::string(const Owner&)> write;  // TOML
};

struct section {
  std::string_view name;
  std::string_view doc;
  std::vector<declaration<settings>> settings_of;
};

// One [[route]]: its target for each of its domains.
struct route_entry {
  std::vector<std::string> domains;
  route target;
  std::optional<tls_policy::level> tls;
  bool has_target = false;
  std::string preset;
  smarthost_login single;               // `login = "name"`, password, password_file
  std::vector<smarthost_login> logins;  // [[route.login]]
  shaping::provider_limits limits;
  bool login_without_tls = false;
  std::string egress;
};

// One [[tls_policy]]: its level for each of its domains.
struct tls_entry {
  std::vector<std::string> domains;
  tls_policy::level level = tls_policy::level::opportunistic;
};

// One [[limit]].
struct limit_entry {
  std::string egress, provider, account, stream;  // empty: does not matter
  shaping::provider_limits limits;
};

const std::vector<section>& sections();
const std::vector<declaration<listener>>& listener_declarations();
const std::vector<declaration<certificate>>& certificate_declarations();
const std::vector<declaration<route_entry>>& route_declarations();
const std::vector<declaration<smarthost_login>>& login_declarations();
const std::vector<declaration<stream>>& stream_declarations();
const std::vector<declaration<egress>>& egress_declarations();
const std::vector<declaration<pool>>& pool_declarations();
const std::vector<declaration<shaping::warm_up_order>>& warm_up_declarations();
const std::vector<declaration<tls_entry>>& tls_declarations();
const std::vector<declaration<limit_entry>>& limit_declarations();
const std::vector<declaration<sink>>& sink_declarations();

std::string_view listener_doc();
std::string_view certificate_doc();
std::string_view route_doc();
std::string_view login_doc();
const std::vector<declaration<oauth_client>>& oauth_declarations();
std::string_view oauth_doc();
std::string_view egress_doc();
std::string_view warm_up_doc();
std::string_view pool_doc();
std::string_view limit_doc();
std::string_view sink_doc();
std::string_view tls_doc();
std::string_view stream_doc();

bool is_stream_name(std::string_view name);

}  // namespace gonets::config
