#include <exception>
#include <iostream>

#include "app/cli/run.h"

// Read by jemalloc when it is linked. Without its thread, freed pages go back to the kernel only as a side effect of
// later allocations: a server that went quiet after a rush kept three times the memory that it needed.
extern "C" {
[[gnu::used, gnu::visibility("default")]] const char* malloc_conf = "background_thread:true";
}

int main(int argc, char** argv) {
  try {
    return gonets::app::cli::run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "gonets: " << e.what() << '\n';
    return 1;
  }
}
