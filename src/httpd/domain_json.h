// Sender domains as JSON: the schemas `sender_domain` and `sender_domains` of api/openapi.yaml. No private key is in
// it.
#pragma once
#include <span>
#include <string>

#include "domains/manager.h"

namespace gonets::httpd {

std::string to_json(const domains::domain_view& v);
std::string domains_json(std::span<const domains::domain_view> all);

}  // namespace gonets::httpd
