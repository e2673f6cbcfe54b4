// Answers what strangers ask by HTTP.
#pragma once
#include "app/parts.h"
#include "httpd/public_router.h"

namespace gonets::app {

class public_control final : public httpd::public_control {
 public:
  explicit public_control(parts& all) : parts_(all) {}
  void subscription(std::string token, done answer) override;
  void change_subscription(std::string token, feedback::wish what, feedback::said_by way, done answer) override;
  std::optional<message::visit> read_visit(std::string_view path) const override;
  void visited(message::visit where, tracking::visitor who) override;

 private:
  using answer_ptr = std::shared_ptr<done>;
  // Runs `work` on the blocking pool, unless the token is nobody's or too much waits there already.
  void with_token(const std::string& token, answer_ptr answer,
                  std::move_only_function<void(const message::verp& who)> work);

  parts& parts_;
};

}  // namespace gonets::app
