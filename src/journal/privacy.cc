#include "journal/privacy.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/secret.h"
#include "base/text.h"
#include "message/address.h"

namespace gonets::journal {
namespace {

constexpr std::size_t address_bytes = 16, domain_bytes = 8, shown_digits = 12;

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char c : bytes)
    text += fmt::format("{:02x}", static_cast<unsigned char>(c));
  return text;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string address_hash::of(std::string_view address) const {
  const auto lower = to_lower(address);
  return fmt::format("({})@{}", hex_of(hmac_sha256(key_, "address " + lower).substr(0, address_bytes)),
                     of_domain(message::domain_of(lower)));
}

std::string address_hash::of_domain(std::string_view domain) const {
  return hex_of(hmac_sha256(key_, "domain " + to_lower(domain)).substr(0, domain_bytes));
}

bool is_hashed(std::string_view stored) {
  return stored.starts_with('(');
}

std::string shown(std::string_view hashed) {
  return fmt::format("(hashed {})", hashed.substr(1, shown_digits));
}

std::string codes_of(std::string_view reply) {
  constexpr std::size_t code_digits = 3;
  const auto code = reply.substr(0, code_digits);
  if (code.size() < code_digits || !std::ranges::all_of(code, is_digit)) return "";
  auto rest = reply.substr(code_digits);
  if (!rest.empty() && rest.front() != ' ') return "";
  rest = rest.substr(0, rest.find(' ', 1));
  const bool status = std::ranges::count(rest, '.') == 2 &&
                      std::ranges::all_of(rest.substr(1), [](char c) { return is_digit(c) || c == '.'; });
  return std::string(code) + std::string(status ? rest : "");
}

std::string without_recipient(std::string_view sender) {
  const auto local = message::local_part_of(sender);
  if (local.find_first_of("=+") == local.npos) return std::string(sender);
  return '@' + std::string(message::domain_of(sender));
}

}  // namespace gonets::journal
