// Canonical forms of header fields and bodies (RFC 6376 3.4). Pure.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace gonets::dkim {

enum class canonicalization : std::uint8_t { simple, relaxed };
std::string_view to_text(canonicalization how);  // "relaxed"

// Appends the canonical form of one field, ended by CRLF. `name` and `value` are views into one text, as
// message::take_field gives them: what lies between them (blanks, the colon) belongs to the field in simple form.
void append_field(std::string& to, canonicalization how, std::string_view name, std::string_view value);

// The body in canonical form, part by part. Only CRLF ends a line; parts may end anywhere.
class body_canonicalizer {
 public:
  explicit body_canonicalizer(canonicalization how) : how_(how) {}

  // Appends to `to`, and gives how much of `part` was taken: less than all when many line ends that were held back
  // came to count at once. Then `to` should be emptied, and the rest of `part` given again; the same for finish().
  std::size_t update(std::string_view part, std::string& to);
  bool finish(std::string& to);  // false: call it again

 private:
  std::size_t plain_run(std::string_view text) const;
  bool release(std::string& to);

  canonicalization how_;
  std::size_t held_lines_ = 0;  // CRLFs that count only if a line with content follows
  bool held_blank_ = false;     // relaxed: blanks that count, as one, only if more of the line follows
  bool held_cr_ = false;        // a CR whose LF may be in the next part
  bool has_content_ = false;
};

}  // namespace gonets::dkim
