// Takes the aggregate reports that others send us, and keeps those about domains that some account sends as. Blocking:
// for the blocking pool; safe from several of its threads.
#pragma once
#include <string>
#include <string_view>

#include "accounts/directory.h"
#include "aggregate/read_report.h"
#include "base/clock.h"
#include "base/ids.h"
#include "feedback/report_table.h"
#include "metrics/metrics.h"

namespace gonets::feedback {

class report_keeper {
 public:
  enum class outcome : std::uint8_t {
    kept,
    known,       // it came before
    not_ours,    // about no domain of any account, or of a time that can't be
    unreadable,  // broken, or hostile
    no_report,   // a letter
    unavailable  // the database can't be written: the same may be kept later
  };

  struct environment {
    report_table& table;
    const accounts::directory_source& accounts;
    const clock& time;
    metrics::registry& counts;
  };
  explicit report_keeper(environment env);

  // `message`: header and body; `came_as` is for the log.
  outcome take(std::string_view message, message_id came_as);

 private:
  outcome keep(const aggregate::dmarc_report& r, message_id came_as);
  outcome keep(const aggregate::tls_report& r, message_id came_as);
  bool is_possible(const aggregate::report_head& of, message_id came_as) const;

  environment env_;
  metrics::counter& dmarc_;
  metrics::counter& tls_;
  metrics::counter& dropped_;
};
std::string_view to_text(report_keeper::outcome o);

}  // namespace gonets::feedback
