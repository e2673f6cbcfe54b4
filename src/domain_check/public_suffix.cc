#include "domain_check/public_suffix.h"

#include <libpsl.h>

#include <memory>

namespace gonets::domain_check {
namespace {

struct free_list {
  void operator()(psl_ctx_t* list) const { psl_free(list); }
};
using list_ptr = std::unique_ptr<psl_ctx_t, free_list>;

}  // namespace

std::string organizational_domain(std::string_view name) {
  static const list_ptr list(psl_latest("/usr/share/publicsuffix/public_suffix_list.dafsa"));
  const std::string own(name);
  const char* found = list ? psl_registrable_domain(list.get(), own.c_str()) : nullptr;
  return found != nullptr ? found : own;
}

}  // namespace gonets::domain_check
