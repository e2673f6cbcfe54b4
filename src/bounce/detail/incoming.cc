#include "bounce/detail/incoming.h"

#include <algorithm>
#include <array>
#include <queue>

#include "bounce/detail/phrases.h"
#include "bounce/detail/texts.h"

namespace gonets::bounce::detail {
namespace {
using message::mime_part;

constexpr std::size_t fields_of_group_max = 60;
constexpr std::size_t value_bytes_max = 8192;

// The lines that people and programs put before a copy of what they return. Lower case.
constexpr std::array original_marks{"below this line is a copy of the message",
                                    "this is a copy of the message",
                                    "this is a copy of your message",
                                    "original message follows",
                                    "original message ---",
                                    "original message header",
                                    "message header follows",
                                    "message headers follow",
                                    "headers of the original",
                                    "header of the original",
                                    "unsent message below",
                                    "unsent message follows",
                                    "undelivered message follows",
                                    "the original message was attached",
                                    "message follows",
                                    "returned message follows",
                                    "original headers",
                                    "copy of the original message",
                                    "the following is the message",
                                    "----- original message",
                                    "here is a copy of the first part",
                                    "start of the undelivered",
                                    "text of original message",
                                    "message text follows",
                                    "исходное сообщение",
                                    "копия письма",
                                    "оригинал письма",
                                    "заголовки исходного",
                                    "ursprungliche nachricht",
                                    "ursprüngliche nachricht",
                                    "originalnachricht",
                                    "message d'origine",
                                    "message original",
                                    "mensaje original",
                                    "mensagem original",
                                    "messaggio originale",
                                    "oryginalna wiadomość",
                                    "元のメッセージ",
                                    "原邮件内容",
                                    "原始邮件内容",
                                    "the header of",
                                    "original mail as follows",
                                    "your original message"};

bool begins_original(std::string_view line) {
  const auto text = trim(line);
  if (text.size() > 160) return false;
  // A header that was put there without a word.
  if (starts_ci(text, "received: from ") || starts_ci(text, "received: by ") || starts_ci(text, "return-path:"))
    return true;
  return std::any_of(original_marks.begin(), original_marks.end(),
                     [&](const char* mark) { return contains_ci(text, mark); });
}

report_part kind_of(const mime_part& part) {
  if (part.type == "message/delivery-status" || part.type == "message/global-delivery-status")
    return report_part::delivery_status;
  if (part.type == "message/feedback-report") return report_part::feedback;
  if (part.type == "message/disposition-notification" || part.type == "message/global-disposition-notification")
    return report_part::disposition;
  // The type is wrong, the content is not.
  const bool plain = part.type == "text/plain" || part.type == "application/octet-stream" ||
                     part.type.starts_with("message/") || part.type == "text/rfc822-headers";
  if (plain && !part.text.empty()) {
    const auto has = [&](std::string_view name) {
      return starts_ci(part.text, name) || contains_ci(part.text, "\n" + std::string(name));
    };
    if ((has("final-recipient:") || has("original-recipient:")) &&
        (has("action:") || has("status:") || has("diagnostic-code:")) &&
        (has("reporting-mta:") || starts_ci(trim(part.text), "final-recipient:")))
      return report_part::delivery_status;
    if (has("feedback-type:") && has("user-agent:")) return report_part::feedback;
    if (has("disposition:") && has("final-recipient:") && has("reporting-ua:")) return report_part::disposition;
  }
  return report_part::none;
}

struct found_report {
  const mime_part* header = nullptr;
  const mime_part* container = nullptr;
  const mime_part* part = nullptr;
  report_part is = report_part::none;
};

// The outermost: what is in the original that a report returns is not its own. Breadth first.
found_report find_report(const mime_part& root) {
  struct place {
    const mime_part* header;
    const mime_part* container;
    const mime_part* part;
  };
  std::queue<place> open;
  open.push({&root, &root, &root});
  while (!open.empty()) {
    const place at = open.front();
    open.pop();
    if (const auto is = kind_of(*at.part); is != report_part::none) return {at.header, at.container, at.part, is};
    const bool is_message = at.part->type == "message/rfc822" || at.part->type == "message/global";
    for (const mime_part& inner : at.part->parts)
      open.push({is_message ? &inner : at.header, is_message ? &inner : at.part, &inner});
  }
  return {&root, &root, nullptr, report_part::none};
}

class collector {
 public:
  explicit collector(incoming& to) : to_(to) {}

