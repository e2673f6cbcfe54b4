#include "app/journal_privacy.h"

#include <fmt/format.h>

namespace gonets::app {

journal::privacy journal_privacy(const accounts::registry& all) {
  return {.hash_after =
              [&all] {
                std::map<account_id, std::chrono::days> wanted;
                const auto known = all.current();
                for (const auto& a : known->all().accounts)
                  if (a.journal_hash_after_days != 0) wanted.emplace(a.id, a.journal_hash_after_days);
                return wanted;
              },
          .key_of =
              [&all](account_id id) {
                const auto key = all.secret_for(fmt::format("journal addresses of account {}", id.value));
                return std::string(key.begin(), key.end());
              }};
}

}  // namespace gonets::app
