#include "message/mailbox_list.h"

#include "base/text.h"

namespace gonets::message {
namespace {

constexpr std::size_t mailboxes_max = 100;
constexpr int comment_depth_max = 20;

bool is_atom_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte > ' ' && byte != 127 && std::string_view("()<>[]:;@\\,.\"").find(c) == std::string_view::npos;
}

class reader {
 public:
  explicit reader(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ == text_.size(); }
  std::size_t position() const { return at_; }
  void rewind(std::size_t to) { at_ = to; }

  // Blanks, folds and comments; false when a comment does not end.
  bool skip_blanks() {
    while (!at_end()) {
      const char c = text_[at_];
      if (c == ' ' || c == '\t' || c == '\r' || c == '\n') {
        ++at_;
      } else if (c != '(') {
        return true;
      } else if (!skip_comment()) {
        return false;
      }
    }
    return true;
  }

  bool take(char c) {
    if (!skip_blanks() || at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  // An atom or a quoted string.
  bool take_word(std::string& to) {
    if (!skip_blanks() || at_end()) return false;
    if (text_[at_] == '"') return take_quoted(to);
    return take_atom(to);
  }

  // local-part "@" domain
  bool take_address(std::string& to) {
    if (!take_word(to)) return false;
    while (take('.')) {
      to += '.';
      if (!take_word(to)) return false;
    }
    if (!take('@')) return false;
    to += '@';
    std::string domain;
    if (!take_domain(domain)) return false;
    to += to_lower(domain);
    return true;
  }

 private:
  bool skip_comment() {
    int depth = 0;
    for (; !at_end(); ++at_) {
      const char c = text_[at_];
      if (c == '\\' && ++at_ == text_.size()) return false;
      if (c == '(' && ++depth > comment_depth_max) return false;
      if (c == ')' && --depth == 0) {
        ++at_;
        return true;
      }
    }
    return false;
  }

  bool take_atom(std::string& to) {
    const auto begin = at_;
    while (!at_end() && is_atom_char(text_[at_]))
      ++at_;
    to += text_.substr(begin, at_ - begin);
    return at_ > begin;
  }

  bool take_quoted(std::string& to) {
    const auto begin = at_;
    for (++at_; !at_end(); ++at_) {
      if (text_[at_] == '\\') {
        if (++at_ == text_.size()) return false;
      } else if (text_[at_] == '"') {
        ++at_;
        to += text_.substr(begin, at_ - begin);
        return true;
      }
    }
    return false;
  }

  bool take_domain(std::string& to) {
    if (!skip_blanks()) return false;
    if (!at_end() && text_[at_] == '[') {
      const auto end = text_.find(']', at_);
      if (end == text_.npos) return false;
      to += text_.substr(at_, end + 1 - at_);
      at_ = end + 1;
      return true;
    }
    if (!take_atom(to)) return false;
    while (take('.')) {
      to += '.';
      if (!skip_blanks() || !take_atom(to)) return false;
    }
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

// [display-name] "<" address ">"; the obsolete route is refused, as everything else is.
mailbox_error read_named(reader& from, std::string& address) {
  std::string ignored;
  while (from.take_word(ignored) || from.take('.')) {
  }
  if (from.take(':')) return mailbox_error::group;
  if (!from.take('<') || !from.take_address(address) || !from.take('>')) return mailbox_error::syntax;
  return mailbox_error::empty;
}

}  // namespace

std::expected<std::vector<std::string>, mailbox_error> parse_mailbox_list(std::string_view value) {
  reader from(value);
  std::vector<std::string> found;
  for (;;) {
    if (!from.skip_blanks()) return std::unexpected(mailbox_error::syntax);
    if (from.at_end()) break;
    if (from.take(',')) continue;  // empty elements are obsolete and harmless
    if (found.size() == mailboxes_max) return std::unexpected(mailbox_error::too_many);
    auto& address = found.emplace_back();
    const auto begin = from.position();
    const bool bare = from.take_address(address);
    if (!bare) {
      address.clear();
      from.rewind(begin);
      if (const auto wrong = read_named(from, address); wrong != mailbox_error::empty) return std::unexpected(wrong);
    }
    if (!from.skip_blanks()) return std::unexpected(mailbox_error::syntax);
    if (!from.at_end() && !from.take(',')) return std::unexpected(mailbox_error::syntax);
  }
  if (found.empty()) return std::unexpected(mailbox_error::empty);
  return found;
}

}  // namespace gonets::message
