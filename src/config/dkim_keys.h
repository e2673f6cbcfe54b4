// The signing keys that [[dkim]] names, from their files.
#pragma once
#include <expected>
#include <string>

#include "config/settings.h"
#include "dkim/key.h"

namespace gonets::config {

// The error names the file, and what is wrong with it.
std::expected<dkim::private_key, std::string> load_dkim_key(const dkim_key& which);

}  // namespace gonets::config
