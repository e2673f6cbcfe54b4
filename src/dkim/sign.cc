#include "dkim/sign.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ranges>
#include <vector>

#include "dkim/tag_list.h"
#include "message/header_scan.h"

namespace gonets::dkim {
namespace {

struct signed_field {
  std::string_view name;
  bool oversigned;
};
// RFC 6376 5.4.1, and what providers ask for. Trace fields are left out: they are added and removed on the way.
constexpr std::array<signed_field, 30> signed_fields = {{
    {"From", true},
    {"Subject", true},
    {"To", true},
    {"Date", true},
    {"Message-ID", true},
    {"List-Unsubscribe", true},
    {"List-Unsubscribe-Post", true},
    {"Feedback-ID", true},
    {"Sender", false},
    {"Reply-To", false},
    {"Cc", false},
    {"In-Reply-To", false},
    {"References", false},
    {"MIME-Version", false},
    {"Content-Type", false},
    {"Content-Transfer-Encoding", false},
    {"Content-Disposition", false},
    {"Content-ID", false},
    {"Content-Description", false},
    {"Resent-From", false},
    {"Resent-To", false},
    {"Resent-Cc", false},
    {"Resent-Date", false},
    {"Resent-Message-ID", false},
    {"List-ID", false},
    {"List-Help", false},
    {"List-Subscribe", false},
    {"List-Owner", false},
    {"List-Archive", false},
    {"List-Post", false},
}};

constexpr std::size_t line_bytes_max = 76;

// Appends `text` in lines of at most line_bytes_max; `used` is how much of the current line is taken.
void append_folded(std::string& to, std::string_view text, std::size_t used) {
  while (!text.empty()) {
    const auto take = std::min(text.size(), line_bytes_max - used);
    to += text.substr(0, take);
    text.remove_prefix(take);
    if (text.empty()) return;
    to += "\r\n\t";
    used = 1;
  }
}

void append_names(std::string& to, const std::vector<std::string_view>& names) {
  to += "\r\n\th=";
  std::size_t used = 3;
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto more = names[i].size() + 1;
    if (used + more > line_bytes_max) {
      to += "\r\n\t ";
      used = 2;
    }
    to += names[i];
    to += i + 1 < names.size() ? ':' : ';';
    used += more;
  }
}

std::int64_t seconds(wall_time at) {
  return std::chrono::duration_cast<std::chrono::seconds>(at.time_since_epoch()).count();
}

}  // namespace

std::string sign(const private_key& key, const signing& how, std::string_view added_header, std::string_view header,
                 std::string_view body_hash, wall_time now) {
  std::vector<message::field> all;
  for (auto part : {added_header, header}) {
    for (message::field f; message::take_field(part, f);)
      all.push_back(f);
  }
  std::vector<std::string_view> names;
  std::string text;  // what is signed
  for (const auto& wanted : signed_fields) {
    // Of several with one name the last comes first (RFC 6376 5.4.2). It is what detail::append_selected finds by
    // `names`, for which it would search all fields again.
    for (const auto& f : all | std::views::reverse) {
      if (!message::same_field_name(f.name, wanted.name)) continue;
      names.push_back(wanted.name);
      append_field(text, how.header, f.name, f.value);
    }
    if (wanted.oversigned) names.push_back(wanted.name);
  }
  std::string value = fmt::format(" v=1; a={}; c={}/{}; d={};\r\n\ts={}; t={};", to_text(key.kind()),
                                  to_text(how.header), to_text(how.body), how.domain, how.selector, seconds(now));
  if (how.expires_after) value += fmt::format(" x={};", seconds(now) + how.expires_after->count());
  append_names(value, names);
  value += "\r\n\tbh=" + to_base64(body_hash) + ";\r\n\tb=";
  const std::string field = "DKIM-Signature:" + value;
  constexpr std::size_t name_bytes = std::string_view("DKIM-Signature").size();
  append_field(text, how.header, std::string_view(field).substr(0, name_bytes),
               std::string_view(field).substr(name_bytes + 1));
  text.resize(text.size() - 2);  // without the CRLF (RFC 6376 3.7)
  const auto bytes = key.sign(text);
  if (bytes.empty()) return {};
  auto made = field;
  append_folded(made, to_base64(bytes), 3);
  made += "\r\n";
  return made;
}

}  // namespace gonets::dkim
