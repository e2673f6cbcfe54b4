// The text of SPF records: terms (RFC 7208 4.6.1, 5, 6) and macros (7).
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/network.h"
#include "base/text.h"
#include "domain_check/spf.h"

namespace gonets::domain_check {

std::vector<std::string> spf_records(const answer& txt) {
  std::vector<std::string> found;
  for (const auto& value : txt.values) {
    const auto version = to_lower(std::string_view(value).substr(0, 6));
    if (version == "v=spf1" && (value.size() == 6 || value[6] == ' ')) found.push_back(value);
  }
  return found;
}

namespace detail {
namespace {

constexpr std::size_t terms_max = 200;

bool read_number(std::string_view text, unsigned max, unsigned& to) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), to);
  return error == std::errc() && end == text.data() + text.size() && to <= max;
}

// "/24", "/24//64", "//64" at the end of a, mx and their domain.
bool take_prefixes(spf_term& term) {
  if (const auto at = term.value.find("//"); at != term.value.npos) {
    if (!read_number(std::string_view(term.value).substr(at + 2), 128, term.prefix6)) return false;
    term.value.erase(at);
  }
  const auto at = term.value.rfind('/');
  // A slash within a macro is a delimiter of it.
  if (at == term.value.npos || term.value.find('}', at) != term.value.npos) return true;
  if (!read_number(std::string_view(term.value).substr(at + 1), 32, term.prefix4)) return false;
  term.value.erase(at);
  return true;
}

bool is_network(const spf_term& term) {
  const auto address = parse_address(std::string_view(term.value).substr(0, term.value.find('/')));
  if (!address || is_ipv4(*address) != (term.name == "ip4")) return false;
  unsigned bits = 0;
  const auto slash = term.value.find('/');
  return slash == term.value.npos ||
         read_number(std::string_view(term.value).substr(slash + 1), term.name == "ip4" ? 32 : 128, bits);
}

bool check_mechanism(spf_term& term, bool has_value) {
  if (term.name == "all") return !has_value;
  if (term.name == "ip4" || term.name == "ip6") return is_network(term);
  if (term.name == "include" || term.name == "exists") return !term.value.empty();
  if (term.name == "ptr") return !has_value || !term.value.empty();
  return (term.name == "a" || term.name == "mx") && take_prefixes(term);
}

bool parse_term(std::string_view text, spf_term& term) {
  const auto mark = text.find_first_of("=:/");
  if (mark != text.npos && text[mark] == '=') {
    term.modifier = true;
    term.name = to_lower(text.substr(0, mark));
    term.value = text.substr(mark + 1);
    return !term.name.empty() && !(term.name == "redirect" && term.value.empty());
  }
  if (std::string_view("+-~?").find(text.front()) != std::string_view::npos) {
    term.qualifier = text.front();
    text.remove_prefix(1);
  }
  const auto end = std::min(text.find_first_of(":/"), text.size());
  term.name = to_lower(text.substr(0, end));
  const bool has_value = end < text.size();
  if (has_value) term.value = text.substr(text[end] == ':' ? end + 1 : end);
  return check_mechanism(term, has_value);
}

std::string_view letter_value(char letter, const spf_macros& with, std::string& own) {
  const auto at = with.sender.rfind('@');
  switch (letter) {
    case 's':
      return with.sender;
    case 'l':
      return at == with.sender.npos ? std::string_view("postmaster") : with.sender.substr(0, at);
    case 'o':
      return at == with.sender.npos ? with.sender : with.sender.substr(at + 1);
    case 'd':
      return with.domain;
    case 'h':
      return with.helo;
    case 'p':
      return "unknown";
    case 'v': {
      const auto bytes = parse_address(with.address);
      return bytes && is_ipv4(*bytes) ? "in-addr" : "ip6";
    }
    case 'i': {
      const auto bytes = parse_address(with.address);
      if (bytes && is_ipv4(*bytes)) return with.address;
      // The nibbles of an IPv6 address, in order.
      auto reversed = reverse_name(with.address);
      reversed.resize(std::min(reversed.size(), std::size_t{63}));
      own.assign(reversed.rbegin(), reversed.rend());
      return own;
    }
    default:
      return {};
  }
}

