// What the configuration means for each part: settings in, the part's own options out. Values; what they refer to, they
// share.
#pragma once
#include <cstddef>
#include <memory>

#include "auth/authenticator.h"
#include "config/settings.h"
#include "delivery/delivery.h"
#include "feedback/inbox.h"
#include "intake/intake.h"
#include "runtime/dns.h"
#include "runtime/http_client.h"
#include "runtime/tls.h"
#include "scheduler/scheduler.h"
#include "webhooks/service.h"

namespace gonets::app {

// Of the shard `shard` of `shards`.
scheduler::options scheduler_options(const config::settings& with, std::size_t shard, std::size_t shards,
                                     std::shared_ptr<const shaping::rules> rules);

// The configuration's check has read the file before. If it has gone bad since, the log says why, and null comes back:
// what was in force stays.
std::shared_ptr<const shaping::rules> rules_of(const config::settings& with);

intake::options intake_options(const config::settings& with);
feedback::options feedback_options(const config::settings& with);
auth::options auth_options(const config::settings& with);
runtime::dns_options dns_options_of(const config::settings& with);
runtime::http_options hook_options(const config::settings& with, runtime::tls_context_ptr trusted);  // to webhooks
webhooks::service_options webhook_options(const config::settings& with);
delivery::mx_options mx_options_of(const config::settings& with);

}  // namespace gonets::app
