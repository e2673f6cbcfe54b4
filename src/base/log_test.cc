#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/json/src.hpp>
#include <regex>
#include <thread>
#include <vector>

namespace gonets::log {
namespace {

using testing::HasSubstr;

// Takes what is logged into a pipe.
class logger : public testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  void TearDown() override {
    stop();
    configure(level::info, format::text);
    if (ends_[1] >= 0) close(ends_[1]);
    close(ends_[0]);
  }
  void use(format how, level at = level::info) { configure(at, how, ends_[1]); }

  // All that was written; no more can be.
  std::string written() {
    stop();
    close(std::exchange(ends_[1], -1));
    return read_to_end();
  }
  std::string read_to_end() const {
    std::string text;
    char block[65536];
    while (true) {
      const ssize_t n = read(ends_[0], block, sizeof block);
      if (n <= 0) return text;
      text.append(block, static_cast<std::size_t>(n));
    }
  }
  // The one line, behind its time.
  std::string only_line() {
    const std::string text = written();
    const std::size_t end_of_time = text.find(' ');
    return text.substr(end_of_time + 1);
  }

  int ends_[2] = {-1, -1};
};

TEST_F(logger, writes_a_line_of_keys_and_values_behind_an_iso_time) {
  use(format::text);
  GONETS_LOG(info, "delivered", "id", "1CF5FC0AAE00", "delay_ms", 12, "tls", true, "left", -3);
  EXPECT_TRUE(
      std::regex_match(written(), std::regex("time=\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z level=info "
                                             "event=delivered id=1CF5FC0AAE00 delay_ms=12 tls=true left=-3\n")));
}

TEST_F(logger, writes_an_object_a_line_as_json) {
  use(format::json);
  GONETS_LOG(warning, "deferred", "to", "a@example.com", "attempt", 3, "tls", false);
  const auto object = boost::json::parse(written()).as_object();
  EXPECT_EQ(object.at("level"), "warning");
  EXPECT_EQ(object.at("event"), "deferred");
  EXPECT_EQ(object.at("to"), "a@example.com");
  EXPECT_EQ(object.at("attempt"), 3);
  EXPECT_EQ(object.at("tls"), false);
  EXPECT_EQ(object.at("time").as_string().size(), 24u);
}

TEST_F(logger, leaves_out_what_is_below_the_threshold_and_does_not_evaluate_it) {
  use(format::text, level::warning);
  bool evaluated = false;
  const auto value = [&] {
    evaluated = true;
    return 1;
  };
  GONETS_LOG(info, "quiet", "n", value());
  GONETS_LOG(error, "loud");
  EXPECT_EQ(only_line(), "level=error event=loud\n");
  EXPECT_FALSE(evaluated);
}

TEST_F(logger, quotes_values_that_would_read_as_something_else) {
  use(format::text);
  GONETS_LOG(info, "e", "blank", "a b", "quote", "say \"hi\"", "equals", "a=b", "backslash", "a\\b", "empty", "");
  EXPECT_EQ(
      only_line(),
      "level=info event=e blank=\"a b\" quote=\"say \\\"hi\\\"\" equals=\"a=b\" backslash=\"a\\\\b\" empty=\"\"\n");
}

TEST_F(logger, lets_no_peer_forge_a_line_or_drive_a_terminal) {
  use(format::text);
  GONETS_LOG(info, "e", "text", std::string("a\r\nlevel=error\x1b[31m\0\x7f", 20), "c1",
             "\xc2\x9b"
             "31m");
  EXPECT_EQ(only_line(), "level=info event=e text=\"a\\x0d\\x0alevel=error\\x1b[31m\\x00\" c1=\"\\xc2\\x9b31m\"\n");
}

TEST_F(logger, keeps_utf8_and_escapes_what_is_not) {
  use(format::text);
  GONETS_LOG(info, "e", "name", "Иван", "emoji", "\U0001F4E8", "latin1", "caf\xe9", "overlong", "\xc0\xaf", "surrogate",
             "\xed\xa0\x80", "cut", "\xe2\x82");
  EXPECT_EQ(only_line(),
            "level=info event=e name=\"Иван\" emoji=\"\U0001F4E8\" latin1=\"caf\\xe9\" "
            "overlong=\"\\xc0\\xaf\" surrogate=\"\\xed\\xa0\\x80\" cut=\"\\xe2\\x82\"\n");
}

TEST_F(logger, gives_valid_json_for_every_pair_of_bytes) {
  use(format::json);
  start();
  std::string all;
  std::thread reader([&] { all = read_to_end(); });
  for (int first = 0; first < 256; ++first) {
    std::string text;
    for (int second = 0; second < 256; ++second) {
      text += static_cast<char>(first);
      text += static_cast<char>(second);
    }
    GONETS_LOG(info, "e", "text", text);
  }
  stop();
  close(std::exchange(ends_[1], -1));
  reader.join();
  std::size_t lines = 0;
  for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1, ++lines) {
    boost::json::error_code error;
    const auto object = boost::json::parse(std::string_view(all).substr(at, end - at), error);
    ASSERT_FALSE(error) << lines << ": " << error.message();
  }
  EXPECT_EQ(lines, 256u);
}

