// What the API asks about logins.
#include "app/control.h"
#include "auth/authenticator.h"

namespace gonets::app {

// A key is LOGIN.SECRET; secrets have no dot.
void control::check_key(std::string key, const address_bytes& from, done<httpd::key_verdict> answer) {
  const auto dot = key.rfind('.');
  if (dot == std::string::npos) return answer({});
  parts_.logins->check_api_key(from, key.substr(0, dot), key.substr(dot + 1),
                               [this, answer = std::move(answer)](auth::outcome o) mutable {
                                 httpd::key_verdict v;
                                 if (o.what == auth::verdict::refused) return answer(v);
                                 v.what = httpd::key_verdict::unavailable;
                                 if (o.what != auth::verdict::granted) return answer(v);
                                 const auto in = parts_.accounts->current();
                                 const auto* owner = in->find(o.who.account);
                                 if (owner == nullptr) return answer(v);  // gone in this moment
                                 v.what = httpd::key_verdict::granted;
                                 if (owner->id != accounts::default_account) v.account = owner->name;
                                 v.read = (o.who.scopes & accounts::scope_read) != 0;
                                 v.admin = (o.who.scopes & accounts::scope_admin) != 0;
                                 answer(std::move(v));
                               });
}

void control::lockouts(std::size_t rows_max, done<std::vector<httpd::lockout_row>> answer) {
  std::vector<httpd::lockout_row> rows;
  for (auto& r : parts_.logins->failures().rows(parts_.time.steady(), rows_max)) {
    rows.push_back({std::string(to_text(r.what)), std::move(r.name), r.failures,
                    r.locked_for.count() > 0 ? parts_.time.wall() + r.locked_for : wall_time{}});
  }
  answer(std::move(rows));
}

void control::unlock(std::string what, done<bool> answer) {
  answer(parts_.logins->failures().unlock(what));
}

}  // namespace gonets::app
