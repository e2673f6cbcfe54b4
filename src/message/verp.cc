#include "message/verp.h"

#include <fmt/format.h>

#include <charconv>

#include "base/secret.h"
#include "base/text.h"
#include "base/wire.h"

namespace gonets::message {
namespace {

constexpr std::size_t id_digits = 12, proof_digits = 12, index_digits_max = 5;

std::string_view take(std::string_view& from, std::size_t count) {
  const auto taken = from.substr(0, count);
  from.remove_prefix(taken.size());
  return taken;
}

}  // namespace

std::string verp_signer::proof(const verp& of, std::string_view about) const {
  std::string proven(1, purpose_);
  wire::put_be64(proven, of.message.value);
  wire::put_be16(proven, of.recipient.value);
  proven += about;
  const auto mac = hmac_sha256({reinterpret_cast<const char*>(key_.data()), key_.size()}, proven);
  return to_lower(to_text(message_id{wire::reader(mac).be64() >> 4}));
}

std::string verp_signer::local_part(const verp& of) const {
  return fmt::format("{}-{}", purpose_, token(of));
}

std::string verp_signer::token(const verp& of, std::string_view about) const {
  return fmt::format("{}-{}-{}", to_lower(to_text(of.message)), of.recipient.value, proof(of, about));
}

std::optional<verp> verp_signer::open(std::string_view local_part) const {
  const auto mark = take(local_part, 2);
  if (mark.size() != 2 || to_lower(mark).front() != purpose_ || mark.back() != '-') return std::nullopt;
  return open_token(local_part);
}

std::optional<verp> verp_signer::open_token(std::string_view token, std::string_view about) const {
  const auto text = to_lower(token);
  std::string_view rest = text;
  const auto id = parse_message_id(take(rest, id_digits));
  if (!id || take(rest, 1) != "-") return std::nullopt;
  const auto index = take(rest, rest.find('-'));
  const bool padded = index.size() > 1 && index.front() == '0';
  if (index.empty() || padded || index.size() > index_digits_max || take(rest, 1) != "-" || rest.size() != proof_digits)
    return std::nullopt;
  std::uint16_t number = 0;
  const auto [end, error] = std::from_chars(index.data(), index.data() + index.size(), number);
  if (error != std::errc{} || end != index.data() + index.size()) return std::nullopt;
  const verp found{*id, recipient_index{number}};
  if (!equal_in_constant_time(proof(found, about), rest)) return std::nullopt;
  return found;
}

std::optional<verp> verp_signer::find_in(std::string_view text) const {
  constexpr std::string_view alphabet = "-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (;;) {
    const auto begins = text.find_first_of(alphabet);
    if (begins == std::string_view::npos) return std::nullopt;
    text.remove_prefix(begins);
    const auto word = take(text, text.find_first_not_of(alphabet));
    if (auto found = open(word)) return found;
    if (auto found = open_token(word)) return found;
  }
}

}  // namespace gonets::message
