/* A wall clock that a test can set: preloaded, it adds the seconds that CLOCK_OFFSET_FILE holds (a little-endian int64,
 * read anew at each look) to CLOCK_REALTIME, and leaves the other clocks alone. By system calls only: it is called before
 * the allocator is set up. (libfaketime isn't fit for a program with jemalloc.) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t *offset;

__attribute__((constructor)) static void find_offset(void) {
  const char *path = getenv("CLOCK_OFFSET_FILE");
  const int file = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) abort();
  void *at = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, file, 0);
  if (at == MAP_FAILED) abort();
  close(file);
  offset = at;
}

int clock_gettime(clockid_t which, struct timespec *to) {
  const int rc = syscall(SYS_clock_gettime, which, to);
  if (rc == 0 && offset && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) to->tv_sec += *offset;
  return rc;
}

int gettimeofday(struct timeval *to, void *zone) {
  (void)zone;
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  to->tv_sec = now.tv_sec;
  to->tv_usec = now.tv_nsec / 1000;
  return 0;
}

time_t time(time_t *to) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (to) *to = now.tv_sec;
  return now.tv_sec;
}
