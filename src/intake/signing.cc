#include "intake/signing.h"

#include <algorithm>

#include "message/header_scan.h"

namespace gonets::intake {
namespace {

// All our signatures have relaxed bodies, so that one hash serves them.
constexpr auto body_form = dkim::canonicalization::relaxed;

struct parts_of {
  std::string_view header, body;
};
parts_of split(std::string_view text) {
  auto rest = text;
  for (message::field f; message::take_field(rest, f);) {
  }
  parts_of p{text.substr(0, text.size() - rest.size()), rest};
  if (p.body.starts_with("\r\n")) p.body.remove_prefix(2);
  return p;
}

}  // namespace

void pending_signatures::add_part(std::string_view part) {
  if (!body_hash_) {
    const auto p = split(part);
    header_ = p.header;
    body_hash_.emplace(body_form);
    part = p.body;
  }
  body_hash_->update(part);
}

bool pending_signatures::sign(spool::queued_message& m, wall_time now) {
  std::string_view header = header_;
  if (!body_hash_) {
    const auto p = split(m.body);
    header = p.header;
    body_hash_.emplace(body_form);
    body_hash_->update(p.body);
  }
  const auto hash = body_hash_->finish();
  std::string fields;
  for (const auto& by : by_) {
    const auto field = dkim::sign(by->key, by->how, m.head, header, hash, now);
    if (field.empty()) return false;
    fields += field;
  }
  m.head.insert(0, fields);
  m.body_bytes += fields.size();
  return true;
}

std::unique_ptr<pending_signatures> signatures_for(const std::vector<signing_key_ptr>& keys, std::string_view domain) {
  std::vector<signing_key_ptr> by;
  std::ranges::copy_if(keys, std::back_inserter(by), [&](const auto& k) { return k->how.domain == domain; });
  return by.empty() ? nullptr : std::make_unique<pending_signatures>(std::move(by));
}

}  // namespace gonets::intake
