// The Unix socket that the API listens on, as a file.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>

namespace gonets::httpd::detail {

// A listening, non-blocking socket at `path`, mode 0660. Makes the parent directory (0750) if it is missing. Removes
// what a crashed server left there, but not a socket that somebody listens on, nor any other file. Throws
// std::system_error or std::runtime_error.
int listen_on(const std::string& path, const std::optional<std::pair<uid_t, gid_t>>& owner, int backlog);

}  // namespace gonets::httpd::detail
