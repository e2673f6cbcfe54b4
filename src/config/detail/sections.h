// The [sections] of the configuration, a function each.
#pragma once
#include "config/declarations.h"

namespace gonets::config::detail {

section server_section();
section smtp_section();
section auth_section();
section tls_section();
section spool_section();
section journal_section();
section accounts_section();
section delivery_section();
section dns_section();
section shaping_section();
section blocklists_section();
section tls_report_section();
section webhooks_section();
section api_section();
section dkim_section();
section domains_section();
section feedback_section();
section web_section();
section log_section();

}  // namespace gonets::config::detail
