#include "auth/lockouts.h"

#include <algorithm>
#include <tuple>

namespace gonets::auth {
namespace {

std::string pair_of(std::string_view login, std::string_view source) {
  std::string key(login);
  key += '\0';
  return key += source;
}

}  // namespace

std::string_view to_text(subject s) {
  return s == subject::source ? "source" : "login";
}

void lockouts::reconfigure(lockout_limits with) {
  const std::lock_guard lock(mutex_);
  with_ = with;
}

std::string lockouts::source_of(const address_bytes& address) {
  if (is_ipv4(address)) return gonets::to_text(address);
  network site{address, 64};
  std::fill(site.address.begin() + 8, site.address.end(), std::uint8_t{0});
  return gonets::to_text(site);
}

bool lockouts::locked(const table& in, std::string_view key, steady_time now) {
  const auto* known = in.peek(key);
  return known != nullptr && known->locked_until > now;
}

bool lockouts::source_locked(std::string_view source, steady_time now) const {
  const std::lock_guard lock(mutex_);
  return locked(sources_, source, now);
}

bool lockouts::login_locked(std::string_view login, std::string_view source, steady_time now) const {
  const std::lock_guard lock(mutex_);
  if (!locked(logins_, login, now)) return false;
  const auto* good = good_.peek(pair_of(login, source));
  return good == nullptr || now - *good > good_for;
}

unsigned lockouts::count(table& in, std::string_view key, steady_time now, bool& locks) const {
  auto& r = in.put(key);
  if (r.failures == 0 || now - r.first > with_.window) r = {.first = now, .locked_until = r.locked_until};
  ++r.failures;
  locks = r.failures >= with_.failures_max && r.locked_until <= now;
  if (locks) r.locked_until = now + with_.lockout;
  return r.failures;
}

lockouts::consequence lockouts::note_failure(std::string_view login, std::string_view source, steady_time now) {
  const std::lock_guard lock(mutex_);
  consequence c;
  const auto of_source = count(sources_, source, now, c.locks_source);
  const auto of_login = login.empty() ? 0 : count(logins_, login, now, c.locks_login);
  c.delay = with_.delay * std::min(std::max(of_source, of_login), delay_steps_max);
  return c;
}

void lockouts::note_success(std::string_view login, std::string_view source, steady_time now) {
  const std::lock_guard lock(mutex_);
  good_.put(pair_of(login, source)) = now;
}

void lockouts::add_rows(const table& from, subject what, steady_time now, std::vector<row>& to) const {
  for (const auto& [key, r] : from) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(r.locked_until - now);
    if (left.count() > 0 || now - r.first <= with_.window)
      to.push_back({what, key, r.failures, std::max(left, std::chrono::milliseconds{0})});
  }
}

std::vector<lockouts::row> lockouts::rows(steady_time now, std::size_t max) const {
  std::vector<row> all;
  {
    const std::lock_guard lock(mutex_);
    add_rows(sources_, subject::source, now, all);
    add_rows(logins_, subject::login, now, all);
  }
  std::ranges::sort(all, [](const row& a, const row& b) {
    return std::tuple(b.locked_for, b.failures, a.name) < std::tuple(a.locked_for, a.failures, b.name);
  });
  if (all.size() > max) all.resize(max);
  return all;
}

bool lockouts::unlock(std::string_view name) {
  const auto address = parse_address(name);
  const std::string source = address ? source_of(*address) : std::string(name);
  const std::lock_guard lock(mutex_);
  const bool was_source = sources_.erase(source);
  return logins_.erase(name) || was_source;
}

}  // namespace gonets::auth
