#include "smtp/detail/peer_capabilities.h"

#include <algorithm>
#include <charconv>

namespace gonets::smtp::detail {
namespace {

char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

bool is_keyword(std::string_view word, std::string_view upper_case) {
  return std::equal(word.begin(), word.end(), upper_case.begin(), upper_case.end(),
                    [](char a, char b) { return to_upper(a) == b; });
}

// 0, no limit, for what is absent, is not a number or does not fit: the peer will still refuse what it does not want.
std::uint64_t parse_limit(std::string_view text) {
  std::uint64_t value = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc{} ? value : 0;
}

// RFC 4954 3. Some servers write "AUTH=PLAIN", as clients of a draft wanted it.
void take_mechanisms(std::string_view list, sasl::offered_mechanisms& offered) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find_first_of(" ="), list.size());
    sasl::add_offered(list.substr(0, end), offered);
    list.remove_prefix(std::min(end + 1, list.size()));
  }
}

void take_line(std::string_view line, peer_capabilities& offered) {
  const std::size_t word_end = std::min(line.find_first_of(" ="), line.size());
  const std::string_view word = line.substr(0, word_end);
  if (is_keyword(word, "PIPELINING")) offered.pipelining = true;
  if (is_keyword(word, "8BITMIME")) offered.eight_bit_mime = true;
  if (is_keyword(word, "SMTPUTF8")) offered.smtputf8 = true;
  if (is_keyword(word, "DSN")) offered.dsn = true;
  if (is_keyword(word, "STARTTLS")) offered.starttls = true;
  if (is_keyword(word, "REQUIRETLS")) offered.requiretls = true;
  if (is_keyword(word, "AUTH")) take_mechanisms(line.substr(word_end), offered.auth);
  if (is_keyword(word, "SIZE")) {
    offered.size = true;
    offered.size_limit = parse_limit(line.substr(std::min(word_end + 1, line.size())));
  }
  if (is_keyword(word, "DELIVERBY")) {
    offered.deliver_by = true;
    offered.deliver_by_least = parse_limit(line.substr(std::min(word_end + 1, line.size())));
  }
}

}  // namespace

peer_capabilities parse_capabilities(std::string_view text) {
  peer_capabilities offered;
  std::size_t line_end = text.find('\n');
  while (line_end != std::string_view::npos) {
    text.remove_prefix(line_end + 1);
    line_end = text.find('\n');
    take_line(text.substr(0, line_end), offered);
  }
  return offered;
}

}  // namespace gonets::smtp::detail
