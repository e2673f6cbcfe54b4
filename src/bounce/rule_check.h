// Holds each rule against the replies that it was written for.
#pragma once
#include <string>
#include <vector>

#include "bounce/classifier.h"

namespace gonets::bounce {

// "12: rule "full" misses its sample "...": "system" says system_error". A rule may lose a sample to another one of the
// same category.
std::vector<std::string> check_samples(const classifier& all);

}  // namespace gonets::bounce