  void walk(const mime_part& part) {
    if (&part == to_.machine) return;
    if (part.type == "message/rfc822" || part.type == "message/global" || part.type == "message/partial") {
      if (to_.original == nullptr && !part.parts.empty()) to_.original = &part.parts.front();
      return;
    }
    if (part.type == "text/rfc822-headers" || part.type == "message/rfc822-headers" ||
        part.type == "message/global-headers") {
      if (to_.original_header.empty()) to_.original_header = part.text;
      return;
    }
    if (part.type == "multipart/alternative") return walk_alternative(part);
    for (const mime_part& inner : part.parts)
      walk(inner);
    if (part.type == "text/html")
      add(html_to_text(part.text));
    else if (part.type.starts_with("text/") || part.type.starts_with("multipart/"))
      add(part.text);
  }

 private:
  // The same twice is once too much; the plain one says it more simply.
  void walk_alternative(const mime_part& of) {
    const auto plain = std::find_if(of.parts.begin(), of.parts.end(), [](const mime_part& p) {
      return p.type == "text/plain" && trim(p.text).size() > 20;
    });
    for (const mime_part& inner : of.parts) {
      if (plain == of.parts.end() || &inner == &*plain || inner.type != "text/html") walk(inner);
    }
  }

  void add(std::string_view text) {
    if (text.empty()) return;
    if (!to_.text.empty()) to_.text += '\n';
    to_.text += text;
  }
  incoming& to_;
};

// Moves what follows the mark of a copy out of the text.
void split_copy(incoming& of) {
  std::size_t at = 0;
  while (at < of.text.size()) {
    const std::size_t end = std::min(of.text.find('\n', at), of.text.size());
    const auto line = std::string_view(of.text).substr(at, end - at);
    // At the very start there is nothing yet that could have been said.
    if (at > 0 && begins_original(line)) {
      of.inline_copy = of.text.substr(at);
      of.text.resize(at);
      return;
    }
    at = end + 1;
  }
}

}  // namespace

std::vector<field_group> read_groups(std::string_view text, std::size_t groups_max) {
  std::vector<field_group> groups(1);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (trim(line).empty()) {
      if (groups.back().empty()) continue;
      if (groups.size() == groups_max) break;
      groups.emplace_back();
      continue;
    }
    field_group& group = groups.back();
    const auto colon = line.find(':');
    const bool blank = line.front() == ' ' || line.front() == '\t';
    const auto name = trim(line.substr(0, colon));
    const bool is_field = !blank && colon != std::string_view::npos && !name.empty() && name.size() <= 60 &&
                          name.find_first_of(" \t<>@;\"") == std::string_view::npos;
    if (is_field && group.size() < fields_of_group_max) {
      text_field f{std::string(name), std::string(trim(line.substr(colon + 1)))};
      std::transform(f.name.begin(), f.name.end(), f.name.begin(),
                     [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
      if (f.value.size() > value_bytes_max) f.value.resize(value_bytes_max);
      group.push_back(std::move(f));
    } else if (!group.empty() && group.back().value.size() + line.size() < value_bytes_max) {
      group.back().value += ' ';
      group.back().value += trim(line);
    }
  }
  if (groups.back().empty()) groups.pop_back();
  return groups;
}

std::string_view find_field(const field_group& in, std::string_view name) {
  const auto found = std::find_if(in.begin(), in.end(), [&](const text_field& f) { return f.name == name; });
  return found == in.end() ? std::string_view() : std::string_view(found->value);
}

std::string html_to_text(std::string_view html) {
  std::string to;
  std::string_view skip;  // the end tag of what is no text
  while (!html.empty()) {
    const char c = html.front();
    if (c == '<') {
      const auto end = html.find('>');
      if (end == std::string_view::npos) break;
      const auto tag = html.substr(1, end - 1);
      if (skip.empty()) {
        if (starts_ci(tag, "style"))
          skip = "/style";
        else if (starts_ci(tag, "script"))
          skip = "/script";
        else if (starts_ci(tag, "br") || starts_ci(tag, "p") || starts_ci(tag, "/p") || starts_ci(tag, "div") ||
                 starts_ci(tag, "/div") || starts_ci(tag, "tr") || starts_ci(tag, "li") || starts_ci(tag, "/h") ||
                 starts_ci(tag, "h1") || starts_ci(tag, "pre"))
          to.push_back('\n');
        else if (starts_ci(tag, "td") || starts_ci(tag, "/td") || starts_ci(tag, "th"))
          to.push_back(' ');
        // Not escaped, though it should have been: an address.
        else if (tag.find('@') != std::string_view::npos && tag.find_first_of(" =") == std::string_view::npos)
          to.append(html.substr(0, end + 1));
      } else if (starts_ci(tag, skip)) {
        skip = {};
      }
      html.remove_prefix(end + 1);
      continue;
    }
    if (!skip.empty()) {
      html.remove_prefix(1);
      continue;
    }
    if (c == '&') {
      struct entity {
        std::string_view name, text;
      };
      constexpr std::array<entity, 10> known{{{"&lt;", "<"},
                                              {"&gt;", ">"},
                                              {"&amp;", "&"},
                                              {"&nbsp;", " "},
                                              {"&quot;", "\""},
                                              {"&#39;", "'"},
                                              {"&apos;", "'"},
                                              {"&#64;", "@"},
                                              {"&#160;", " "},
                                              {"&#8203;", ""}}};
      const auto e =
          std::find_if(known.begin(), known.end(), [&](const entity& k) { return html.starts_with(k.name); });
      if (e != known.end()) {
        to += e->text;
        html.remove_prefix(e->name.size());
        continue;
      }
    }
    to.push_back(c);
    html.remove_prefix(1);
  }
  return to;
}

std::string incoming::original_field(std::string_view name) const {
  if (original != nullptr) {
    if (const auto value = original->field(name); !value.empty()) return std::string(value);
  }
  std::string lower(name);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  for (const std::string_view copy : {original_header, std::string_view(inline_copy), std::string_view(text)}) {
    // Copies are quoted and indented in many ways: the name at the start of a line's words is enough.
    for (std::size_t at = 0; at < copy.size();) {
      const std::size_t end = std::min(copy.find('\n', at), copy.size());
      auto line = copy.substr(at, end - at);
      at = end + 1;
      while (!line.empty() &&
             (line.front() == '>' || line.front() == ' ' || line.front() == '\t' || line.front() == '|'))
        line.remove_prefix(1);
      if (!starts_ci(line, lower) || line.size() <= lower.size() || line[lower.size()] != ':') continue;
      std::string value(trim(line.substr(lower.size() + 1)));
      while (at < copy.size() && (copy[at] == ' ' || copy[at] == '\t') && value.size() < value_bytes_max) {
        const std::size_t next = std::min(copy.find('\n', at), copy.size());
        value += ' ';
        value += trim(copy.substr(at, next - at));
        at = next + 1;
      }
      if (!trim(value).empty()) return std::string(trim(value));
    }
  }
  return {};
}

std::string bare_message_id(std::string_view value) {
  const auto open = value.find('<');
  if (open != std::string_view::npos) {
    value.remove_prefix(open + 1);
    value = value.substr(0, value.find('>'));
  } else {
    value = trim(value);
    value = value.substr(0, value.find_first_of(" \t"));
  }
  return clean(value, 1000);
}

std::string incoming::original_message_id() const {
  std::string id = bare_message_id(original_field("message-id"));
  if (!id.empty()) return id;
  for (const std::string_view name : {"x-original-message-id", "original-message-id", "in-reply-to", "references"}) {
    const auto value = field(name);
    // Of references, the last is what is answered.
    if (!value.empty())
      return bare_message_id(name == "references" ? value.substr(std::min(value.rfind('<'), value.size() - 1)) : value);
  }
  return {};
}

incoming take_apart(const mime_part& root) {
  incoming of;
  const found_report found = find_report(root);
  of.header = found.header;
  of.machine = found.part;
  of.machine_is = found.is;
  collector(of).walk(*found.container);
  // Such as a report that carries its original beside the multipart.
  if (found.container != found.header && of.original == nullptr && of.original_header.empty()) {
    of.text.clear();
    collector(of).walk(*found.header);
  }
  split_copy(of);
  of.from = address_in(of.field("from"));
  of.subject = clean(of.field("subject"), 1000);
  of.subject_shape = normalised(of.subject);
  of.text_shape = normalised(of.text);
  return of;
}

}  // namespace gonets::bounce::detail
