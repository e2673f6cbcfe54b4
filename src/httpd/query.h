// Reads what comes in with a request: the target's path and parameters, and queue filters from either a query or JSON.
// Whatever is not understood is refused by name: a filter that is dropped would mean "everything".
#pragma once
#include <expected>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "httpd/control.h"
#include "httpd/exchange.h"

namespace gonets::httpd {

using parameters = std::vector<std::pair<std::string, std::string>>;

struct target {
  std::vector<std::string> path;  // "/v1/queue" -> {"v1", "queue"}; percent-decoded
  parameters query;
};
// Nothing for what does not begin with '/', and for broken percent-encoding. '+' stays a plus sign: addresses have it.
std::optional<target> parse_target(std::string_view text);

// What is wrong, as a ready answer.
template <class T>
using or_refusal = std::expected<T, response>;

// Refuses parameters that are not in `known`, and one given twice.
or_refusal<void> check_parameters(const parameters& given, const std::vector<std::string_view>& known);
std::string_view parameter(const parameters& given, std::string_view name);  // empty when absent
// Of an answer that lists: when `max` is absent, and at most.
inline constexpr std::uint64_t rows_usual = 100, rows_max = 1000;
// `fallback` when absent; refuses what is not a whole number from `low` to `high`.
or_refusal<std::uint64_t> number_parameter(const parameters& given, std::string_view name, std::uint64_t fallback,
                                           std::uint64_t low, std::uint64_t high);
// "90s", "2h", "1d12h"; nothing when absent.
or_refusal<std::optional<std::chrono::milliseconds>> age_parameter(const parameters& given, std::string_view name);
or_refusal<message_id> parse_id(std::string_view text);

const std::vector<std::string_view>& filter_names();
// Looks at the parameters that filter_names() lists, and no others.
or_refusal<queue_filter> filter_from_query(const parameters& given);

inline constexpr std::size_t reason_bytes_max = 500;
or_refusal<std::string> checked_reason(std::string_view text);

struct action_request {
  queue_action action = queue_action::retry;
  queue_filter filter;
  std::string reason;
};
// The body of POST /v1/queue/actions. Removing without a filter needs "all": true.
or_refusal<action_request> parse_action(std::string_view body);

}  // namespace gonets::httpd
