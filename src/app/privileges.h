// Giving up root once the low ports are bound.
#pragma once
#include <sys/types.h>

#include <string>
#include <utility>
#include <vector>

namespace gonets::app {

// Throws std::runtime_error when there is no such user.
std::pair<uid_t, gid_t> find_user(const std::string& name);
// Makes those of `folders` that are missing, for this user alone, and gives them to the user; then becomes the user for
// good, on all threads. Does nothing when already that user; throws when neither that user nor root.
void drop_privileges(const std::string& user, const std::vector<std::string>& folders);

}  // namespace gonets::app
