#include "dkim/verify.h"

#include <algorithm>

#include "dkim/body_hash.h"
#include "dkim/detail/selection.h"
#include "dkim/key.h"
#include "dkim/signature.h"

namespace gonets::dkim {
namespace {

constexpr std::size_t signatures_max = 20;
constexpr std::string_view field_name = "DKIM-Signature";

struct failure {
  outcome result;
  std::string reason;
};

std::expected<public_key, failure> find_key(const signature& s, const key_lookup& look_up) {
  const auto name = s.selector + "._domainkey." + s.domain;
  auto why = lookup_failure::not_found;
  const auto record = look_up(name, why);
  if (!record && why == lookup_failure::temporary)
    return std::unexpected(failure{outcome::temperror, "the key at " + name + " could not be looked up"});
  if (!record) return std::unexpected(failure{outcome::permerror, "there is no key at " + name});
  auto key = public_key::from_record(*record);
  if (!key) return std::unexpected(failure{outcome::permerror, key.error() + " (" + name + ")"});
  if (key->revoked()) return std::unexpected(failure{outcome::permerror, "the key at " + name + " was revoked"});
  if (key->kind() != s.kind)
    return std::unexpected(failure{outcome::permerror, "the key at " + name + " is not of the signature's algorithm"});
  const auto host = std::string_view(s.identity).substr(s.identity.rfind('@') + 1);
  if (key->no_subdomains() && !message::same_field_name(host, s.domain))
    return std::unexpected(failure{outcome::permerror, "the key is not for subdomains, and i= is of one"});
  return std::move(*key);
}

std::string signed_text(const signature& s, const std::vector<message::field>& fields, const message::field& own) {
  std::vector<message::field> others;
  std::ranges::copy_if(fields, std::back_inserter(others),
                       [&](const auto& f) { return f.name.data() != own.name.data(); });
  std::string text;
  detail::append_selected(text, s.header, others, s.fields);
  // From the name on, so that the simple form keeps what is before the colon.
  const auto before = static_cast<std::size_t>(own.value.data() - own.name.data());
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): name and value are views into one text
  const auto bare = std::string(own.name.data(), before) + without_signature_bytes(own.value);
  append_field(text, s.header, std::string_view(bare).substr(0, own.name.size()),
               std::string_view(bare).substr(before));
  text.resize(text.size() - 2);
  return text;
}

std::optional<failure> check(const signature& s, const std::vector<message::field>& fields, const message::field& own,
                             std::string_view body, const key_lookup& look_up, wall_time now, verification& facts) {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(now.time_since_epoch()).count();
  if (s.expires_at && *s.expires_at < seconds) return failure{outcome::permerror, "the signature has expired"};
  if (s.expires_at && s.signed_at && *s.expires_at < *s.signed_at)
    return failure{outcome::permerror, "the signature expires before it was made"};
  const auto key = find_key(s, look_up);
  if (!key) return key.error();
  facts.testing = key->testing();
  body_hash hash(s.body, s.body_length);
  hash.update(body);
  const auto found = hash.finish();
  if (s.body_length && *s.body_length > hash.bytes())
    return failure{outcome::permerror, "l= is more than the body has"};
  if (s.body_length) facts.unsigned_body_bytes = hash.bytes() - *s.body_length;
  if (found != s.body_hash) return failure{outcome::fail, "the body was changed"};
  if (!key->verifies(signed_text(s, fields, own), s.bytes))
    return failure{outcome::fail, "the signature does not match: header or key are not those it was made with"};
  return std::nullopt;
}

}  // namespace

std::string_view to_text(outcome o) {
  switch (o) {
    case outcome::pass:
      return "pass";
    case outcome::fail:
      return "fail";
    case outcome::permerror:
      return "permerror";
    case outcome::temperror:
      return "temperror";
  }
  return "";
}

std::vector<verification> verify(std::string_view message, const key_lookup& look_up, wall_time now) {
  std::vector<message::field> fields;
  auto body = message;
  for (message::field f; message::take_field(body, f);)
    fields.push_back(f);
  if (body.starts_with("\r\n")) body.remove_prefix(2);
  std::vector<verification> all;
  for (const auto& f : fields) {
    if (!message::same_field_name(f.name, field_name)) continue;
    if (all.size() == signatures_max) break;
    auto& one = all.emplace_back();
    const auto s = parse_signature(f.value);
    if (!s) {
      one.reason = s.error();
      continue;
    }
    one.domain = s->domain;
    one.selector = s->selector;
    one.identity = s->identity;
    one.algorithm = to_text(s->kind);
    const auto wrong = check(*s, fields, f, body, look_up, now, one);
    one.result = wrong ? wrong->result : outcome::pass;
    if (wrong) one.reason = wrong->reason;
  }
  return all;
}

}  // namespace gonets::dkim
