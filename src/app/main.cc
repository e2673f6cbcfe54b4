#include <exception>
#include <iostream>

#include "app/cli/run.h"

int main(int argc, char** argv) {
  try {
    return gonets::app::cli::run(argc, argv);
  } catch (const std::exception& e) {
    std::cerr << "gonets: " << e.what() << '\n';
    return 1;
  }
}
