// Reads the configuration file. Every error in it is found in one go, but for TOML that does not parse, which ends at
// the first. Whether the settings go together is check()'s question.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.h"

namespace gonets::config {

struct config_error {
  std::string file;
  unsigned line = 0, column = 0;  // from 1; 0: of the file as a whole
  std::string key;                // "smtp.message_bytes_max", "route[2].to"; empty when TOML itself is broken
  std::string found;              // `"5 apples"`, "an unknown key", "nothing"
  std::string expected;           // empty where the nearest word says it all
  std::string nearest;            // the key or word that was probably meant; may be empty
  bool operator==(const config_error&) const = default;
};

// gonets.toml:7:21: smtp.message_bytes_max: found "5 apples", expected a size from 1KiB to 2GiB, such as "50MiB"
std::string to_text(const config_error& error);

// The file's text, at most 64 MiB of it, or the system's word for what is wrong with it.
std::expected<std::string, std::string> read_file(const std::string& path);

// Errors are sorted by their place. The hostname stays empty when the file has none.
std::expected<settings, std::vector<config_error>> parse(std::string_view text, std::string_view file_name);
// Reads and parses the file, and fills in what the machine knows: an empty server.hostname, and with it delivery.helo.
// May ask the system's resolver for the machine's full name.
std::expected<settings, std::vector<config_error>> load(const std::string& path);

}  // namespace gonets::config
