#include "bounce/normalise.h"

#include <algorithm>
#include <array>
#include <cstdint>

namespace gonets::bounce {
namespace {

// The letters of U+00C0 to U+017F without their marks; '?' is none.
constexpr std::string_view latin =
    "aaaaaaaceeeeiiiidnooooo?ouuuuytsaaaaaaaceeeeiiiidnooooo?ouuuuyty"
    "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllllllln"
    "nnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
static_assert(latin.size() == 0x180 - 0xC0);

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

// What ends a token whatever it is.
constexpr std::array<bool, 256> make_separators() {
  std::array<bool, 256> is{};
  for (int c = 0; c <= ' '; ++c)
    is[static_cast<std::size_t>(c)] = true;
  for (const char c : std::string_view("<>()[]{}\"',;|*`!?~^"))
    is[static_cast<unsigned char>(c)] = true;
  is[0x7f] = true;
  return is;
}
constexpr auto separates = make_separators();

struct code_point {
  std::uint32_t value;
  std::size_t bytes;  // 0: none begins here
};
code_point decode(std::string_view s) {
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(s[i]); };
  const auto tail = [&](std::size_t i) { return i < s.size() && (at(i) & 0xC0) == 0x80; };
  const unsigned lead = at(0);
  if (lead >= 0xC2 && lead < 0xE0 && tail(1)) return {(lead & 0x1Fu) << 6 | (at(1) & 0x3Fu), 2};
  if (lead >= 0xE0 && lead < 0xF0 && tail(1) && tail(2)) {
    return {(lead & 0x0Fu) << 12 | (at(1) & 0x3Fu) << 6 | (at(2) & 0x3Fu), 3};
  }
  if (lead >= 0xF0 && lead < 0xF5 && tail(1) && tail(2) && tail(3)) {
    return {(lead & 0x07u) << 18 | (at(1) & 0x3Fu) << 12 | (at(2) & 0x3Fu) << 6 | (at(3) & 0x3Fu), 4};
  }
  return {0, 0};
}

bool is_word_by_itself(std::uint32_t c) {
  return (c >= 0x3040 && c <= 0x9FFF) || (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
         (c >= 0xFF66 && c <= 0xFF9F) || c >= 0x20000;
}
bool is_mark(std::uint32_t c) {
  return (c >= 0x80 && c < 0xC0 && c != 0xAA && c != 0xBA) || (c >= 0x2000 && c <= 0x2BFF) ||
         (c >= 0x3000 && c <= 0x303F) || (c >= 0xFE00 && c <= 0xFE6F) || c == 0xFEFF || c == 0xFFFD;
}

class writer {
 public:
  writer(const word_set& kept, std::string& to) : kept_(kept), to_(to) { to_.assign(1, ' '); }

  void run(std::string_view text) {
    while (!text.empty() && to_.size() < normalised_bytes_max) {
      if (separates[static_cast<unsigned char>(text.front())]) {
        if (text.front() == '\'') {
          apostrophe();
        } else {
          end_word();
        }
        text.remove_prefix(1);
        continue;
      }
      std::size_t size = 1;
      while (size < text.size() && !separates[static_cast<unsigned char>(text[size])])
        ++size;
      // What separates words may stand in a URL.
      if (text.substr(0, size).find("://") != std::string_view::npos)
        size = std::min(text.find_first_of(" \t\r\n<>\"'", size), text.size());
      token(text.substr(0, size));
      text.remove_prefix(size);
    }
    end_word();
  }

 private:
  void end_word() {
    if (to_.back() != ' ') to_.push_back(' ');
  }
  // "Doesn't" is one word, "l'adresse" and "dell'utente" are two.
  void apostrophe() {
    for (const std::string_view article :
         {" l", " d", " n", " s", " j", " qu", " dell", " nell", " sull", " all", " un"}) {
      if (to_.ends_with(article)) return end_word();
    }
  }
  void word(std::string_view w) {
    end_word();
    to_.append(w);
    to_.push_back(' ');
  }

  void token(std::string_view t) {
    if (const auto scheme = t.find("://"); scheme != std::string_view::npos) {
      words(t.substr(0, t.find_last_of(":=", scheme == 0 ? 0 : scheme - 1) + 1));
      return name("_url", host_of_url(t.substr(scheme + 3)));
    }
    if (t.starts_with("www.")) return name("_url", host_of_url(t));
    if (const auto at = t.find('@'); at != std::string_view::npos && at + 1 < t.size()) return address(t);
    if (t.find('.') != std::string_view::npos) {
      const auto colon = t.find_first_of(":=/");
      if (colon != std::string_view::npos && colon + 1 < t.size()) {
        token(t.substr(0, colon));
        end_word();
        return token(t.substr(colon + 1));
      }
      if (is_code(t)) return;
      while (t.ends_with('.') || t.ends_with(':'))
        t.remove_suffix(1);
      if (is_ip(t)) return word("_ip");
      if (is_host(t)) return name("_host", t);
    } else if (is_code(t)) {
      return;
    }
    words(t);
  }

  void address(std::string_view t) {
    // "RCPT TO:<a@b>" has lost its brackets already; what stands before a colon is no part of the address.
    const auto colon = t.find_last_of(":=", t.find('@'));
    if (colon != std::string_view::npos) words(t.substr(0, colon));
    word("_addr");
  }

  static std::string_view host_of_url(std::string_view url) { return url.substr(0, url.find_first_of("/:?#")); }

  void name(std::string_view mask, std::string_view host) {
    word(mask);
    while (!host.empty()) {
      const std::size_t dot = std::min(host.find('.'), host.size());
      label_.assign(host.substr(0, dot));
      std::transform(label_.begin(), label_.end(), label_.begin(), lower);
      if (kept_.contains(label_)) word(label_);
      host.remove_prefix(std::min(dot + 1, host.size()));
    }
  }

  // "550", "550-5.7.1", "5.7.1", "#5.1.1", "550-".
  static bool is_code(std::string_view t) {
    while (!t.empty() && (t.front() == '#' || t.front() == '-' || t.front() == ':'))
      t.remove_prefix(1);
    while (!t.empty() && !is_digit(t.back()))
      if (is_letter(t.back()) || (t.back() & 0x80))
        return false;
      else
        t.remove_suffix(1);
    if (t.size() < 3 || (t.front() != '4' && t.front() != '5' && t.front() != '2')) return false;
    std::size_t digits = 0, dots = 0;
    for (const char c : t) {
      if (is_digit(c))
        ++digits;
      else if (c == '.')
        ++dots;
      else if (c != '-' && c != '#')
        return false;
    }
    return dots == 2 || (dots == 0 && digits == 3);
  }

  static bool is_ip(std::string_view t) {
    std::size_t dots = 0;
    for (const char c : t) {
      if (c == '.')
        ++dots;
      else if (!is_digit(c))
        return false;
    }
    return dots == 3;
  }

  // Letters in one case: "RESOLVER.ADR.RecipientNotFound" and "unknown.Please" are words.
  static bool is_host(std::string_view t) {
    bool small = false, capital = false, letter = false;
    std::size_t label = 0, dots = 0;
    for (const char c : t) {
      if (c == '.') {
        if (label == 0) return false;
        label = 0;
        ++dots;
        continue;
      }
      if (!is_letter(c) && !is_digit(c) && c != '-' && c != '_') return false;
      ++label;
      small |= c >= 'a' && c <= 'z';
      capital |= c >= 'A' && c <= 'Z';
      letter |= is_letter(c);
    }
    return dots > 0 && label > 1 && letter && !(small && capital && dots == 1) && (!capital || !small || dots > 2);
  }

  void words(std::string_view t) {
    while (!t.empty()) {
      const char c = t.front();
      if (static_cast<unsigned char>(c) < 0x80) {
        t.remove_prefix(1);
        ascii(c, t);
        continue;
      }
      const auto [value, bytes] = decode(t);
      if (bytes == 0) {
        end_word();
        t.remove_prefix(1);
        continue;
      }
      other(value, t.substr(0, bytes));
      t.remove_prefix(bytes);
    }
  }

  void ascii(char c, std::string_view& rest) {
    if (is_letter(c) || is_digit(c)) return to_.push_back(lower(c));
    const bool first = to_.back() == ' ';
    // A mask by its name, in a vocabulary.
    if (c == '_' && first && (rest == "addr" || rest == "ip" || rest == "url" || rest == "host"))
      return to_.push_back(c);
    // "\n" as two characters, which loggers write.
    if (c == '\\' && !rest.empty() && (rest.front() == 'n' || rest.front() == 'r')) rest.remove_prefix(1);
    if (c == '-' && !first && to_.ends_with(" e") && rest.size() >= 4 && lower(rest.front()) == 'm') return;
    end_word();
  }

  void other(std::uint32_t c, std::string_view bytes) {
    if (c >= 0xC0 && c < 0x180) {
      const char folded = latin[c - 0xC0];
      if (folded == '?') return end_word();
      to_.push_back(folded);
      if (c == 0xDF) to_.push_back('s');
      if (c == 0xC6 || c == 0xE6 || c == 0x152 || c == 0x153) to_.push_back('e');
      return;
    }
    if (c >= 0x400 && c < 0x460) return cyrillic(c);
    if (c == 0x2019) return apostrophe();
    if (c >= 0x300 && c < 0x370) return;  // an accent by itself
    if (c >= 0xFF01 && c <= 0xFF5E) {
      std::string_view none;
      return ascii(static_cast<char>(c - 0xFEE0), none);
    }
    if (is_mark(c)) return end_word();
    if (is_word_by_itself(c)) return word(bytes);
    to_.append(bytes);
  }

  void cyrillic(std::uint32_t c) {
    if (c < 0x410)
      c = c == 0x401 ? 0x435 : c + 80;  // Ѐ to Џ
    else if (c < 0x430)
      c += 32;
    if (c == 0x451) c = 0x435;  // ё
    to_.push_back(static_cast<char>(0xC0 | c >> 6));
    to_.push_back(static_cast<char>(0x80 | (c & 0x3F)));
  }

  const word_set& kept_;
  std::string& to_;
  std::string label_;
};

}  // namespace

void normalise(std::string_view text, const word_set& kept, std::string& to) {
  writer(kept, to).run(text.substr(0, normalised_bytes_max));
}

}  // namespace gonets::bounce
