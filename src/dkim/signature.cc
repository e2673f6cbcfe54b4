#include "dkim/signature.h"

#include <algorithm>
#include <charconv>

#include "dkim/tag_list.h"

namespace gonets::dkim {
namespace {

constexpr std::size_t fields_max = 2000;
constexpr int number_digits_max = 18;

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
bool equal_without_case(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, {}, lower, lower);
}

template <class Number>
bool read_number(const tag_list& tags, std::string_view name, std::optional<Number>& to) {
  const auto text = tags.find(name);
  if (!text) return true;
  if (text->empty() || text->size() > number_digits_max) return false;
  Number value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < 0) return false;
  to = value;
  return true;
}

bool read_canonicalization(std::string_view text, canonicalization& to) {
  if (text != "simple" && text != "relaxed") return false;
  to = text == "simple" ? canonicalization::simple : canonicalization::relaxed;
  return true;
}

bool read_canonicalizations(std::string_view text, signature& to) {
  const auto slash = text.find('/');
  if (!read_canonicalization(text.substr(0, slash), to.header)) return false;
  return slash == text.npos || read_canonicalization(text.substr(slash + 1), to.body);
}

// i= is of d= or of a subdomain of it (RFC 6376 3.5).
bool belongs(std::string_view identity, std::string_view domain) {
  const auto at = identity.rfind('@');
  if (at == identity.npos) return false;
  const auto host = identity.substr(at + 1);
  if (equal_without_case(host, domain)) return true;
  return host.size() > domain.size() && host[host.size() - domain.size() - 1] == '.' &&
         equal_without_case(host.substr(host.size() - domain.size()), domain);
}

}  // namespace

std::expected<signature, std::string> parse_signature(std::string_view value) {
  const auto tags = tag_list::parse(value);
  if (!tags) return std::unexpected("the field is not a list of tags");
  for (const auto* name : {"v", "a", "b", "bh", "d", "h", "s"}) {
    if (!tags->find(name)) return std::unexpected(std::string("the tag ") + name + "= is missing");
  }
  signature found;
  if (*tags->find("v") != "1") return std::unexpected("the version is not 1");
  const auto kind = *tags->find("a");
  if (kind != to_text(algorithm::rsa_sha256) && kind != to_text(algorithm::ed25519_sha256))
    return std::unexpected("the algorithm " + std::string(kind.substr(0, 40)) + " is not rsa-sha256 or ed25519-sha256");
  found.kind = kind == to_text(algorithm::rsa_sha256) ? algorithm::rsa_sha256 : algorithm::ed25519_sha256;
  if (!read_canonicalizations(tags->find("c").value_or("simple"), found))
    return std::unexpected("the canonicalization is unknown");
  found.domain = *tags->find("d");
  found.selector = *tags->find("s");
  if (found.domain.empty() || found.selector.empty()) return std::unexpected("d= or s= is empty");
  found.identity = tags->find("i").value_or("@" + found.domain);
  if (!belongs(found.identity, found.domain)) return std::unexpected("i= is not of the domain in d=");
  bool from_signed = false;
  for_each_item(*tags->find("h"), ':', [&](std::string_view name) {
    from_signed |= equal_without_case(name, "from");
    if (found.fields.size() < fields_max) found.fields.emplace_back(name);
  });
  if (!from_signed) return std::unexpected("the From field is not signed");
  if (found.fields.size() == fields_max) return std::unexpected("h= names too many fields");
  const auto hash = from_base64(*tags->find("bh"));
  const auto bytes = from_base64(*tags->find("b"));
  if (!hash || !bytes) return std::unexpected("b= or bh= is not base64");
  found.body_hash = *hash;
  found.bytes = *bytes;
  if (!read_number(*tags, "l", found.body_length) || !read_number(*tags, "t", found.signed_at) ||
      !read_number(*tags, "x", found.expires_at))
    return std::unexpected("l=, t= or x= is not a number");
  if (const auto query = tags->find("q")) {
    bool known = false;
    for_each_item(*query, ':', [&](auto method) { known |= method == "dns/txt"; });
    if (!known) return std::unexpected("q= names no known way to the key");
  }
  return found;
}

std::string without_signature_bytes(std::string_view value) {
  std::string kept;
  for (std::size_t at = 0; at <= value.size();) {
    const auto end = std::min(value.find(';', at), value.size());
    const auto tag = value.substr(at, end - at);
    const auto equals = tag.find('=');
    kept += equals != tag.npos && trimmed(tag.substr(0, equals)) == "b" ? tag.substr(0, equals + 1) : tag;
    if (end < value.size()) kept += ';';
    at = end + 1;
  }
  return kept;
}

}  // namespace gonets::dkim
