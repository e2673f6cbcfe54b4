#include "links/rewrite_html.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/html.h"
#include "links/detail/edits.h"
#include "links/detail/gumbo_tree.h"
#include "links/detail/html_limits.h"
#include "message/header_scan.h"

namespace gonets::links {
namespace {

constexpr std::string_view blanks = " \t\n\f\r";

struct link {
  std::size_t at = 0;  // of the value in the text, quotes included
  std::size_t length = 0;
  char quote = '\0';  // none
  std::string url;
};

std::string_view trimmed(std::string_view text) {
  const auto begin = text.find_first_not_of(blanks);
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

bool begins_with(std::string_view text, std::string_view lower) {
  return text.size() > lower.size() && message::same_field_name(text.substr(0, lower.size()), lower);
}

bool is_trackable(std::string_view url) {
  if (url.size() > url_bytes_max || !(begins_with(url, "http://") || begins_with(url, "https://"))) return false;
  // Gumbo has replaced what is no UTF-8, and some control characters: the address was another one.
  if (url.find("\xef\xbf\xbd") != url.npos) return false;
  return std::none_of(url.begin(), url.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; });
}

bool can_be_put_in(std::string_view address) {
  return !address.empty() && std::all_of(address.begin(), address.end(), [](char c) { return c > ' ' && c < '\x7f'; });
}

bool lies_in(const GumboStringPiece& piece, std::string_view html) {
  return piece.data != nullptr && piece.data >= html.data() && piece.data + piece.length <= html.data() + html.size();
}

// The quote around a value as it stands in the text, '\0' for none; nothing for what is no value.
std::optional<char> quote_of(std::string_view value) {
  if (value.empty()) return std::nullopt;
  const char quote = value.front();
  if (quote != '"' && quote != '\'') {
    if (value.find_first_of(" \t\n\f\r\"'>") != value.npos) return std::nullopt;
    return '\0';
  }
  if (value.size() < 2 || value.find(quote, 1) != value.size() - 1) return std::nullopt;
  return quote;
}

std::optional<link> link_of(const GumboElement& element, std::string_view html) {
  if (element.tag != GUMBO_TAG_A && element.tag != GUMBO_TAG_AREA) return std::nullopt;
  if (element.tag_namespace != GUMBO_NAMESPACE_HTML) return std::nullopt;
  const GumboAttribute* href = gumbo_get_attribute(&element.attributes, "href");
  if (href == nullptr || !lies_in(href->original_value, html)) return std::nullopt;
  if (gumbo_get_attribute(&element.attributes, no_track_attribute) != nullptr) return std::nullopt;
  const auto url = trimmed(href->value);
  const std::string_view value(href->original_value.data, href->original_value.length);
  const auto quote = quote_of(value);
  if (!quote || !is_trackable(url)) return std::nullopt;
  return link{static_cast<std::size_t>(value.data() - html.data()), value.size(), *quote, std::string(url)};
}

const GumboVector* children_of(const GumboNode& node) {
  if (node.type == GUMBO_NODE_DOCUMENT) return &node.v.document.children;
  if (node.type == GUMBO_NODE_ELEMENT) return &node.v.element.children;
  return nullptr;  // what is in a template is not shown
}

template <class Visit>
void for_each_element(const GumboNode& root, Visit&& visit) {
  std::vector<const GumboNode*> todo{&root};  // a tree may be deeper than the stack
  while (!todo.empty()) {
    const GumboNode& node = *todo.back();
    todo.pop_back();
    if (node.type == GUMBO_NODE_ELEMENT) visit(node.v.element);
    const GumboVector* children = children_of(node);
    if (children == nullptr) continue;
    for (unsigned i = 0; i < children->length; ++i)
      todo.push_back(static_cast<const GumboNode*>(children->data[i]));
  }
}

// In the order of the text. Elements that Gumbo cloned share the value of one.
std::vector<link> links_of(const GumboNode& document, std::string_view html) {
  std::vector<link> found;
  for_each_element(document, [&](const GumboElement& element) {
    if (auto l = link_of(element, html)) found.push_back(std::move(*l));
  });
  std::sort(found.begin(), found.end(), [](const link& a, const link& b) { return a.at < b.at; });
  const auto same = [](const link& a, const link& b) { return a.at == b.at; };
  found.erase(std::unique(found.begin(), found.end(), same), found.end());
  return found;
}

// Before the end tag of the body; else at the end, but before the last line end, so that a line stays one.
std::size_t place_of_picture(const GumboNode& root, std::string_view html) {
  const GumboVector& children = root.v.element.children;
  for (unsigned i = 0; i < children.length; ++i) {
    const GumboNode& child = *static_cast<const GumboNode*>(children.data[i]);
    if (child.type != GUMBO_NODE_ELEMENT || child.v.element.tag != GUMBO_TAG_BODY) continue;
    const GumboStringPiece& end = child.v.element.original_end_tag;
    if (lies_in(end, html) && end.length > 0) return static_cast<std::size_t>(end.data - html.data());
  }
  return html.find_last_not_of(blanks) + 1;
}

edit picture_at(std::size_t at, std::string_view address) {
  return {at, 0,
          "<img src=\"" + escape_html(address) +
              "\" width=\"1\" height=\"1\" alt=\"\" style=\"border:0;width:1px;height:1px\">"};
}

}  // namespace

std::optional<std::string> rewrite_html(std::string_view html, const html_changes& changes) {
  if (trimmed(html).empty() || is_too_much(html)) return std::nullopt;
  const gumbo_tree tree(html);
  if (tree.output() == nullptr) return std::nullopt;
  std::vector<edit> edits;
  for (const link& l : links_of(*tree.output()->document, html)) {
    const std::string address = changes.click ? changes.click(l.url) : std::string();
    if (!can_be_put_in(address)) continue;
    const char quote = l.quote == '\0' ? '"' : l.quote;
    edits.push_back({l.at, l.length, quote + escape_html(address) + quote});
  }
  if (can_be_put_in(changes.picture)) {
    edit picture = picture_at(place_of_picture(*tree.output()->root, html), changes.picture);
    const auto after = [&](const edit& e) { return e.at >= picture.at; };
    edits.insert(std::find_if(edits.begin(), edits.end(), after), std::move(picture));
  }
  if (edits.empty()) return std::nullopt;
  return apply_edits(html, edits);
}

}  // namespace gonets::links