TEST_F(logger, writes_a_bytes_escape_into_json_as_text) {
  use(format::json);
  GONETS_LOG(info, "e", "text", "caf\xe9\n");
  EXPECT_EQ(boost::json::parse(written()).at("text"), "caf\\xe9\\x0a");
}

TEST_F(logger, writes_lines_of_all_threads_whole_and_each_threads_in_order) {
  use(format::text);
  start();
  std::string all;
  std::thread reader([&] { all = read_to_end(); });
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([t] {
      for (int i = 0; i < 500; ++i)
        GONETS_LOG(info, "count", "thread", t, "i", i);
    });
  }
  for (std::thread& t : threads)
    t.join();
  stop();
  close(std::exchange(ends_[1], -1));
  reader.join();

  std::vector<int> next(4, 0);
  const std::regex shape("time=\\S{24} level=info event=count thread=(\\d) i=(\\d+)");
  for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string one = all.substr(at, end - at);
    std::smatch parts;
    ASSERT_TRUE(std::regex_match(one, parts, shape)) << one;
    EXPECT_EQ(std::stoi(parts[2]), next[std::stoul(parts[1])]++);
  }
  EXPECT_THAT(next, testing::Each(500));
}

TEST_F(logger, drops_lines_that_nobody_reads_and_says_how_many) {
  use(format::text);
  start();
  const std::string kilobyte(1000, 'x');
  constexpr std::size_t sent = 8000;  // more than pipe and both buffers hold
  for (std::size_t i = 0; i < sent; ++i)
    GONETS_LOG(info, "e", "text", kilobyte);
  std::string all;
  std::thread reader([&] { all = read_to_end(); });
  stop();
  close(std::exchange(ends_[1], -1));
  reader.join();

  std::size_t lines = 0, dropped = 0;
  const std::string_view notice = " level=warning event=log_lines_dropped count=";
  for (std::size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1) {
    const std::string one = all.substr(at, end - at);
    const std::size_t found = one.find(notice);
    if (found == std::string::npos) {
      ++lines;
    } else {
      dropped += std::stoul(one.substr(found + notice.size()));
    }
  }
  EXPECT_GT(dropped, 0u);
  EXPECT_EQ(lines + dropped, sent);
}

TEST_F(logger, keeps_a_line_whole_that_is_built_within_another) {
  use(format::text);
  const auto value = [] {
    GONETS_LOG(info, "inner", "a", 1);
    return "b";
  };
  GONETS_LOG(info, "outer", "value", value());
  const std::string text = written();
  EXPECT_THAT(text, HasSubstr("event=inner a=1\n"));
  EXPECT_THAT(text, HasSubstr("event=outer value=b\n"));
}

TEST_F(logger, survives_a_format_that_changes_while_a_line_is_built) {
  use(format::json);
  {
    line one(level::info, "e");
    configure(level::info, format::text, ends_[1]);
    one.add("a", "b");
  }
  EXPECT_EQ(boost::json::parse(written()).at("a"), "b");
}

TEST_F(logger, starts_and_stops_more_than_once) {
  use(format::text);
  start();
  start();
  GONETS_LOG(info, "first");
  stop();
  stop();
  GONETS_LOG(info, "between");
  start();
  GONETS_LOG(info, "last");
  const std::string text = written();
  EXPECT_LT(text.find("event=first"), text.find("event=between"));
  EXPECT_LT(text.find("event=between"), text.find("event=last"));
  EXPECT_THAT(text, HasSubstr("event=last\n"));
}

}  // namespace
}  // namespace gonets::log
