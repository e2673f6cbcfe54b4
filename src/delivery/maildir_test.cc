#include "delivery/maildir.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <vector>

namespace gonets::delivery {
namespace {

namespace fs = std::filesystem;
using namespace std::chrono_literals;

TEST(maildir_path, fills_in_the_address) {
  EXPECT_EQ(maildir_path("/srv/mail/{domain}/{local}", "me@example.test"), "/srv/mail/example.test/me");
  EXPECT_EQ(maildir_path("/{local}/{local}.{domain}/x", "me@example.test"), "/me/me.example.test/x");
  EXPECT_EQ(maildir_path("/srv/one", "me@example.test"), "/srv/one");
}

TEST(maildir_path, takes_braces_in_a_local_part_as_they_are) {
  EXPECT_EQ(maildir_path("/m/{domain}/{local}", "{domain}@example.test"), "/m/example.test/{domain}");
  EXPECT_EQ(maildir_path("/m/{domain}/{local}", "{local}@example.test"), "/m/example.test/{local}");
}

TEST(maildir_path, never_leaves_the_tree_of_its_pattern) {
  for (const std::string& local :
       {std::string(), std::string("."), std::string(".."), std::string("../../etc/cron.d"), std::string("a/b"),
        std::string("/etc/passwd"), std::string(".hidden"), std::string("a\0b", 3), std::string("\"../x\"")}) {
    EXPECT_FALSE(maildir_path("/m/{domain}/{local}", local + "@example.test")) << local;
  }
  for (const auto* domain : {"", ".", "..", "../x", "a/../../b"}) {
    EXPECT_FALSE(maildir_path("/m/{domain}/{local}", "me@" + std::string(domain))) << domain;
  }
  for (const auto* address : {"", "@", "me", "@example.test"})
    EXPECT_FALSE(maildir_path("/m/{domain}/{local}", address)) << address;
}

class maildir_test : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = fs::temp_directory_path() / "gonets-maildir-XXXXXX";
    root_ = ::mkdtemp(name.data());
  }
  void TearDown() override { fs::remove_all(root_); }

  maildir_delivery delivery_of(std::vector<std::string> parts) {
    maildir_delivery d;
    d.folder = root_ / "example.test" / "me";
    d.reverse_path = "you@source.test";
    d.recipient = "me@example.test";
    d.host = "mx.example.test";
    d.now = wall_time(1'792'124'912'345ms);
    d.read = [parts = std::move(parts), next = 0u](std::string& part, bool& more) mutable {
      part = parts[next++];
      more = next < parts.size();
      return true;
    };
    return d;
  }
  std::vector<fs::path> files(const std::string& sub) {
    std::vector<fs::path> found;
    for (const auto& f : fs::directory_iterator(root_ / "example.test" / "me" / sub))
      found.push_back(f.path());
    return found;
  }
  std::string only_message() {
    const auto found = files("new");
    EXPECT_EQ(found.size(), 1u);
    if (found.size() != 1) return {};
    std::ifstream in(found[0], std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    fs::remove(found[0]);
    return text.str();
  }

  fs::path root_;
};

const std::string head_lf = "Return-Path: <you@source.test>\nDelivered-To: me@example.test\n";
const std::string head_crlf = "Return-Path: <you@source.test>\r\nDelivered-To: me@example.test\r\n";

TEST_F(maildir_test, puts_a_message_into_new) {
  const auto answer = deliver_to_maildir(delivery_of({"Subject: x\r\n\r\nHello\r\n"}));
  EXPECT_EQ(answer, (reply{250, {2, 1, 5}, "delivered to mailbox"}));
  EXPECT_TRUE(files("tmp").empty());
  EXPECT_TRUE(files("cur").empty());
  const auto file = files("new").at(0);
  EXPECT_TRUE(file.filename().string().starts_with("1792124912.M345000P")) << file;
  EXPECT_TRUE(file.filename().string().ends_with(".mx.example.test")) << file;
  EXPECT_EQ(fs::status(file).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  EXPECT_EQ(only_message(), head_lf + "Subject: x\n\nHello\n");
}

TEST_F(maildir_test, keeps_two_messages_of_the_same_moment_apart) {
  ASSERT_TRUE(deliver_to_maildir(delivery_of({"a"})).positive());
  ASSERT_TRUE(deliver_to_maildir(delivery_of({"b"})).positive());
  EXPECT_EQ(files("new").size(), 2u);
}

TEST_F(maildir_test, keeps_line_ends_for_the_capture_mailbox) {
  auto d = delivery_of({"a\r", "\nb\r\n", "\r"});
  d.ends = line_ends::crlf;
  ASSERT_TRUE(deliver_to_maildir(d).positive());
  EXPECT_EQ(only_message(), head_crlf + "a\r\nb\r\n\r");
}

TEST_F(maildir_test, converts_line_ends_wherever_the_message_is_cut_into_parts) {
  const std::string sent = "a\r\n\r\nb\rc\nd\r\r\ne\r\n\r";
  const std::string kept = head_lf + "a\n\nb\rc\nd\r\ne\n\r";
  for (std::size_t first = 0; first <= sent.size(); ++first) {
    for (const auto second : {first, first + 1, sent.size()}) {
      if (second > sent.size()) continue;
      const std::vector parts = {sent.substr(0, first), sent.substr(first, second - first), sent.substr(second)};
      ASSERT_TRUE(deliver_to_maildir(delivery_of(parts)).positive());
      EXPECT_EQ(only_message(), kept) << first << " " << second;
    }
  }
}

TEST_F(maildir_test, writes_the_null_reverse_path_of_a_report) {
  auto d = delivery_of({"x"});
  d.reverse_path = "";
  ASSERT_TRUE(deliver_to_maildir(d).positive());
  EXPECT_TRUE(only_message().starts_with("Return-Path: <>\n"));
}

TEST_F(maildir_test, leaves_nothing_of_a_message_that_cannot_be_read) {
  auto d = delivery_of({});
  d.read = [first = true](std::string& part, bool& more) mutable {
    part = "half of it";
    more = true;
    return std::exchange(first, false);
  };
  const auto answer = deliver_to_maildir(d);
  EXPECT_EQ(answer.code, 451);
  EXPECT_EQ(answer.status, (enhanced_status{4, 3, 0}));
  EXPECT_TRUE(files("tmp").empty());
  EXPECT_TRUE(files("new").empty());
}

TEST_F(maildir_test, defers_while_its_folder_cannot_be_made) {
  std::ofstream(root_ / "example.test") << "a file where a folder should be";
  const auto answer = deliver_to_maildir(delivery_of({"x"}));
  EXPECT_EQ(answer.code, 451);
  EXPECT_NE(answer.text.find("make folder"), std::string::npos) << answer.text;
}

}  // namespace
}  // namespace gonets::delivery
