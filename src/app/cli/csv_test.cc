#include "app/cli/csv.h"

#include <gmock/gmock.h>

#include <optional>
#include <sstream>

namespace gonets::app::cli {
namespace {
using ::testing::ElementsAre;

class csv : public ::testing::Test {
 protected:
  void read(std::string text, std::string separators = ",") {
    in_.str(std::move(text));
    reader_.emplace(in_, std::move(separators));
  }
  std::vector<std::string> next() {
    std::vector<std::string> fields;
    last_ = reader_->next(fields);
    return last_ == csv_reader::outcome::record ? fields : std::vector<std::string>();
  }
  std::istringstream in_;
  std::optional<csv_reader> reader_;
  csv_reader::outcome last_{};
};

TEST_F(csv, has_fields_in_quotes_and_lines_of_either_end) {
  read("a,b\r\n\"x, y\",\"say \"\"hi\"\"\"\n\n\"two\r\nlines\",\nlast,5\"");
  EXPECT_THAT(next(), ElementsAre("a", "b"));
  EXPECT_THAT(next(), ElementsAre("x, y", "say \"hi\""));
  EXPECT_EQ(reader_->line(), 2u);
  EXPECT_THAT(next(), ElementsAre("two\r\nlines", ""));
  EXPECT_EQ(reader_->line(), 4u);
  EXPECT_THAT(next(), ElementsAre("last", "5\""));
  EXPECT_EQ(reader_->line(), 6u);
  next();
  EXPECT_EQ(last_, csv_reader::outcome::end);
}

TEST_F(csv, ends_fields_at_any_of_its_separators) {
  read("a;b\tc,d\n", ",;\t");
  EXPECT_THAT(next(), ElementsAre("a", "b", "c", "d"));
  EXPECT_EQ(reader_->separator(), ';');
}

TEST_F(csv, passes_over_a_record_without_an_end) {
  read("\"" + std::string(csv_record_bytes_max, 'x') + "\nnext,1\n");
  next();
  EXPECT_EQ(last_, csv_reader::outcome::too_long);
  EXPECT_THAT(next(), ElementsAre("next", "1"));
}

TEST_F(csv, reads_back_what_it_writes) {
  for (const std::string text : {"plain", "", "a,b", "\"", "x\r\ny", " ", "ünï", "a\"b", ";\t"}) {
    read("first," + csv_field(text) + "\r\n");
    EXPECT_THAT(next(), ElementsAre("first", text));
  }
}

}  // namespace
}  // namespace gonets::app::cli
