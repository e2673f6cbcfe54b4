#include "app/serve.h"

#include <cstdio>

namespace gonets::app {

int serve(const config::settings&, const std::string&) {
  std::fputs("gonets: serving is not wired yet\n", stderr);
  return 1;
}

}  // namespace gonets::app
