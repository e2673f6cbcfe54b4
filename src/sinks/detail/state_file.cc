#include "sinks/detail/state_file.h"

#include <filesystem>
#include <fstream>
#include <iterator>

namespace gonets::sinks::detail {
namespace fs = std::filesystem;

outcome<state> read_state(const std::string& path) {
  std::error_code error;
  const bool there = fs::exists(path, error);
  if (error) return std::unexpected(path + ": " + error.message());
  if (!there) return state{};
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file) return std::unexpected(path + ": cannot be read");
  const auto read = decode_state(text);
  if (!read) return std::unexpected(path + ": not understood; remove it to begin with the oldest event");
  return *read;
}

}  // namespace gonets::sinks::detail
