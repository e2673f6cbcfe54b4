// Shared by the commands of `suppression`: an account's list page by page, however long it is.
#pragma once
#include <boost/json.hpp>
#include <optional>
#include <string>

#include "app/cli/answers.h"

namespace gonets::app::cli {

class suppression_pages {
 public:
  suppression_pages(const suppression_arguments& given, std::size_t rows_a_page);
  bool over() const { return over_; }
  // The rows of the next page, few or none though there may be more. Nothing: what was wrong is said, and `status` is
  // the exit status.
  std::optional<boost::json::array> next(const context& with, int& status);

 private:
  target path_;
  std::string after_;
  bool over_ = false;
};

void add_scope(const suppression_arguments& given, boost::json::object& to);
// What a change has beside its addresses. Nothing: --expires-in is malformed, which was said.
std::optional<boost::json::object> suppression_body(const arguments& given, const context& with);

}  // namespace gonets::app::cli
