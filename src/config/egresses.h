// Egresses and pools: by which way mail leaves. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/check.h"
#include "config/settings.h"

namespace gonets::config {

// What [delivery] says by itself; always there.
inline constexpr std::string_view default_egress = "default";

// Of `a` to `z`, `0` to `9`, `-` and `_`.
bool is_egress_name(std::string_view name);

// "socks5://10.0.0.2:1080", "socks5://user:password@10.0.0.2:1080", "haproxy://[2001:db8::2]:2525". In user and
// password what is not allowed there is written as %XX.
std::optional<exit_proxy> parse_proxy(std::string_view text);
std::string proxy_text(const exit_proxy& p);  // without the password

// With what it leaves out filled in from [delivery].
std::optional<egress> find_egress(const settings& from, std::string_view name);

// The members of the pool, or the egress itself, of that name; of [delivery] for a name that there is no more, or that
// is empty. Never empty.
std::vector<pool::member> members_of(const settings& from, std::string_view name);

// What is wrong with them, and with the names by which others refer to them.
std::vector<finding> check_egresses(const settings& s);

}  // namespace gonets::config
