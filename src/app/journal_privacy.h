// What the journal is told of accounts.
#pragma once
#include "accounts/registry.h"
#include "journal/privacy.h"

namespace gonets::app {

// `all` must outlive it.
journal::privacy journal_privacy(const accounts::registry& all);

}  // namespace gonets::app
