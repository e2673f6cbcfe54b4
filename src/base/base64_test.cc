#include "base/base64.h"

#include <gtest/gtest.h>

namespace gonets {
namespace {

TEST(base64, reproduces_the_vectors_of_rfc_4648) {
  constexpr std::pair<std::string_view, std::string_view> vectors[] = {{"", ""},
                                                                       {"f", "Zg=="},
                                                                       {"fo", "Zm8="},
                                                                       {"foo", "Zm9v"},
                                                                       {"foob", "Zm9vYg=="},
                                                                       {"fooba", "Zm9vYmE="},
                                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [octets, text] : vectors) {
    EXPECT_EQ(encode_base64(octets), text);
    EXPECT_EQ(decode_base64(text), octets);
  }
}

TEST(base64, carries_every_octet) {
  std::string all;
  for (int i = 0; i < 256; ++i)
    all += static_cast<char>(i);
  EXPECT_EQ(decode_base64(encode_base64(all)), all);
}

TEST(base64, takes_nothing_that_it_would_not_have_written) {
  for (const auto* text :
       {"Z", "Zg", "Zg=", "Zg===", "====", "Zh==", "Zm9=", " Zg=", "Zg==\n", "Zg==Zg==", "Z-_A", "=Zg="}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace gonets
