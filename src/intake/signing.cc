#include "intake/signing.h"

#include <algorithm>

#include "message/header_scan.h"

namespace gonets::intake {
namespace {

// All our signatures have relaxed bodies, so that one hash serves them.
constexpr auto body_form = dkim::canonicalization::relaxed;

constexpr std::size_t quick_bytes_max = 32'768;

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

bool pending_signatures::quick(const spool::queued_message& m) const {
  return m.body.size() <= quick_bytes_max && std::ranges::all_of(by_, [](const signing_key& by) {
           return by.key->kind() == dkim::algorithm::ed25519_sha256;
         });
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
    const auto field = dkim::sign(*by.key, by.how, m.head, header, hash, now);
    if (field.empty()) return false;
    fields += field;
  }
  m.head.insert(0, fields);
  m.body_bytes += fields.size();
  return true;
}

std::unique_ptr<pending_signatures> signatures_for(const accounts::directory& all, account_id by,
                                                   std::string_view author, const signing_policy& policy) {
  std::vector<signing_key> found;
  const auto add = [&](const accounts::sender_domain* domain) {
    if (domain == nullptr) return;
    for (const auto& k : domain->keys) {
      if (k.state == accounts::key_state::active)
        found.push_back(
            {{.domain = domain->name, .selector = k.selector, .expires_after = policy.expires_after}, k.key});
    }
  };
  const auto* own = author.empty() ? nullptr : all.domain_for(by, author);
  add(own);
  const auto& platform = policy.platform_domain;
  if (const auto* ours = platform.empty() ? nullptr : all.domain_for(accounts::default_account, platform); ours != own)
    add(ours);
  return found.empty() ? nullptr : std::make_unique<pending_signatures>(std::move(found));
}

}  // namespace gonets::intake
