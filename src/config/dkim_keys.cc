#include "config/dkim_keys.h"

#include "config/load.h"

namespace gonets::config {

std::expected<dkim::private_key, std::string> load_dkim_key(const dkim_key& which) {
  const auto pem = read_file(which.file);
  if (!pem) return std::unexpected(which.file + " cannot be read: " + pem.error());
  auto key = dkim::private_key::from_pem(*pem);
  if (!key) return std::unexpected(which.file + " has " + key.error());
  return key;
}

}  // namespace gonets::config
