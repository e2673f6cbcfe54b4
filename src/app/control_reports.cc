// What the HTTP API asks of the reports that others send.
#include "app/from_pool.h"
#include "app/operator_control.h"

namespace gonets::app {

void operator_control::domain_reports(httpd::report_search wanted,
                                      done<std::expected<httpd::report_answer, httpd::response>> answer) {
  using outcome = std::expected<httpd::report_answer, httpd::response>;
  const auto since = parts_.time.wall() - wanted.since;
  from_pool(parts_, std::move(answer), [this, since, wanted = std::move(wanted)]() -> outcome {
    auto found = parts_.reports->summary({wanted.domain, since, wanted.max});
    if (!found) {
      return std::unexpected(httpd::error_response(
          503, "database_unavailable", "the reports' database can't be asked: " + found.error().detail, ""));
    }
    return httpd::report_answer{since, std::move(*found)};
  });
}

}  // namespace gonets::app
