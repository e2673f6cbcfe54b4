#include "message/mime_tree.h"

#include <gmime/gmime.h>

#include <algorithm>
#include <memory>

#include "message/header_scan.h"
#include "message/utf8.h"

namespace gonets::message {
namespace {

struct unref {
  void operator()(void* object) const { g_object_unref(object); }
};
template <class T>
using owned = std::unique_ptr<T, unref>;

struct release {
  void operator()(void* memory) const { g_free(memory); }
};
using owned_text = std::unique_ptr<char, release>;

std::string lower(const char* text) {
  std::string to = text == nullptr ? "" : text;
  std::transform(to.begin(), to.end(), to.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return to;
}

std::string as_utf8(std::string text, const std::string& charset) {
  const bool plain = charset.empty() || charset == "utf-8" || charset == "utf8" || charset == "us-ascii";
  if (plain && is_valid_utf8(text)) return text;
  // Undeclared bytes are most often of these two; every byte means something in the second.
  for (const char* from : {charset.c_str(), "utf-8", "windows-1252", "iso-8859-1"}) {
    if (*from == '\0') continue;
    gsize written = 0;
    const owned_text converted(
        g_convert(text.data(), static_cast<gssize>(text.size()), "UTF-8", from, nullptr, &written, nullptr));
    if (converted) return {converted.get(), written};
  }
  const owned_text valid(g_utf8_make_valid(text.data(), static_cast<gssize>(text.size())));
  return valid.get();
}

// At the end of a character.
std::string cut(std::string text, std::size_t bytes_max) {
  if (text.size() <= bytes_max) return text;
  while (bytes_max > 0 && (static_cast<unsigned char>(text[bytes_max]) & 0xC0) == 0x80)
    --bytes_max;
  text.resize(bytes_max);
  return text;
}

bool could_be_field(std::string_view line) {
  for (const char c : line) {
    if (c == ':') return true;
    if (c <= ' ' || c == 0x7f) return false;
  }
  return false;
}

// Without the lines that are too many of their kind.
std::string bounded(std::string_view message, const mime_limits& limits) {
  std::string to;
  to.reserve(message.size());
  std::size_t fields = 0, boundaries = 0;
  while (!message.empty()) {
    const std::size_t end = std::min(message.find('\n'), message.size() - 1);
    const auto line = message.substr(0, end + 1);
    message.remove_prefix(end + 1);
    if (line.starts_with("--") && ++boundaries > limits.boundary_lines_max) continue;
    if (could_be_field(line) && ++fields > limits.field_lines_max) continue;
    to += line;
  }
  return to;
}

bool gmime_ready() {
  static const bool ready = (g_mime_init(), true);
  return ready;
}

class tree_reader {
 public:
  explicit tree_reader(const mime_limits& limits) : limits_(limits) {}

  void read(GMimeObject* from, mime_part& to, std::size_t depth) {
    read_fields(g_mime_object_get_header_list(from), to);
    read_content(from, to, depth);
  }

  void read_message(GMimeMessage* from, mime_part& to, std::size_t depth) {
    read_fields(g_mime_object_get_header_list(GMIME_OBJECT(from)), to);
    if (GMimeObject* content = g_mime_message_get_mime_part(from)) {
      read_content(content, to, depth);
    } else {
      to.type = "text/plain";
    }
  }

 private:
  void read_fields(GMimeHeaderList* from, mime_part& to) {
    const int count = std::min(g_mime_header_list_get_count(from), static_cast<int>(limits_.fields_max));
    for (int i = 0; i < count; ++i) {
      GMimeHeader* header = g_mime_header_list_get_header_at(from, i);
      const char* value = g_mime_header_get_value(header);
      const char* name = g_mime_header_get_name(header);
      if (value == nullptr || name == nullptr) continue;
      to.fields.push_back({as_utf8(name, ""), cut(as_utf8(value, ""), limits_.value_bytes_max)});
    }
  }

  void read_content(GMimeObject* from, mime_part& to, std::size_t depth) {
    GMimeContentType* type = g_mime_object_get_content_type(from);
    const owned_text name(g_mime_content_type_get_mime_type(type));
    to.type = lower(name.get());
    to.report_type = lower(g_mime_content_type_get_parameter(type, "report-type"));
    if (const char* file = g_mime_content_type_get_parameter(type, "name")) to.file_name = as_utf8(file, "");
    if (depth >= limits_.depth_max || parts_ >= limits_.parts_max) return;
    if (GMIME_IS_MULTIPART(from)) {
      read_multipart(GMIME_MULTIPART(from), to, depth);
    } else if (GMIME_IS_MESSAGE_PART(from)) {
      ++parts_;
      if (GMimeMessage* inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(from)))
        read_message(inner, to.parts.emplace_back(), depth + 1);
    } else if (GMIME_IS_PART(from) && (is_text(to.type) || limits_.content_bytes_max > 0)) {
      auto bytes = bytes_of(GMIME_PART(from));
      if (is_text(to.type))
        to.text =
            cut(as_utf8(bytes, lower(g_mime_content_type_get_parameter(type, "charset"))), limits_.text_bytes_max);
      if (bytes.size() <= limits_.content_bytes_max) to.content = std::move(bytes);
    }
  }

  void read_multipart(GMimeMultipart* from, mime_part& to, std::size_t depth) {
    for (int i = 0; i < g_mime_multipart_get_count(from) && parts_ < limits_.parts_max; ++i) {
      ++parts_;
      read(g_mime_multipart_get_part(from, i), to.parts.emplace_back(), depth + 1);
    }
    // A multipart without its boundary is a text that someone mislabelled.
    if (to.parts.empty()) {
      if (const char* prologue = g_mime_multipart_get_prologue(from))
        to.text = cut(as_utf8(prologue, ""), limits_.text_bytes_max);
    }
  }

  static bool is_text(const std::string& type) {
    return type.starts_with("text/") || type.starts_with("message/") || type == "application/octet-stream";
  }

  static std::string bytes_of(GMimePart* from) {
    GMimeDataWrapper* content = g_mime_part_get_content(from);
    if (content == nullptr) return {};
    const owned<GMimeStream> memory(g_mime_stream_mem_new());
    g_mime_data_wrapper_write_to_stream(content, memory.get());
    const GByteArray* bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory.get()));
    if (bytes == nullptr || bytes->data == nullptr) return {};
    return {reinterpret_cast<const char*>(bytes->data), bytes->len};
  }

