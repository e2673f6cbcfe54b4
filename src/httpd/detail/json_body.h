// Reads a request's body strictly: members are taken by name, and what is wrong first, or was taken by nobody, refuses
// the request: a misspelt member never means "as before".
#pragma once
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "httpd/exchange.h"

namespace gonets::httpd::detail {

class json_body {
 public:
  explicit json_body(std::string_view body);
  explicit json_body(const boost::json::value& nested, std::string where);  // `where` is put before members' names

  // Nothing when absent, null, or wrong (which refusal() then says).
  std::optional<std::string> text(std::string_view name);
  std::optional<std::uint64_t> number(std::string_view name, std::uint64_t max);
  std::optional<bool> flag(std::string_view name);
  std::optional<std::vector<std::string>> texts(std::string_view name);
  const boost::json::array* list(std::string_view name);
  const boost::json::value* object(std::string_view name);
  // Text that `parse` understands.
  template <class Parse>
  auto word(std::string_view name, Parse parse, std::string_view expected) -> decltype(parse(std::string_view())) {
    const auto given = text(name);
    if (!given) return std::nullopt;
    auto value = parse(std::string_view(*given));
    if (!value) expect(name, expected);
    return value;
  }

  void refuse(std::string message);  // the first one counts
  void expect(std::string_view name, std::string_view expected);
  void adopt(json_body& nested);
  bool failed() const { return !message_.empty(); }
  // After all was taken: 400 invalid_body, or nothing.
  std::optional<response> refusal();

 private:
  const boost::json::value* take(std::string_view name);

  boost::json::value root_;
  std::string where_;
  std::vector<std::string> taken_;
  std::string message_;
};

}  // namespace gonets::httpd::detail
