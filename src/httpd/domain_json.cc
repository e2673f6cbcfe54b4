#include "httpd/domain_json.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <boost/json.hpp>

#include "accounts/words.h"
#include "httpd/detail/members.h"

namespace gonets::httpd {
namespace {

namespace json = boost::json;

json::object key_object(const accounts::domain_key& k, const std::string& domain) {
  json::object o{{"selector", k.selector}, {"state", accounts::to_text(k.state)}};
  if (k.key) {
    o["algorithm"] = to_text(k.key->kind());
    if (k.key->kind() == dkim::algorithm::rsa_sha256) o["bits"] = k.key->bits();
    o["name"] = fmt::format("{}._domainkey.{}", k.selector, domain);
    o["record"] = k.key->record();
  }
  detail::add_time(o, "created", k.created);
  return o;
}

// What is kept of a check is JSON already.
json::value parsed(const std::string& text) {
  boost::system::error_code error;
  auto value = json::parse(text, error);
  return error ? json::value() : value;
}

json::object domain_object(const domains::domain_view& v) {
  const auto& d = v.domain;
  json::array keys;
  for (const auto& k : d.keys)
    keys.push_back(key_object(k, d.name));
  json::array records;
  for (const auto& r : v.records)
    records.push_back(json::object{
        {"purpose", r.purpose}, {"name", r.name}, {"type", r.type}, {"value", r.value}, {"elsewhere", r.elsewhere}});
  json::object o{
      {"domain", d.name},        {"account", v.account},          {"verified", d.verified},
      {"proof", d.proof},        {"return_path", d.return_path},  {"tracking", d.tracking},
      {"keys", std::move(keys)}, {"records", std::move(records)}, {"zone", domain_check::zone_fragment(v.records)}};
  detail::add_time(o, "created", d.created);
  detail::add_time(o, "checked", d.checked);
  if (auto check = parsed(d.last_check); check.is_object()) o["check"] = std::move(check);
  return o;
}

}  // namespace

std::string to_json(const domains::domain_view& v) {
  return json::serialize(domain_object(v));
}

std::string domains_json(std::span<const domains::domain_view> all) {
  json::array list;
  for (const auto& v : all)
    list.push_back(domain_object(v));
  return json::serialize(json::object{{"domains", std::move(list)}});
}

}  // namespace gonets::httpd
