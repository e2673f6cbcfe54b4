#include "sinks/jsonl_files.h"

#include <gmock/gmock.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's
#include <zstd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "config/sink.h"
#include "events/filter.h"

namespace gonets::sinks {
namespace {
namespace fs = std::filesystem;
using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const wall_time noon{std::chrono::milliseconds(1'772'366'400'000)};  // 2026-03-01 12:00

// Whole frames, and of one that has not ended what can be read.
std::string unpacked(const std::string& bytes) {
  std::string text;
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  char block[4096];
  for (bool more = true; more;) {
    ZSTD_outBuffer out{block, sizeof block, 0};
    const auto result = ZSTD_decompressStream(context.get(), &out, &in);
    EXPECT_EQ(ZSTD_isError(result), 0u) << ZSTD_getErrorName(result);
    if (ZSTD_isError(result) != 0) break;
    text.append(block, out.pos);
    more = out.pos == sizeof block || in.pos < in.size;
  }
  return text;
}

// Whether all frames have ended, as tools want it.
bool is_whole(const std::string& bytes) {
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto frame = ZSTD_findFrameCompressedSize(rest.data(), rest.size());
    if (ZSTD_isError(frame) != 0) return false;
    rest.remove_prefix(frame);
  }
  return true;
}

class jsonl_files_test : public testing::TestWithParam<bool> {
 protected:
  jsonl_files_test() {
    std::string folder = fs::temp_directory_path() / "gonets-sink-XXXXXX";
    options_.name = "s";
    options_.folder = ::mkdtemp(folder.data());
    options_.compress = GetParam();
    start();
  }
  ~jsonl_files_test() override { fs::remove_all(options_.folder); }

