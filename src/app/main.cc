#include <cstdio>

int main() {
  std::puts("gonets " GONETS_VERSION);
  return 0;
}
