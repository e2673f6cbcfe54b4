// Matches what people wrote into replies: pieces of text that must occur in this order, whatever stands between them.
// No regular expressions: peers write the text, and the time to match must stay bounded.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::shaping {

inline constexpr std::size_t folded_bytes_max = 4096;  // of a reply's text; what is beyond is not looked at

// Lower case (ASCII), and each run of blanks and line breaks one space, so that neither the case nor where a server
// breaks its lines counts.
std::string fold(std::string_view text);

class text_pattern {
 public:
  // "rate*exceeded": pieces with gaps of any length, each '*' a gap. Folded here.
  explicit text_pattern(std::string_view pattern);

  // False for a pattern without any piece: it would match everything.
  bool usable() const { return !pieces_.empty(); }
  // `folded` comes from fold(). Costs one pass over it for each piece; allocates nothing.
  bool matches(std::string_view folded) const;
  const std::string& source() const { return source_; }

 private:
  std::string source_;
  std::vector<std::string> pieces_;
};

}  // namespace gonets::shaping
