// Reads reports as others write them: leniently where they differ, never beyond the limits. Pure; any bytes are
// survived. An error is a sentence for the operator.
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <variant>

#include "aggregate/report.h"
#include "aggregate/unpack.h"

namespace gonets::aggregate {

// XML of RFC 7489, appendix C, also as DMARCbis has it. A document type is refused: it is good for nothing but attacks.
std::expected<dmarc_report, std::string> read_dmarc_report(std::string_view xml, const report_limits& limits = {});
// JSON of RFC 8460 4.4.
std::expected<tls_report, std::string> read_tls_report(std::string_view json, const report_limits& limits = {});

using report = std::variant<dmarc_report, tls_report>;
struct no_report {
  bool is_one = false;  // it has one that can't be read; otherwise it is a letter like any other
  std::string why;
};
// The first report that the message has attached, or consists of. Types and file names are not relied on: each reporter
// has others.
std::expected<report, no_report> read_report_mail(std::string_view message, const report_limits& limits = {},
                                                  const unpack_limits& packed = {});

}  // namespace gonets::aggregate
