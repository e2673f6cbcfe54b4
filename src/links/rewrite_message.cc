#include "links/rewrite_message.h"

#include <algorithm>
#include <array>
#include <vector>

#include "links/detail/edits.h"
#include "links/detail/media_type.h"
#include "links/detail/transfer_encoding.h"
#include "message/header_scan.h"

namespace gonets::links {
namespace {

constexpr std::size_t boundary_bytes_max = 70;  // RFC 2046 5.1.1
// Of what is decoded; quoted-printable makes three bytes of one, and line ends.
constexpr std::size_t encoded_bytes_max = 4 * html_bytes_max;

struct entity {
  media_type type;
  transfer_encoding encoding = transfer_encoding::lines;
  std::string_view content;
};

struct entity_fields {
  std::string_view type, encoding, disposition;
  bool has_version = false;
  bool has_twice = false;  // readers differ in which one counts
};

void set_once(std::string_view& to, std::string_view value, bool& has_twice) {
  if (to.data() != nullptr) has_twice = true;
  to = value;
}

// Takes them off the front of `rest`.
entity_fields take_fields(std::string_view& rest) {
  entity_fields fields;
  for (message::field f; message::take_field(rest, f);) {
    const auto is = [&](std::string_view name) { return message::same_field_name(f.name, name); };
    if (is("content-type")) set_once(fields.type, f.value, fields.has_twice);
    if (is("content-transfer-encoding")) set_once(fields.encoding, f.value, fields.has_twice);
    if (is("content-disposition")) set_once(fields.disposition, f.value, fields.has_twice);
    if (is("mime-version")) fields.has_version = true;
  }
  return fields;
}

// Nothing for what stays as it is in any case.
std::optional<entity> entity_of(const entity_fields& fields, std::string_view content) {
  if (fields.has_twice || fields.type.data() == nullptr) return std::nullopt;
  // An unknown disposition means an attachment (RFC 2183 2.8).
  if (fields.disposition.data() != nullptr && first_word(fields.disposition) != "inline") return std::nullopt;
  auto type = parse_media_type(fields.type);
  const auto encoding =
      fields.encoding.data() == nullptr ? transfer_encoding::lines : transfer_encoding_of(first_word(fields.encoding));
  if (!type || !encoding) return std::nullopt;
  return entity{std::move(*type), *encoding, content};
}

std::optional<entity> entity_of_part(std::string_view part) {
  const auto fields = take_fields(part);
  if (part.starts_with('\r')) part.remove_prefix(1);
  if (!part.starts_with('\n')) return std::nullopt;
  return entity_of(fields, part.substr(1));
}

bool has_ascii(std::string_view charset) {
  constexpr std::array<std::string_view, 5> names = {"", "utf-8", "us-ascii", "koi8-r", "koi8-u"};
  return std::find(names.begin(), names.end(), charset) != names.end() || charset.starts_with("iso-8859-") ||
         charset.starts_with("windows-125");
}

enum class delimiter : std::uint8_t { none, opens, closes };

// `line` is without its line end. Blanks may follow (RFC 2046 5.1.1), nothing else: "--abcd" is no delimiter of "abc".
delimiter delimiter_of(std::string_view line, std::string_view boundary) {
  if (!line.starts_with("--") || !line.substr(2).starts_with(boundary)) return delimiter::none;
  line.remove_prefix(2 + boundary.size());
  const bool closes = line.starts_with("--");
  if (closes) line.remove_prefix(2);
  if (line.find_first_not_of(" \t") != line.npos) return delimiter::none;
  return closes ? delimiter::closes : delimiter::opens;
}

std::string_view without_line_end(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  return text;
}

// Calls `visit(part)` for each part: its fields, empty line and content, without the line end that belongs to the
// delimiter after it. What has no end ends with the text. Stops when `visit` returns false.
template <class Visit>
void for_each_part(std::string_view content, std::string_view boundary, Visit&& visit) {
  std::optional<std::size_t> begin;
  for (std::size_t at = 0; at < content.size();) {
    const auto next = std::min(content.find('\n', at), content.size() - 1) + 1;
    const auto found = delimiter_of(without_line_end(content.substr(at, next - at)), boundary);
    if (found != delimiter::none) {
      // Nothing but the delimiter's own line end: no fields, no content.
      if (begin && *begin < at && !visit(without_line_end(content.substr(*begin, at - *begin)))) return;
      begin = next;
    }
    if (found == delimiter::closes) return;
    at = next;
  }
  if (begin) visit(content.substr(*begin));
}

class body_rewriter {
 public:
  body_rewriter(std::string_view body, const html_changes& changes) : body_(body), changes_(changes) {}

  // `depth` is how many multiparts it is in.
  void visit(const entity& e, std::size_t depth) {
    if (e.type.name == "text/html") return rewrite(e);
    if (!e.type.name.starts_with("multipart/") || depth == multipart_depth_max) return;
    if (e.type.name == "multipart/signed" || e.type.name == "multipart/encrypted") return;
    // A multipart is not encoded itself (RFC 2045 6.4).
    if (e.encoding != transfer_encoding::lines && e.encoding != transfer_encoding::binary) return;
    if (e.type.boundary.empty() || e.type.boundary.size() > boundary_bytes_max) return;
    for_each_part(e.content, e.type.boundary, [&](std::string_view part) {
      if (++parts_ > parts_max) return false;
      if (const auto inner = entity_of_part(part)) visit(*inner, depth + 1);
      return true;
    });
  }

  std::optional<std::string> result() const {
    if (edits_.empty()) return std::nullopt;
    return apply_edits(body_, edits_);
  }

 private:
  void rewrite(const entity& e) {
    if (!has_ascii(e.type.charset) || e.content.size() > encoded_bytes_max) return;
    if (++html_parts_ > html_parts_max) return;
    const auto html = decode(e.content, e.encoding);
    if (!html) return;
    const auto changed = rewrite_html(*html, changes_);
    if (!changed) return;
    auto encoded = encode(*changed, e.encoding, e.content);
    if (!encoded) return;
    edits_.push_back(
        {static_cast<std::size_t>(e.content.data() - body_.data()), e.content.size(), std::move(*encoded)});
    changes_.picture.clear();
  }

  std::string_view body_;
  html_changes changes_;
  std::vector<edit> edits_;
  std::size_t parts_ = 0;
  std::size_t html_parts_ = 0;
};

}  // namespace

std::optional<std::string> rewrite_message(std::string_view header, std::string_view body,
                                           const html_changes& changes) {
  const auto fields = take_fields(header);
  if (!fields.has_version) return std::nullopt;
  const auto root = entity_of(fields, body);
  if (!root) return std::nullopt;
  body_rewriter rewriter(body, changes);
  rewriter.visit(*root, 0);
  return rewriter.result();
}

}  // namespace gonets::links
