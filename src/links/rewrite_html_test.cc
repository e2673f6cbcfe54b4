#include "links/rewrite_html.h"

#include <gmock/gmock.h>

#include "links/detail/html_limits.h"

namespace gonets::links {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view unchanged = "(unchanged)";

std::string clicked(std::string_view html) {
  const html_changes changes{.click = [](std::string_view) { return "https://t.test/c/1"; }};
  return rewrite_html(html, changes).value_or(std::string(unchanged));
}
std::string pictured(std::string_view html) {
  return rewrite_html(html, {.click = {}, .picture = "https://t.test/o/1"}).value_or(std::string(unchanged));
}
// What `click` was asked for.
std::vector<std::string> urls(std::string_view html) {
  std::vector<std::string> asked;
  html_changes changes;
  changes.click = [&](std::string_view url) {
    asked.emplace_back(url);
    return std::string();
  };
  EXPECT_EQ(rewrite_html(html, changes), std::nullopt);
  return asked;
}
std::string repeated(std::string_view text, std::size_t times) {
  std::string all;
  for (; times > 0; --times)
    all += text;
  return all;
}
const std::string picture =
    R"(<img src="https://t.test/o/1" width="1" height="1" alt="" style="border:0;width:1px;height:1px">)";

TEST(rewrite_html, keeps_all_bytes_but_the_address) {
  EXPECT_EQ(clicked("\t<P  Class=x>a &amp b <a  HREF = \"http://a.test/\"\r\n title='x>y'>l\xc3\xa4nk</A >\r\n\r\n"),
            "\t<P  Class=x>a &amp b <a  HREF = \"https://t.test/c/1\"\r\n title='x>y'>l\xc3\xa4nk</A >\r\n\r\n");
}

TEST(rewrite_html, keeps_the_quotes_and_adds_missing_ones) {
  EXPECT_EQ(clicked("<a href='http://a.test/'>"), "<a href='https://t.test/c/1'>");
  EXPECT_EQ(clicked("<a href=http://a.test/>x"), "<a href=\"https://t.test/c/1\">x");
  EXPECT_EQ(clicked("<a href=http://a.test/\r\nid=b>x"), "<a href=\"https://t.test/c/1\"\r\nid=b>x");
}

TEST(rewrite_html, escapes_what_it_puts_in) {
  const html_changes changes{.click = [](std::string_view) { return "https://t.test/?a=1&b='\"<>"; },
                             .picture = "https://t.test/?o=1&p=\""};
  const auto html = rewrite_html("<a href='http://a.test/'>", changes);
  ASSERT_TRUE(html);
  EXPECT_TRUE(html->starts_with("<a href='https://t.test/?a=1&amp;b=&#39;&quot;&lt;&gt;'><img ")) << *html;
  EXPECT_THAT(*html, testing::HasSubstr("src=\"https://t.test/?o=1&amp;p=&quot;\""));
}

TEST(rewrite_html, asks_for_the_address_that_a_browser_would_open) {
  EXPECT_THAT(urls("<a href=\"http://a.test/?a=1&amp;b=2&#38;c=3\">"), ElementsAre("http://a.test/?a=1&b=2&c=3"));
  EXPECT_THAT(urls("<a href=' \r\n\thttps://a.test/ \f'>"), ElementsAre("https://a.test/"));
  EXPECT_THAT(urls("<a href='&#104;ttp://a.test/&eacute;'>"), ElementsAre("http://a.test/\xc3\xa9"));
  EXPECT_THAT(urls("<a href='http://a.test/\xc3\xa9'>"), ElementsAre("http://a.test/\xc3\xa9"));
}

TEST(rewrite_html, asks_for_links_and_areas_in_any_case_and_in_their_order) {
  EXPECT_THAT(urls("<A HREF='HTTP://a.test/1'></A><MAP><AREA HREF=HttpS://a.test/2></MAP><link href='http://a.test/x'>"
                   "<table><a href='http://a.test/3'></a><tr><td><a href='http://a.test/4'></table><base "
                   "href='http://a.test/y'>"),
              ElementsAre("HTTP://a.test/1", "HttpS://a.test/2", "http://a.test/3", "http://a.test/4"));
}

TEST(rewrite_html, leaves_addresses_that_are_not_absolute_http) {
  for (const auto* url : {"mailto:a@b.test", "tel:+1", "#top", "/x", "x.html", "//a.test/", "javascript:alert(1)",
                          "http:", "http://", "https:/a.test", "ftp://a.test/", "xhttp://a.test/", "", "  "})
    EXPECT_THAT(urls("<a href=\"" + std::string(url) + "\">x</a>"), IsEmpty()) << url;
  EXPECT_THAT(urls("<a>x</a><a href>y</a><a name='http://a.test/'>z</a>"), IsEmpty());
}

TEST(rewrite_html, leaves_addresses_with_control_characters) {
  EXPECT_THAT(urls("<a href='http://a.test/\r\nx'><a href='http://a.test/&#9;x'><a href='http://a.test/\x7f'>"),
              IsEmpty());
  EXPECT_THAT(urls({"<a href='http://a.test/\0'>", 26}), IsEmpty());
}

TEST(rewrite_html, leaves_addresses_whose_bytes_are_of_another_charset) {
  EXPECT_THAT(urls("<a href='http://a.test/\xe9'>"), IsEmpty());
  EXPECT_EQ(clicked("\xe9<a href='http://a.test/' title='\xe9'>\xe9"),
            "\xe9<a href='https://t.test/c/1' title='\xe9'>\xe9");
}

TEST(rewrite_html, leaves_long_addresses) {
  const std::string longest = "http://a.test/" + std::string(url_bytes_max - 14, 'x');
  EXPECT_THAT(urls("<a href=" + longest + ">"), ElementsAre(longest));
  EXPECT_THAT(urls("<a href=" + longest + "x>"), IsEmpty());
}

TEST(rewrite_html, leaves_links_that_say_so_and_their_attribute) {
  EXPECT_EQ(
      clicked(
          "<a data-gonets-no-track href='http://a.test/'>a</a><a href='http://b.test/' DATA-GONETS-NO-TRACK=''>b</a>"),
      unchanged);
  EXPECT_EQ(clicked("<a data-gonets-no-track href='http://a.test/'>a</a><a href='http://b.test/'>b</a>"),
            "<a data-gonets-no-track href='http://a.test/'>a</a><a href='https://t.test/c/1'>b</a>");
}

TEST(rewrite_html, leaves_what_only_looks_like_a_link) {
  const std::string link = "<a href='http://a.test/'>x</a>";
  for (const auto* around : {"<!-- | -->", "<!--[if mso]>|<![endif]-->", "<script>|</script>", "<style>|</style>",
                             "<textarea>|</textarea>", "<title>|</title>", "<template>|</template>", "<xmp>|</xmp>",
                             "<svg>|</svg>", "<img alt=\"|\">", "<plaintext>|", "&lt;| ", "<!-- |"}) {
    std::string html = around;
    const bool entity = html.starts_with("&lt;");
    html.replace(html.find('|'), 1, entity ? link.substr(1) : link);
    EXPECT_EQ(clicked(html), unchanged) << html;
  }
}

TEST(rewrite_html, takes_the_first_of_two_addresses) {
  EXPECT_EQ(clicked("<a href='http://a.test/' href='http://b.test/'>"),
            "<a href='https://t.test/c/1' href='http://b.test/'>");
  EXPECT_EQ(clicked("<a href='#' href='http://b.test/'>"), unchanged);
}

TEST(rewrite_html, asks_once_for_a_link_that_the_parser_clones) {
  EXPECT_THAT(urls("<p><a href='http://a.test/'>x<p>y<div>z</p></a>"), ElementsAre("http://a.test/"));
  EXPECT_EQ(clicked("<a href='http://a.test/'><p>x<div>y</a>z</div>"),
            "<a href='https://t.test/c/1'><p>x<div>y</a>z</div>");
}

TEST(rewrite_html, changes_only_the_links_that_an_address_is_given_for) {
  const html_changes changes{.click = [](std::string_view url) { return url.ends_with('2') ? "https://t.test/" : ""; }};
  EXPECT_EQ(rewrite_html("<a href='http://a.test/1'></a><a href='http://a.test/2'></a>", changes),
            "<a href='http://a.test/1'></a><a href='https://t.test/'></a>");
}

TEST(rewrite_html, puts_in_no_address_that_could_break_a_line_or_a_charset) {
  for (const auto* address : {"https://t.test/\r\nx", "https://t.test/a b", "https://t.test/\xc3\xa9"}) {
    const html_changes changes{.click = [&](std::string_view) { return address; }, .picture = address};
    EXPECT_EQ(rewrite_html("<a href='http://a.test/'>", changes), std::nullopt) << address;
  }
}

TEST(rewrite_html, puts_the_picture_before_the_end_of_the_body) {
  EXPECT_EQ(pictured("<html><BODY>x</BODY >\r\n</html>\r\n"), "<html><BODY>x" + picture + "</BODY >\r\n</html>\r\n");
  EXPECT_EQ(pictured("x</body>y"), "x" + picture + "</body>y");
  EXPECT_EQ(pictured("<body>x</body></html><!-- </body> -->"), "<body>x" + picture + "</body></html><!-- </body> -->");
  EXPECT_EQ(pictured("<body><!-- </body> --><p>x</p></body>"), "<body><!-- </body> --><p>x</p>" + picture + "</body>");
  EXPECT_EQ(pictured("<body>x</body>y</body>z"), "<body>x</body>y" + picture + "</body>z");
}

TEST(rewrite_html, puts_the_picture_at_the_end_where_the_body_has_none) {
  EXPECT_EQ(pictured("x"), "x" + picture);
  EXPECT_EQ(pictured("<p>x</p>\r\n"), "<p>x</p>" + picture + "\r\n");
  EXPECT_EQ(pictured("<body>x<!-- </body> -->"), "<body>x<!-- </body> -->" + picture);
}

TEST(rewrite_html, puts_the_picture_between_links_in_its_place) {
  const html_changes changes{.click = [](std::string_view) { return "u:"; }, .picture = "https://t.test/o/1"};
  EXPECT_EQ(rewrite_html("<body><a href=http://a.test>a</a></body><a href=http://b.test>b</a>", changes),
            "<body><a href=\"u:\">a</a>" + picture + "</body><a href=\"u:\">b</a>");
}

TEST(rewrite_html, leaves_a_blank_text) {
  EXPECT_EQ(pictured(""), unchanged);
  EXPECT_EQ(pictured(" \r\n"), unchanged);
}

TEST(rewrite_html, leaves_more_tags_than_the_limit) {
  const std::string link = "<a href='http://a.test/'>x</a>";
  EXPECT_NE(clicked(link + repeated("<br>", tags_max - 1)), unchanged);
  EXPECT_EQ(clicked(link + repeated("<br>", tags_max)), unchanged);
  EXPECT_NE(clicked(link + repeated("</p>", tags_max - 1)), unchanged);
  EXPECT_EQ(clicked(link + repeated("</p>", tags_max)), unchanged);
  EXPECT_NE(clicked(link + repeated("a < b ", tags_max)), unchanged);
}

TEST(rewrite_html, leaves_more_attributes_than_the_limit) {
  const std::string link = "<a href='http://a.test/'>x</a>";
  EXPECT_NE(clicked(link + "<p " + repeated("a ", attributes_max - 1) + '>'), unchanged);
  EXPECT_EQ(clicked(link + "<p " + repeated("a ", attributes_max) + '>'), unchanged);
  EXPECT_EQ(clicked(link + "<p " + repeated("a=\">\"", attributes_max) + '>'), unchanged);
  // Where a tag would begin if this were no comment, all that follows is a value.
  EXPECT_EQ(clicked(link + "<!-- <p x=' --><p " + repeated("a ", attributes_max) + '>'), unchanged);
  // Words are no attributes.
  EXPECT_NE(clicked(link + repeated("a ", 4 * attributes_max)), unchanged);
}

TEST(rewrite_html, leaves_a_text_over_the_limit) {
  const std::string link = "<a href='http://a.test/'>x</a>";
  EXPECT_NE(clicked(link + std::string(html_bytes_max - link.size(), 'x')), unchanged);
  EXPECT_EQ(clicked(link + std::string(html_bytes_max - link.size() + 1, 'x')), unchanged);
}

TEST(rewrite_html, leaves_framesets) {
  EXPECT_EQ(clicked("<FrameSet><frame></frameset><a href='http://a.test/'>"), unchanged);
}

TEST(rewrite_html, survives_a_deep_tree) {
  const auto html = repeated("<div>", tags_max - 1) + "<a href='http://a.test/'>x</a>";
  EXPECT_NE(clicked(html), unchanged);
}

TEST(rewrite_html, leaves_a_text_that_would_take_much_memory) {
  std::string html = "<a href='http://a.test/'>x</a><p>";
  for (int i = 0; i < 3000; ++i)
    html += "<b i" + std::to_string(i) + '>';
  EXPECT_EQ(clicked(html + repeated("<p>x", 4000)), unchanged);
}

TEST(rewrite_html, has_room_for_a_text_of_as_many_tags_as_there_may_be) {
  std::string html;
  for (std::size_t i = 0; i < tags_max / 2 - 1; ++i)
    html += "<td bgcolor=#ffffff><b>x</b></td>";
  EXPECT_NE(clicked("<a href='http://a.test/'>x</a>" + html), unchanged);
}

}  // namespace
}  // namespace gonets::links
