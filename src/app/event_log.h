// Answers what the API asks of the event log.
#pragma once
#include <memory>

#include "app/parts.h"
#include "httpd/event_source.h"

namespace gonets::app {

class event_log final : public httpd::event_source {
 public:
  explicit event_log(parts& all);
  place take_place(const std::string& account) override;
  void read(httpd::event_question wanted, done<std::expected<httpd::event_page, httpd::response>> answer) override;

 private:
  struct places;
  parts& parts_;
  const std::shared_ptr<places> places_;  // whose places may be given back after this is gone
};

}  // namespace gonets::app
