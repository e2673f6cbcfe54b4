#include "app/cli/terminal.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

namespace gonets::app::cli {
namespace {

class terminal_detection : public testing::Test {
 protected:
  terminal_detection() {
    ::setenv("TERM", "xterm", 1);
    ::unsetenv("NO_COLOR");
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    ::grantpt(master_);
    ::unlockpt(master_);
    slave_ = ::open(::ptsname(master_), O_RDWR | O_NOCTTY | O_CLOEXEC);
    const winsize size{.ws_row = 24, .ws_col = 73, .ws_xpixel = 0, .ws_ypixel = 0};
    ::ioctl(slave_, TIOCSWINSZ, &size);
  }
  ~terminal_detection() override {
    ::close(slave_);
    ::close(master_);
    ::unsetenv("NO_COLOR");
  }
  int master_ = -1;
  int slave_ = -1;
};

TEST_F(terminal_detection, takes_width_and_colours_of_a_terminal) {
  const auto got = detect_terminal(slave_);
  EXPECT_TRUE(got.interactive);
  EXPECT_TRUE(got.colours);
  EXPECT_EQ(got.width, 73u);
}

TEST_F(terminal_detection, honours_no_color_and_dumb_terminals) {
  ::setenv("NO_COLOR", "1", 1);
  EXPECT_FALSE(detect_terminal(slave_).colours);
  ::setenv("NO_COLOR", "", 1);
  EXPECT_TRUE(detect_terminal(slave_).colours) << "empty counts as unset";
  ::setenv("TERM", "dumb", 1);
  EXPECT_FALSE(detect_terminal(slave_).colours);
}

TEST_F(terminal_detection, gives_pipes_a_hundred_columns_and_no_colours) {
  int ends[2] = {-1, -1};
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const auto got = detect_terminal(ends[1]);
  EXPECT_FALSE(got.interactive);
  EXPECT_FALSE(got.colours);
  EXPECT_EQ(got.width, 100u);
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace gonets::app::cli
