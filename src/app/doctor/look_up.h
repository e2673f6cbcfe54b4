// The server's way to ask DNS, without the server.
#pragma once
#include <string>
#include <vector>

#include "config/settings.h"
#include "runtime/dns.h"

namespace gonets::app::doctor {

// The A records of each name, all asked at once. Blocks.
std::vector<runtime::dns_answer> look_up(const config::settings& with, const std::vector<std::string>& names);

}  // namespace gonets::app::doctor
