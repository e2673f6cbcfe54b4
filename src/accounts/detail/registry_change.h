// What every change of the registry does around its own statements.
#pragma once
#include <fmt/format.h>

#include <string>

#include "accounts/registry.h"
#include "base/log.h"

namespace gonets::accounts {

namespace detail {

// Ties a sealed key to its row.
inline std::string key_place(domain_id domain, const std::string& selector) {
  return fmt::format("domain_key {} {}", domain.value, selector);
}

}  // namespace detail

// Runs `work` in one transaction with a new revision, and makes its effect seen. The counter comes first: it is the row
// at which changes of all nodes wait for each other, so that what `work` reads stays true until it is committed.
template <class T, class Work>
outcome<T> registry::change(Work work) {
  const std::lock_guard lock(changing_);
  if (!key_checked_) {
    if (auto seen = look(); !seen) return std::unexpected(refusal(std::move(seen.error())));
  }
  auto done = db_.write([&](storage::sql_session& s) -> outcome<T> {
    s.change("UPDATE counters SET value = value + 1 WHERE name = 'revision'");
    return work(s);
  });
  if (!done) {
    if (done.error().what == refusal_kind::unavailable) {
      const storage::sql_error lost{storage::sql_failure::unavailable, done.error().detail};
      note_contact(&lost);
    }
    return done;
  }
  // It is safe already; should the reading fail now, poll() makes up for it.
  if (auto read = reload(); !read) {
    note_contact(&read.error());
  } else {
    note_contact(nullptr);
  }
  return done;
}

}  // namespace gonets::accounts
