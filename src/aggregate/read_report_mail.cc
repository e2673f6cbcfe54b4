#include "aggregate/detail/values.h"
#include "aggregate/read_report.h"
#include "message/mime_tree.h"

namespace gonets::aggregate {
namespace {

constexpr std::size_t message_bytes_max = 8u << 20;  // what follows is not looked at
constexpr std::size_t candidates_max = 10;           // attachments that are unpacked

bool is_packed(std::string_view content) {
  return content.starts_with("\x1f\x8b") || content.starts_with("PK\x03\x04");
}

std::string_view begins(std::string_view content) {
  constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
  if (content.starts_with(byte_order_mark)) content.remove_prefix(byte_order_mark.size());
  return detail::trimmed(content.substr(0, 200));
}

// In text that is not packed only what can't be anything else: people's mail has XML and JSON, too.
bool may_be_report(const message::mime_part& part) {
  if (is_packed(part.content)) return true;
  const auto text = begins(part.content);
  const bool by_type =
      part.type == "text/xml" || part.type == "application/xml" || part.type == "application/tlsrpt+json";
  return text.starts_with("<feedback") || (by_type && !text.empty()) ||
         (text.starts_with("<?xml") && part.content.find("<feedback") != std::string::npos) ||
         (text.starts_with('{') && part.content.find("\"policies\"") != std::string::npos);
}

class finder {
 public:
  finder(const report_limits& limits, const unpack_limits& packed) : limits_(limits), packed_(packed) {}

  // Whether one was found.
  bool look(const message::mime_part& in) {
    if (!in.content.empty() && may_be_report(in) && ++tried_ <= candidates_max && read(in.content)) return true;
    for (const auto& inner : in.parts) {
      if (look(inner)) return true;
    }
    return false;
  }

  std::expected<report, no_report> result() && {
    if (found_) return std::move(*found_);
    return std::unexpected(std::move(missing_));
  }

 private:
  bool read(std::string_view content) {
    const auto text = unpack(content, packed_);
    if (!text) return fail(text.error());
    if (begins(*text).starts_with('{')) {
      auto made = read_tls_report(*text, limits_);
      if (!made) return fail(made.error());
      found_ = std::move(*made);
    } else {
      auto made = read_dmarc_report(*text, limits_);
      if (!made) return fail(made.error());
      found_ = std::move(*made);
    }
    return true;
  }

  // What is wrong with the first says most.
  bool fail(std::string why) {
    if (!missing_.is_one) missing_ = {true, std::move(why)};
    return false;
  }

  const report_limits& limits_;
  const unpack_limits& packed_;
  std::optional<report> found_;
  no_report missing_{false, "it has no report with it"};
  std::size_t tried_ = 0;
};

}  // namespace

std::expected<report, no_report> read_report_mail(std::string_view message, const report_limits& limits,
                                                  const unpack_limits& packed) {
  const auto root = message::read_mime(message.substr(0, message_bytes_max), {.content_bytes_max = message_bytes_max});
  finder all(limits, packed);
  all.look(root);
  return std::move(all).result();
}

}  // namespace gonets::aggregate