  const mime_limits& limits_;
  std::size_t parts_ = 0;
};

}  // namespace

std::string_view mime_part::field(std::string_view name) const {
  const auto found =
      std::find_if(fields.begin(), fields.end(), [&](const mime_field& f) { return same_field_name(f.name, name); });
  return found == fields.end() ? std::string_view() : std::string_view(found->value);
}

std::string decoded_field(std::string_view value, std::size_t bytes_max) {
  constexpr std::size_t encoded_bytes_max = 8192;  // what is beyond is not looked at
  if (value.empty() || !gmime_ready()) return "";
  std::string folded(value.substr(0, encoded_bytes_max));
  std::erase(folded, '\0');
  const owned_text unfolded(g_mime_utils_header_unfold(folded.c_str()));
  const owned_text decoded(g_mime_utils_header_decode_text(nullptr, unfolded.get()));
  return decoded ? cut(as_utf8(decoded.get(), ""), bytes_max) : std::string();
}

mime_part read_mime(std::string_view message, const mime_limits& limits) {
  mime_part root;
  if (!gmime_ready() || message.empty()) return root;
  const std::string safe = bounded(message, limits);
  const owned<GMimeStream> stream(g_mime_stream_mem_new_with_buffer(safe.data(), safe.size()));
  const owned<GMimeParser> parser(g_mime_parser_new_with_stream(stream.get()));
  const owned<GMimeMessage> parsed(g_mime_parser_construct_message(parser.get(), nullptr));
  if (parsed) tree_reader(limits).read_message(parsed.get(), root, 0);
  return root;
}

}  // namespace gonets::message