// What stands between the braces: letter, digits, "r", delimiters.
bool expand_one(std::string_view inside, const spf_macros& with, std::string& to) {
  if (inside.empty()) return false;
  const char letter = to_lower(inside.substr(0, 1)).front();
  if (std::string_view("slodiphv").find(letter) == std::string_view::npos) return false;
  std::string own;
  const std::string text(letter_value(letter, with, own));
  inside.remove_prefix(1);
  const auto digits = std::min(inside.find_first_not_of("0123456789"), inside.size());
  unsigned keep = 128;
  if (digits > 0 && (!read_number(inside.substr(0, digits), 1'000'000, keep) || keep == 0)) return false;
  inside.remove_prefix(digits);
  const bool reverse = !inside.empty() && (inside.front() == 'r' || inside.front() == 'R');
  if (reverse) inside.remove_prefix(1);
  if (inside.find_first_not_of(".-+,/_=") != inside.npos) return false;
  const std::string_view delimiters = inside.empty() ? "." : inside;
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (delimiters.find(c) == delimiters.npos) {
      parts.back() += c;
    } else {
      parts.emplace_back();
    }
  }
  if (reverse) std::ranges::reverse(parts);
  if (parts.size() > keep) parts.erase(parts.begin(), parts.end() - keep);
  to += fmt::format("{}", fmt::join(parts, "."));
  return true;
}

}  // namespace

bool parse_spf(std::string_view record, std::vector<spf_term>& to, std::string& wrong) {
  record.remove_prefix(std::min<std::size_t>(6, record.size()));  // v=spf1
  while (!record.empty()) {
    const auto begin = std::min(record.find_first_not_of(' '), record.size());
    record.remove_prefix(begin);
    const auto end = std::min(record.find(' '), record.size());
    if (end == 0) break;
    const auto text = record.substr(0, end);
    record.remove_prefix(end);
    spf_term term;
    if (to.size() == terms_max || !parse_term(text, term)) {
      wrong = text.substr(0, 80);
      return false;
    }
    to.push_back(std::move(term));
  }
  return true;
}

bool expand_spf(std::string_view text, const spf_macros& with, std::string& to) {
  while (!text.empty()) {
    const auto mark = std::min(text.find('%'), text.size());
    to += text.substr(0, mark);
    text.remove_prefix(mark);
    if (text.empty()) break;
    if (text.size() < 2) return false;
    const char next = text[1];
    if (next == '{') {
      const auto end = text.find('}');
      if (end == text.npos || !expand_one(text.substr(2, end - 2), with, to)) return false;
      text.remove_prefix(end + 1);
      continue;
    }
    if (next != '%' && next != '_' && next != '-') return false;
    to += next == '%' ? "%" : next == '_' ? " " : "%20";
    text.remove_prefix(2);
  }
  // What is too long loses labels at its left (RFC 7208 7.3).
  while (to.size() > 253 && to.find('.') != to.npos)
    to.erase(0, to.find('.') + 1);
  return true;
}

std::string reverse_name(std::string_view address) {
  const auto bytes = parse_address(address);
  if (!bytes) return {};
  if (is_ipv4(*bytes))
    return fmt::format("{}.{}.{}.{}.in-addr.arpa", (*bytes)[15], (*bytes)[14], (*bytes)[13], (*bytes)[12]);
  std::string name;
  for (std::size_t i = bytes->size(); i-- > 0;)
    name += fmt::format("{:x}.{:x}.", (*bytes)[i] & 15, (*bytes)[i] >> 4);
  return name + "ip6.arpa";
}

}  // namespace detail
}  // namespace gonets::domain_check
