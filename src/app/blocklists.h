// Which addresses are looked up on block lists, of the configuration and this machine.
#pragma once
#include "config/settings.h"
#include "delivery/blocklist_watch.h"

namespace gonets::app {

delivery::blocklist_options blocklist_options_of(const config::settings& with);

}  // namespace gonets::app
