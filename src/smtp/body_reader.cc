#include "smtp/body_reader.h"

#if defined(__SSE2__)
#include <emmintrin.h>

#include <bit>
#endif

namespace gonets::smtp {
namespace {

bool is_special(char c) {
  return c == '\r' || c == '\n' || c == '\0';
}

// The first CR, LF or NUL of [p, end), or `end`. Sets `eight_bit` if an octet over 127 stands before it. This is the
// loop that touches every octet of every message.
const char* find_special(const char* p, const char* end, bool& eight_bit) {
#if defined(__SSE2__)
  const __m128i cr = _mm_set1_epi8('\r');
  const __m128i lf = _mm_set1_epi8('\n');
  const __m128i nul = _mm_setzero_si128();
  for (; end - p >= 16; p += 16) {
    const __m128i block = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
    const __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(block, cr), _mm_cmpeq_epi8(block, lf));
    const auto found = static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(ends, _mm_cmpeq_epi8(block, nul))));
    const auto high = static_cast<unsigned>(_mm_movemask_epi8(block));
    if (found != 0) {
      const auto before = std::countr_zero(found);
      eight_bit = eight_bit || (high & ((1u << before) - 1)) != 0;
      return p + before;
    }
    eight_bit = eight_bit || high != 0;
  }
#endif
  for (; p != end && !is_special(*p); ++p)
    eight_bit = eight_bit || (static_cast<unsigned char>(*p) & 0x80) != 0;
  return p;
}

}  // namespace

void body_reader::start(framing how, newline_policy newlines, std::size_t line_bytes_max,
                        std::uint64_t message_bytes_max) {
  *this = body_reader{};
  framing_ = how;
  newlines_ = newlines;
  line_bytes_max_ = line_bytes_max;
  message_bytes_max_ = message_bytes_max;
}

bool body_reader::consume(std::string_view& in, std::string& to) {
  while (!in.empty()) {
    if (step(in, to)) return true;
  }
  return false;
}

void body_reader::finish(std::string& to) {
  if (at_ == at::cr) bare(body_fault::bare_cr, to);
}

bool body_reader::step(std::string_view& in, std::string& to) {
  const char c = in.front();
  switch (at_) {
    case at::line_start:
      if (framing_ == framing::dot && c == '.') {
        in.remove_prefix(1);
        at_ = at::dot;
      } else {
        at_ = at::text;
      }
      return false;
    case at::text:
      take_text(in, to);
      return false;
    case at::cr:
      if (c != '\n') {
        bare(body_fault::bare_cr, to);
        return false;
      }
      in.remove_prefix(1);
      end_line(to);
      at_ = at::line_start;
      return false;
    case at::dot:
      // Whatever follows, the dot was the client's stuffing or its end of data: it is not text.
      if (c == '\r') in.remove_prefix(1);
      at_ = c == '\r' ? at::dot_cr : at::text;
      return false;
    case at::dot_cr:
      if (c != '\n') {
        at_ = at::cr;
        return false;
      }
      in.remove_prefix(1);
      return true;
  }
  return false;
}

// Takes text up to what another state must judge. Runs of whole lines are appended at once.
void body_reader::take_text(std::string_view& in, std::string& to) {
  const char* const end = in.data() + in.size();
  const char* run = in.data();
  const char* p = run;
  const auto text = [&](const char* until) { return std::string_view(run, static_cast<std::size_t>(until - run)); };
  const auto leave = [&](const char* until, const char* next, at state) {
    put(text(until), to);
    in.remove_prefix(static_cast<std::size_t>(next - in.data()));
    at_ = state;
  };
  note_line_start(*run);
  for (;;) {
    p = find_special(p, end, eight_bit_);
    measure(text(p).size());
    if (p == end) return leave(end, end, at::text);
    if (*p == '\0') {
      blame(body_fault::nul);
      ++p;
    } else if (*p == '\n') {
      put(text(p), to);
      bare(body_fault::bare_lf, to);
      run = ++p;
      if (run != end) note_line_start(*run);
    } else if (p + 1 == end || p[1] != '\n') {
      return leave(p, p + 1, at::cr);
    } else {
      p += 2;
      ++line_;
      line_begin_ = bytes_ + text(p).size();
      if (p == end || *p == '.') return leave(p, p, at::line_start);
    }
  }
}

void body_reader::end_line(std::string& to) {
  put("\r\n", to);
  ++line_;
  line_begin_ = bytes_;
}

// A CR or LF by itself. On the wire no line has ended, so that a dot after it is text and no end of data.
void body_reader::bare(body_fault what, std::string& to) {
  at_ = at::text;
  if (newlines_ == newline_policy::refuse) return blame(what);
  put("\r\n", to);
  line_begin_ = bytes_;
}

void body_reader::note_line_start(char c) {
  leading_dot_ = leading_dot_ || (c == '.' && bytes_ == line_begin_);
}

void body_reader::put(std::string_view text, std::string& to) {
  bytes_ += text.size();
  if (bytes_ > message_bytes_max_) blame(body_fault::too_large);
  if (fault_ == body_fault::none) to += text;
}

// `text_bytes` are about to follow, without a line end. When both limits are crossed, the one that was crossed first is
// to blame, so that the reply does not depend on how the bytes were cut into reads.
void body_reader::measure(std::uint64_t text_bytes) {
  const auto end = bytes_ + text_bytes;
  const auto line_limit = line_begin_ + line_bytes_max_;
  const bool too_large = end > message_bytes_max_;
  const bool too_long = end > line_limit;
  if (too_long && (!too_large || line_limit <= message_bytes_max_)) return blame(body_fault::line_too_long);
  if (too_large) blame(body_fault::too_large);
}

void body_reader::blame(body_fault what) {
  if (fault_ != body_fault::none) return;
  fault_ = what;
  fault_line_ = line_;
}

}  // namespace gonets::smtp
