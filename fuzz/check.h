#pragma once

namespace gonets::fuzz {

// Asserts in every build type; a failure is a finding with a stack.
inline void check(bool holds) {
  if (!holds) __builtin_trap();
}

}  // namespace gonets::fuzz
