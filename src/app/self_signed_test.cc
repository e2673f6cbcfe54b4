#include "app/self_signed.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "config/load.h"
#include "tls_policy/certificate.h"

namespace gonets::app {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;

constexpr wall_time now = std::chrono::sys_days(std::chrono::year(2025) / 3 / 1);

class self_signed_test : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = std::filesystem::temp_directory_path() / "gonets-self-signed-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    with_.server.hostname = "mail.test";
    with_.spool.path = folder_ + "/spool";
    with_.tls.self_signed = true;
    with_.listeners.resize(1);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string text() const { return config::read_file(with_.self_signed_files().certificate_file).value_or(""); }

  std::string folder_;
  config::settings with_;
};

TEST_F(self_signed_test, is_made_for_the_host_and_for_the_owner_alone) {
  ensure_self_signed(with_, now);
  const auto files = with_.certificates_of(with_.listeners[0]);
  ASSERT_EQ(files.size(), 1u);
  const auto facts = tls_policy::read_certificate(text());
  ASSERT_TRUE(facts);
  EXPECT_THAT(facts->names, ElementsAre("localhost", "mail.test"));
  EXPECT_EQ(tls_policy::key_mismatch(text(), config::read_file(files[0].key_file).value()), "");
  for (const auto& file : {files[0].key_file, files[0].certificate_file}) {
    struct stat status {};
    ASSERT_EQ(::stat(file.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u) << file;
  }
}

TEST_F(self_signed_test, stays_until_it_is_about_to_expire_or_the_host_has_another_name) {
  ensure_self_signed(with_, now);
  const auto first = text();
  ensure_self_signed(with_, now + 24h * 700);
  EXPECT_EQ(text(), first);
  ensure_self_signed(with_, now + 24h * 800);
  const auto second = text();
  EXPECT_NE(second, first);
  with_.server.hostname = "other.test";
  ensure_self_signed(with_, now + 24h * 800);
  EXPECT_NE(text(), second);
}

TEST_F(self_signed_test, is_not_made_when_nobody_asks_for_it_or_there_is_another) {
  with_.certificates.resize(1);
  ensure_self_signed(with_, now);
  with_.certificates.clear();
  with_.tls.self_signed = false;
  ensure_self_signed(with_, now);
  EXPECT_FALSE(std::filesystem::exists(with_.spool.path));
}

TEST_F(self_signed_test, says_what_it_cannot_write) {
  with_.spool.path = "/proc/nowhere";
  try {
    ensure_self_signed(with_, now);
    ADD_FAILURE() << "it was written";
  } catch (const std::runtime_error& e) {
    EXPECT_STREQ(e.what(), "cannot write /proc/nowhere: No such file or directory");
  }
}

}  // namespace
}  // namespace gonets::app
