#include "httpd/account_json.h"

#include <algorithm>

#include "accounts/words.h"
#include "httpd/detail/members.h"

namespace gonets::httpd {
namespace {
namespace json = boost::json;

using detail::add_text;
using detail::add_time;

json::array quota_array(const std::vector<accounts::quota>& all) {
  json::array list;
  for (const auto& q : all)
    list.push_back(to_object(q));
  return list;
}

}  // namespace

json::object to_object(const accounts::quota& q) {
  json::object o{{"max", q.max}, {"measure", to_text(q.measure)}, {"window", to_text(q.window)}};
  add_text(o, "stream", q.stream);
  return o;
}

json::object to_object(const accounts::quota& q, const quota_use& use) {
  auto o = to_object(q);
  o["used"] = use.used;
  add_time(o, "resets", use.resets);
  return o;
}

json::object to_object(const accounts::plan& p) {
  return {{"name", p.name}, {"quotas", quota_array(p.quotas)}};
}

json::object to_object(const accounts::credential& c) {
  json::object o{{"id", c.id.value}, {"kind", to_text(c.kind)}, {"login", c.login}};
  add_text(o, "name", c.name);
  json::array scopes;
  for (const auto word : accounts::scope_words(c.scopes))
    scopes.emplace_back(word);
  o["scopes"] = std::move(scopes);
  json::array networks;
  for (const auto& n : c.networks)
    networks.emplace_back(to_text(n));
  o["networks"] = std::move(networks);
  add_text(o, "stream", c.stream);
  add_text(o, "certificate_sha256", c.certificate_sha256);
  o["scram"] = !c.scram.stored_key.empty();
  add_time(o, "created", c.created);
  add_time(o, "last_used", c.last_used);
  return o;
}

json::object to_object(const accounts::sender_domain& d) {
  json::object o{{"id", d.id.value}, {"name", d.name}, {"verified", d.verified}};
  add_text(o, "return_path", d.return_path);
  add_text(o, "tracking", d.tracking);
  json::array keys;
  for (const auto& k : d.keys)
    keys.push_back(json::object{{"selector", k.selector}, {"state", to_text(k.state)}});
  o["keys"] = std::move(keys);
  add_time(o, "created", d.created);
  add_time(o, "checked", d.checked);
  return o;
}

json::object to_object(const bounce::suppression_policy& p) {
  json::array words;
  for (std::size_t i = 0; i < p.at_once.size(); ++i) {
    if (p.at_once[i]) words.emplace_back(bounce::to_text(static_cast<bounce::category>(i)));
  }
  return {{"categories", std::move(words)},
          {"soft_bounces", p.soft_bounces},
          {"soft_over_days", p.soft_over.count()},
          {"soft_within_days", p.soft_within.count()},
          {"soft_for_days", p.soft_lasts.count()}};
}

json::object to_object(const accounts::account& a, const accounts::directory& in) {
  json::object o{{"name", a.name},
                 {"id", a.id.value},
                 {"state", to_text(a.state)},
                 {"policy", to_text(a.policy)},
                 {"quotas", quota_array(a.quotas)},
                 {"limits", quota_array(in.quotas_of(a.id))},
                 {"month_is_final", a.month_is_final},
                 {"message_bytes_max", a.message_bytes_max},
                 {"recipients_max", a.recipients_max},
                 {"weight", a.weight},
                 {"journal_hash_after_days", a.journal_hash_after_days},
                 {"journal_subject", a.journal_subject}};
  add_text(o, "egress", a.egress);
  o["may_ignore_suppression"] = a.may_ignore_suppression;
  o["suppression"] = to_object(a.suppression);
  add_text(o, "plan", a.plan);
  add_time(o, "created", a.created);
  const auto own = [&](const auto& each) { return each.account == a.id; };
  o["credentials"] = std::ranges::count_if(in.all().credentials, own);
  o["domains"] = std::ranges::count_if(in.all().domains, own);
  return o;
}

}  // namespace gonets::httpd
