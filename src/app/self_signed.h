// The certificate that the server makes itself, for development (tls.self_signed).
#pragma once
#include "base/clock.h"
#include "config/settings.h"

namespace gonets::app {

// Makes it when it is wanted and not there, of another host name, or about to expire; with the rights of server.user,
// and for its eyes only. Throws std::runtime_error with the path and the reason.
void ensure_self_signed(const config::settings& with, wall_time now);

}  // namespace gonets::app
