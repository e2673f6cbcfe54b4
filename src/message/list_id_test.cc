#include "message/list_id.h"

#include <gtest/gtest.h>

namespace gonets::message {
namespace {

TEST(list_id, is_what_stands_in_the_brackets_in_lower_case) {
  EXPECT_EQ(list_id_of("<weekly.example.com>"), "weekly.example.com");
  EXPECT_EQ(list_id_of("Weekly News <Weekly.Example.COM>"), "weekly.example.com");
  EXPECT_EQ(list_id_of("\"News <for all>\"\r\n <da39efc25c530ad145d41b86f7420c3b.021999.localhost> (ours)"),
            "da39efc25c530ad145d41b86f7420c3b.021999.localhost");
}

TEST(list_id, is_none_where_it_is_not_well_formed) {
  for (const auto* value :
       {"", "weekly.example.com", "<>", "<week ly>", "weekly>", "<weekly", "> <", "<\xD0\xB0.example.com>"})
    EXPECT_EQ(list_id_of(value), "") << value;
  EXPECT_EQ(list_id_of('<' + std::string(list_id_bytes_max + 1, 'a') + '>'), "");
  EXPECT_EQ(list_id_of('<' + std::string(list_id_bytes_max, 'a') + '>').size(), list_id_bytes_max);
}

}  // namespace
}  // namespace gonets::message