  // As after a kill -9: what is on the disk stays as it is. The cursor.
  std::uint64_t start() {
    files_.emplace(options_);
    const auto cursor = files_->open();
    EXPECT_TRUE(cursor) << cursor.error();
    return cursor.value_or(event_seq{~0ULL}).value;
  }
  void append(std::uint64_t seq, wall_time now = noon) {
    line_batch one{"{\"seq\":" + std::to_string(seq) + "}\n", {{.seq = event_seq{seq}}}};
    one.marks[0].end = one.text.size();
    const auto done = files_->append(one, event_seq{seq}, now);
    ASSERT_TRUE(done) << done.error();
  }
  void commit() { ASSERT_TRUE(files_->commit()); }
  void rotate(wall_time now) {
    const auto done = files_->tend(now);
    ASSERT_TRUE(done) << done.error();
  }
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(options_.folder)) {
      if (entry.path().extension() != ".cursor") all.push_back(entry.path().filename());
    }
    std::ranges::sort(all);
    return all;
  }
  std::string raw(const std::string& name) const {
    std::ifstream file(options_.folder + '/' + name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string text(const std::string& name) const { return options_.compress ? unpacked(raw(name)) : raw(name); }
  std::string ending() const { return options_.compress ? ".jsonl.zst" : ".jsonl"; }

  jsonl_options options_;
  std::optional<jsonl_files> files_;
};
INSTANTIATE_TEST_SUITE_P(, jsonl_files_test, testing::Bool(),
                         [](const auto& of) { return of.param ? "compressed" : "plain"; });

TEST_P(jsonl_files_test, can_be_read_while_they_are_written) {
  append(1);
  append(2);
  ASSERT_THAT(names(), ElementsAre("s-20260301T120000Z-000000000001" + ending() + ".part"));
  EXPECT_EQ(text(names()[0]), "{\"seq\":1}\n{\"seq\":2}\n");
}

TEST_P(jsonl_files_test, begin_no_file_for_events_that_are_not_wanted) {
  ASSERT_TRUE(files_->append({}, event_seq{9}, noon));
  commit();
  EXPECT_THAT(names(), IsEmpty());
  EXPECT_EQ(start(), 9u);
}

TEST_P(jsonl_files_test, lose_the_ending_part_when_they_are_old_and_are_whole_then) {
  append(1);
  rotate(noon + 59min);
  EXPECT_TRUE(names()[0].ends_with(".part"));
  rotate(noon + 60min);
  append(2, noon + 61min);
  ASSERT_THAT(names(), ElementsAre("s-20260301T120000Z-000000000001" + ending(),
                                   "s-20260301T130100Z-000000000002" + ending() + ".part"));
  EXPECT_EQ(text(names()[0]), "{\"seq\":1}\n");
  if (options_.compress) {
    EXPECT_TRUE(is_whole(raw(names()[0])));
  }
}

TEST_P(jsonl_files_test, are_finished_when_they_are_large) {
  options_.rotate_bytes = 20;
  start();
  append(1);
  append(2);
  append(3);
  rotate(noon);
  EXPECT_FALSE(names()[0].ends_with(".part"));
}

TEST_P(jsonl_files_test, go_on_after_a_kill_with_each_event_once) {
  append(1);
  commit();
  append(2);
  EXPECT_EQ(start(), 1u) << "the second was not committed";
  append(2);
  append(3);
  commit();
  EXPECT_EQ(start(), 3u);
  append(4);
  rotate(noon + 1h);
  ASSERT_THAT(names(), SizeIs(1));
  EXPECT_EQ(text(names()[0]), "{\"seq\":1}\n{\"seq\":2}\n{\"seq\":3}\n{\"seq\":4}\n");
  if (options_.compress) {
    EXPECT_TRUE(is_whole(raw(names()[0])));
  }
}

TEST_P(jsonl_files_test, have_no_trace_of_a_file_that_was_begun_and_never_committed) {
  append(1);
  EXPECT_EQ(start(), 0u);
  EXPECT_THAT(names(), IsEmpty());
}

// Every state of the disk that a kill in the middle of finishing a file can leave.
TEST_P(jsonl_files_test, survive_a_kill_at_each_step_of_finishing) {
  append(1);
  commit();
  const auto part = names().at(0);
  const auto name = part.substr(0, part.size() - 5);
  const auto cursor_before = raw("s.cursor");
  const auto bytes_before = raw(part);
  rotate(noon + 1h);
  const auto whole = raw(name);
  const auto cursor_after = raw("s.cursor");

  const auto put = [&](const std::string& file, const std::string& content) {
    std::ofstream(options_.folder + '/' + file, std::ios::binary) << content;
  };
  const auto finish_again = [&] {
    EXPECT_EQ(start(), 1u);
    rotate(noon + 2h);
    append(2, noon + 2h);
    commit();
    EXPECT_EQ(text(name), "{\"seq\":1}\n");
    if (options_.compress) {
      EXPECT_TRUE(is_whole(raw(name)));
    }
    EXPECT_THAT(names(), SizeIs(2));
    for (const auto& each : names())
      fs::remove(options_.folder + '/' + each);
  };
  // The end was written, nothing tells of it.
  put(part, whole);
  fs::remove(options_.folder + '/' + name);
  put("s.cursor", cursor_before);
  finish_again();
  // The state tells of the whole file, which still has its ending.
  put(part, whole);
  put("s.cursor", encode(state{event_seq{1}, open_part{name, whole.size(), false, noon}}));
  finish_again();
  // It was renamed, and the state does not tell.
  put(name, whole);
  put("s.cursor", encode(state{event_seq{1}, open_part{name, whole.size(), false, noon}}));
  finish_again();
  EXPECT_EQ(cursor_after, encode(state{event_seq{1}, {}}));
  EXPECT_LE(bytes_before.size(), whole.size());
}

TEST_P(jsonl_files_test, put_a_file_aside_that_has_lost_what_was_committed) {
  append(1);
  commit();
  const auto part = names().at(0);
  fs::resize_file(options_.folder + '/' + part, 3);
  EXPECT_EQ(start(), 1u);
  append(2, noon + 1min);
  EXPECT_THAT(names(), testing::Contains(part.substr(0, part.size() - 5) + ".damaged"));
  EXPECT_THAT(names(), SizeIs(2));
}

TEST_P(jsonl_files_test, keep_as_many_finished_files_as_they_should) {
  options_.keep_files = 2;
  start();
  std::ofstream(options_.folder + "/s-other.jsonl") << "not ours";
  for (int hour = 0; hour < 5; ++hour) {
    append(static_cast<std::uint64_t>(hour) + 1, noon + std::chrono::hours(hour));
    rotate(noon + std::chrono::hours(hour + 1));
  }
  EXPECT_THAT(names(), ElementsAre("s-20260301T150000Z-000000000004" + ending(),
                                   "s-20260301T160000Z-000000000005" + ending(), "s-other.jsonl"));
}

TEST_P(jsonl_files_test, delete_finished_files_that_are_too_old) {
  options_.keep_for = 24h;
  start();
  append(1);
  rotate(noon + 1h);
  const auto first = options_.folder + '/' + names().at(0);
  fs::last_write_time(first, fs::file_time_type::clock::from_sys(noon));
  append(2, noon + 23h);
  rotate(noon + 24h);
  EXPECT_TRUE(fs::exists(first));
  append(3, noon + 25h);
  rotate(noon + 26h);
  EXPECT_FALSE(fs::exists(first));
}

TEST_P(jsonl_files_test, say_what_is_wrong_with_the_folder_and_go_on_when_it_is_mended) {
  append(1);
  commit();
  const auto folder = options_.folder;
  const auto kept = folder + ".away";
  fs::rename(folder, kept);
  std::ofstream(folder) << "a file";
  files_.emplace(options_);
  const auto refused = files_->open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), testing::StartsWith(folder));
  fs::remove(folder);
  fs::rename(kept, folder);
  EXPECT_EQ(start(), 1u);
}

TEST_P(jsonl_files_test, do_not_begin_anew_with_a_cursor_that_is_not_understood) {
  std::ofstream(options_.folder + "/s.cursor") << "gonets-sink 9\n";
  files_.emplace(options_);
  const auto refused = files_->open();
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error(), testing::HasSubstr("s.cursor"));
}

TEST(sink_kinds, are_those_of_the_event_log) {
  for (const auto word : events::kind_words())
    EXPECT_TRUE(config::is_event_kind(word)) << word;
  EXPECT_FALSE(config::is_event_kind("unknown"));
}

}  // namespace
}  // namespace gonets::sinks
