// Delivery into a Maildir (maildir(5)). Blocking: for the blocking pool. A message is in `new` only once it is synced.
#pragma once
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"

namespace gonets::delivery {

// The folder for a recipient: `pattern` with {local} and {domain} filled in. Nothing when a part could leave the
// pattern's tree or hide (empty, '/', NUL, a leading '.').
std::optional<std::string> maildir_path(std::string_view pattern, std::string_view address);

enum class line_ends : std::uint8_t { lf, crlf };  // a mailbox on Unix has LF; the capture mailbox keeps what was sent

struct maildir_delivery {
  std::string folder;  // made if it is missing
  std::string_view reverse_path;
  std::string_view recipient;
  std::string_view host;
  wall_time now{};
  line_ends ends = line_ends::lf;
  // Gives the content part by part, until it gives nothing; false: it could not be read.
  std::function<bool(std::string& part, bool& more)> read;
};

// The reply of a successful delivery (250 2.1.5) or the refusal: 452 4.2.2 disk full or over quota, 451 4.3.0 else.
reply deliver_to_maildir(const maildir_delivery& what);

}  // namespace gonets::delivery
