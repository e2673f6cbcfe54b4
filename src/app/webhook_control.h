// Answers the HTTP API's questions about webhooks.
#pragma once
#include "app/parts.h"
#include "httpd/webhook_control.h"

namespace gonets::app {

class webhook_control final : public httpd::webhook_control {
 public:
  explicit webhook_control(parts& all) : parts_(all) {}
  void with_webhooks(std::move_only_function<httpd::response(httpd::webhook_parts&)> work,
                     done<httpd::response> answer) override;
  void try_webhook(webhooks::webhook_id id, done<std::optional<webhooks::attempt>> answer) override;

 private:
  parts& parts_;
};

}  // namespace gonets::app
