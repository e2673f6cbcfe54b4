// The limits that providers, presets and routes may set: what they are called in files, where they are kept, and what
// kind they are.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shaping/limit_set.h"
#include "shaping/provider.h"

namespace gonets::shaping {

struct limit_field {
  std::string_view name;
  std::optional<std::uint32_t> provider_limits::*field;
  limit_kind what;
};

inline constexpr std::array limit_fields{
    limit_field{"connections", &provider_limits::connections, limit_kind::connections},
    limit_field{"new_connections_a_minute", &provider_limits::new_connections_a_minute,
                limit_kind::connections_a_minute},
    limit_field{"messages_a_second", &provider_limits::messages_a_second, limit_kind::messages_a_second},
    limit_field{"messages_a_minute", &provider_limits::messages_a_minute, limit_kind::messages_a_minute},
    limit_field{"messages_an_hour", &provider_limits::messages_an_hour, limit_kind::messages_an_hour},
    limit_field{"messages_a_day", &provider_limits::messages_a_day, limit_kind::messages_a_day},
    limit_field{"messages_a_connection", &provider_limits::messages_a_connection, limit_kind::messages_a_connection},
    limit_field{"recipients_a_transaction", &provider_limits::recipients_a_transaction,
                limit_kind::recipients_a_transaction}};

inline constexpr std::uint32_t limit_max = 100'000'000;

// Those that are set, each from `source`.
std::vector<limit_setting> settings_of(const provider_limits& limits, const std::string& source);

}  // namespace gonets::shaping
