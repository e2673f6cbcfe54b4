// Any text as a DKIM-Signature field, a tag list and a key record; and as a whole message whose key is in its first
// line.
#include <cstddef>
#include <cstdint>

#include "check.h"
#include "dkim/key.h"
#include "dkim/signature.h"
#include "dkim/tag_list.h"
#include "dkim/verify.h"

namespace {

using gonets::fuzz::check;
using namespace gonets::dkim;

void check_signature(std::string_view text) {
  const auto found = parse_signature(text);
  const auto bare = without_signature_bytes(text);
  check(bare.size() <= text.size());
  check(without_signature_bytes(bare) == bare);
  if (!found) return check(!found.error().empty());
  check(!found->domain.empty() && !found->selector.empty() && !found->fields.empty());
  check(!found->bytes.empty() && !found->body_hash.empty());
  check(!found->signed_at || *found->signed_at >= 0);
}

void check_tags(std::string_view text) {
  const auto tags = tag_list::parse(text);
  if (!tags) return;
  check(tags->first().empty() || tags->find(tags->first()).has_value());
}

void check_message(std::string_view text) {
  const auto line = text.substr(0, text.find('\n'));
  const auto found = verify(text.substr(line.size()),
                            [&](const std::string&, lookup_failure&) { return std::optional(std::string(line)); }, {});
  check(found.size() <= 20);
  for (const auto& v : found)
    check((v.result == outcome::pass) == v.reason.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  check_signature(text);
  check_tags(text);
  if (const auto key = public_key::from_record(text); !key) check(!key.error().empty());
  check_message(text);
  return 0;
}
