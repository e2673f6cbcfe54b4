#include "links/rewrite_message.h"

#include <gmock/gmock.h>

#include "base/base64.h"

namespace gonets::links {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

const std::string link = "<a href=\"http://a.test/?x=1&amp;y=2\">x</a>";
const std::string tracked = "<a href=\"https://t.test/c/1\">x</a>";
const std::string image =
    R"(<img src="https://t.test/o/1" width="1" height="1" alt="" style="border:0;width:1px;height:1px">)";
constexpr std::string_view unchanged = "(unchanged)";

std::string fields(std::string_view type, std::string_view more = "") {
  return "From: a@b.test\r\nMIME-Version: 1.0\r\nContent-Type: " + std::string(type) + "\r\n" + std::string(more);
}
std::string clicked(std::string_view header, std::string_view body) {
  const html_changes changes{.click = [](std::string_view) { return "https://t.test/c/1"; }};
  return rewrite_message(header, body, changes).value_or(std::string(unchanged));
}
std::string pictured(std::string_view header, std::string_view body) {
  return rewrite_message(header, body, {.click = {}, .picture = "https://t.test/o/1"}).value_or(std::string(unchanged));
}
std::string part(std::string_view boundary, std::string_view type, std::string_view content,
                 std::string_view more = "") {
  return "--" + std::string(boundary) + "\r\nContent-Type: " + std::string(type) + "\r\n" + std::string(more) + "\r\n" +
         std::string(content) + "\r\n";
}
std::string html_part(std::string_view boundary, std::string_view content, std::string_view more = "") {
  return part(boundary, "text/html; charset=utf-8", content, more);
}
std::string close(std::string_view boundary) {
  return "--" + std::string(boundary) + "--\r\n";
}
std::size_t longest_line(std::string_view text) {
  std::size_t longest = 0;
  while (!text.empty()) {
    const auto end = std::min(text.find("\r\n"), text.size());
    longest = std::max(longest, end);
    text.remove_prefix(std::min(end + 2, text.size()));
  }
  return longest;
}

TEST(rewrite_message, changes_html_that_is_all_of_the_body) {
  EXPECT_EQ(clicked(fields("text/html"), link + "\r\n"), tracked + "\r\n");
  EXPECT_EQ(clicked(fields("Text/HTML ; charset=\"UTF-8\" (a comment)"), link + "\r\n"), tracked + "\r\n");
  EXPECT_EQ(pictured(fields("text/html;\r\n\tcharset=utf-8;"), "x\r\n"), "x" + image + "\r\n");
}

TEST(rewrite_message, leaves_what_is_not_said_to_be_html) {
  EXPECT_EQ(clicked("From: a@b.test\r\n", link), unchanged);
  EXPECT_EQ(clicked("From: a@b.test\r\nContent-Type: text/html\r\n", link), unchanged);
  EXPECT_EQ(clicked("MIME-Version: 1.0\r\n", link), unchanged);
  EXPECT_EQ(clicked(fields("text/plain"), link), unchanged);
  EXPECT_EQ(clicked(fields("text/html-x"), link), unchanged);
  EXPECT_EQ(clicked(fields("text/html x"), link), unchanged);
  EXPECT_EQ(clicked(fields("text/html; charset=utf-8; charset=us-ascii"), link), unchanged);
  EXPECT_EQ(clicked(fields("text/html", "Content-Type: text/plain\r\n"), link), unchanged);
}

TEST(rewrite_message, changes_html_in_nested_multiparts_and_nothing_else) {
  const auto around = [](const std::string& html) {
    return "preamble " + link + "\r\n" + "--m\r\nContent-Type: multipart/related; boundary=\"r r\"\r\n\r\n" +
           "--r r\r\nContent-Type: multipart/alternative;\r\n boundary=a\r\n\r\n" + part("a", "text/plain", link) +
           html_part("a", html) + "--a-- \t\r\nepilogue " + link + "\r\n" + part("r r", "image/png", link) +
           close("r r") + "\r\n" + part("m", "application/octet-stream", link) + close("m") + "epilogue " + link +
           "\r\n";
  };
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), around(link)), around(tracked));
}

TEST(rewrite_message, gives_the_picture_to_the_first_html_and_links_to_all) {
  const html_changes changes{.click = [](std::string_view) { return "https://t.test/c/1"; },
                             .picture = "https://t.test/o/1"};
  EXPECT_EQ(rewrite_message(fields("multipart/mixed; boundary=m"),
                            html_part("m", link) + html_part("m", link) + close("m"), changes),
            html_part("m", tracked + image) + html_part("m", tracked) + close("m"));
}

TEST(rewrite_message, gives_the_picture_to_the_next_html_when_the_first_stays) {
  const auto body = [](const std::string& html) {
    return part("m", "text/html; charset=utf-16", "x") + html_part("m", "x", "Content-Disposition: attachment\r\n") +
           html_part("m", html) + close("m");
  };
  EXPECT_EQ(pictured(fields("multipart/mixed; boundary=m"), body("x")), body("x" + image));
}

TEST(rewrite_message, leaves_what_is_signed_or_encrypted) {
  for (const auto* type : {"multipart/signed; protocol=\"x/y\"; boundary=s", "Multipart/Encrypted; boundary=s"}) {
    const auto body = html_part("s", link) + close("s");
    EXPECT_EQ(clicked(fields(type), body), unchanged);
    const auto nested = [&](const std::string& html) {
      return part("m", type, body) + html_part("m", html) + close("m");
    };
    EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), nested(link)), nested(tracked));
  }
}

TEST(rewrite_message, leaves_other_messages) {
  const auto inner = fields("text/html") + "\r\n" + link;
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), part("m", "message/rfc822", inner) + close("m")), unchanged);
  EXPECT_EQ(clicked(fields("message/rfc822"), inner), unchanged);
  // The default type of a digest's parts is a message.
  EXPECT_EQ(clicked(fields("multipart/digest; boundary=m"), "--m\r\n\r\n" + inner + "\r\n--m--\r\n"), unchanged);
}

TEST(rewrite_message, leaves_attachments) {
  const auto type = fields("multipart/mixed; boundary=m");
  for (const auto* disposition : {"attachment", "ATTACHMENT;\r\n filename=a.html", "(x) attachment", "unknown", ""}) {
    const auto more = "content-disposition: " + std::string(disposition) + "\r\n";
    EXPECT_EQ(clicked(type, html_part("m", link, more) + close("m")), unchanged) << disposition;
  }
  const auto* shown = "Content-Disposition: Inline; filename=a.html\r\n";
  EXPECT_EQ(clicked(type, html_part("m", link, shown) + close("m")), html_part("m", tracked, shown) + close("m"));
}

TEST(rewrite_message, leaves_charsets_and_encodings_that_it_does_not_know) {
  for (const auto* charset : {"utf-16", "utf-7", "iso-2022-jp", "shift_jis", "gb18030", "x"})
    EXPECT_EQ(clicked(fields("text/html; charset=" + std::string(charset)), link), unchanged) << charset;
  for (const auto* charset : {"ISO-8859-15", "windows-1252", "KOI8-R", "us-ascii"})
    EXPECT_EQ(clicked(fields("text/html; charset=" + std::string(charset)), link), tracked) << charset;
  for (const auto* encoding : {"x-uuencode", "quoted-printable x", "", "7 bit"})
    EXPECT_EQ(clicked(fields("text/html", "Content-Transfer-Encoding: " + std::string(encoding) + "\r\n"), link),
              unchanged)
        << encoding;
  for (const auto* encoding : {"7bit", "8BIT", "binary"})
    EXPECT_EQ(clicked(fields("text/html", "Content-Transfer-Encoding: " + std::string(encoding) + "\r\n"), link),
              tracked)
        << encoding;
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m", "Content-Transfer-Encoding: base64\r\n"),
                    html_part("m", link) + close("m")),
            unchanged);
}

// ---- quoted-printable ---------------------------------------------------------------------------------------------

const auto quoted = fields("text/html; charset=utf-8", "Content-Transfer-Encoding: Quoted-Printable\r\n");

TEST(rewrite_message, encodes_quoted_printable_as_it_was) {
  EXPECT_EQ(clicked(quoted,
                    "Gr=C3=BC=C3=9Fe <a href=3D\"http://a.te=\r\nst/\">x</a>=20\r\nsecond  line\t=\r\n\r\n\r\n=3d\r\n"),
            "Gr=C3=BC=C3=9Fe <a href=3D\"https://t.test/c/1\">x</a>=20\r\nsecond  line=09\r\n\r\n=3D\r\n");
}

TEST(rewrite_message, breaks_quoted_printable_lines_softly_at_76_columns) {
  std::string text;
  for (int i = 0; i < 300; ++i)
    text += i % 3 == 0 ? "=C3=A9=\r\n" : i % 3 == 1 ? "ab " : "=3D";
  const auto got = clicked(quoted, text + "<a href=3Dhttp://a.test/>");
  EXPECT_EQ(longest_line(got), 76u);
  std::string joined;
  for (std::size_t at = 0; at < got.size();) {
    const auto soft = std::min(got.find("=\r\n", at), got.size());
    joined += got.substr(at, soft - at);
    at = soft + 3;
  }
  EXPECT_TRUE(joined.starts_with("=C3=A9ab =3D=C3=A9ab =3D")) << joined;
  EXPECT_TRUE(joined.ends_with("ab =3D<a href=3D\"https://t.test/c/1\">")) << joined;
  EXPECT_THAT(got, Not(HasSubstr("==\r\n")));
}

TEST(rewrite_message, does_not_break_a_quoted_printable_line_of_76_columns) {
  const std::string before = "<a href=3D\"http://a.test\">x</a>\r\n",
                    after = "<a href=3D\"https://t.test/c/1\">x</a>\r\n";
  const std::string fill(76 + 2 - after.size(), 'x');
  EXPECT_EQ(clicked(quoted, fill + before), fill + after);
  EXPECT_EQ(clicked(quoted, fill + "x" + before), fill + "x" + after.substr(0, after.size() - 4) + "=\r\na>\r\n");
}

TEST(rewrite_message, ends_a_quoted_printable_body_with_a_line_end_as_it_did) {
  EXPECT_EQ(pictured(quoted, "x=\r\n").substr(0, 6), "x<img ");
  EXPECT_TRUE(pictured(quoted, "x=\r\n").ends_with(">=\r\n"));
  EXPECT_TRUE(pictured(quoted, "x\r\n").ends_with("px\">\r\n"));
  EXPECT_TRUE(pictured(quoted, "x").ends_with("px\">"));
}

TEST(rewrite_message, keeps_lone_line_ends_encoded_in_quoted_printable) {
  EXPECT_EQ(clicked(quoted,
                    "a=0Ab=0Dc=0D=0A"
                    "d<a href=3D'http://a.test/'>\r\n"),
            "a=0Ab=0Dc\r\nd<a href=3D'https://t.test/c/1'>\r\n");
}

TEST(rewrite_message, leaves_malformed_quoted_printable) {
  for (const auto* bad : {"=", "=4", "=4G", "=G4", "a=b", "\xc3\xa9", "\x01", "a\nb", "a\rb", "= 20"}) {
    const auto body = std::string(bad) + " <a href=3D'http://a.test/'>\r\n";
    EXPECT_EQ(clicked(quoted, body), unchanged) << testing::PrintToString(bad);
  }
}

// ---- base64 -------------------------------------------------------------------------------------------------------

const auto in_base64 = fields("text/html; charset=utf-8", "Content-Transfer-Encoding: base64\r\n");

std::string lines_of(std::string text) {
  for (std::size_t at = 76; at < text.size(); at += 78)
    text.insert(at, "\r\n");
  return text;
}

TEST(rewrite_message, encodes_base64_as_it_was) {
  for (const std::string text : {"", "\xc3\xa9\n", "\xe2\x82\xac ab\r\n"}) {
    for (const std::size_t repeats : {1u, 40u}) {
      std::string before, after;
      for (std::size_t i = 0; i < repeats; ++i) {
        before += text + link;
        after += text + tracked;
      }
      before = lines_of(encode_base64(before.append(text)));
      after = lines_of(encode_base64(after.append(text)));
      EXPECT_EQ(clicked(in_base64, before + "\r\n\r\n"), after + "\r\n\r\n");
      EXPECT_EQ(clicked(in_base64, before), after);
    }
  }
}

TEST(rewrite_message, reads_base64_in_lines_of_any_length) {
  std::string encoded = encode_base64(link);
  encoded.insert(7, " \r\n");
  EXPECT_EQ(clicked(in_base64, encoded), lines_of(encode_base64(tracked)));
}

TEST(rewrite_message, leaves_malformed_base64) {
  const auto encoded = encode_base64(link + link);
  EXPECT_EQ(clicked(in_base64, encoded.substr(1)), unchanged);
  EXPECT_EQ(clicked(in_base64, encoded.substr(0, 40) + "!" + encoded.substr(41)), unchanged);
  EXPECT_EQ(clicked(in_base64, encode_base64("<") + encode_base64(link)), unchanged);
  EXPECT_EQ(clicked(in_base64, encoded + "\r\nA list's footer\r\n"), unchanged);
}

// ---- lines --------------------------------------------------------------------------------------------------------

TEST(rewrite_message, leaves_a_part_whose_lines_would_become_too_long) {
  const std::string fill(998 - tracked.size(), 'x');
  EXPECT_EQ(clicked(fields("text/html"), "y\r\n" + fill + link + "\r\n"), "y\r\n" + fill + tracked + "\r\n");
  EXPECT_EQ(clicked(fields("text/html"), "y\r\n" + fill + "x" + link + "\r\n"), unchanged);
  EXPECT_EQ(clicked(fields("text/html", "Content-Transfer-Encoding: binary\r\n"), fill + "x" + link),
            fill + "x" + tracked);
  const auto body = [&](const std::string& html) {
    return html_part("m", fill + "x" + link) + html_part("m", html) + close("m");
  };
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), body(link)), body(tracked));
}

// ---- boundaries ---------------------------------------------------------------------------------------------------

TEST(rewrite_message, tells_boundaries_apart_that_begin_alike) {
  const auto body = [](const std::string& html) {
    return part("abc", "multipart/alternative; boundary=abcd",
                part("abcd", "text/plain", "x") + html_part("abcd", html) + close("abcd")) +
           html_part("abc", html) + close("abc");
  };
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=abc"), body(link)), body(tracked));
  const auto turned = [](const std::string& html) {
    return part("abcd", "multipart/alternative; boundary=abc",
                html_part("abc", html + "\r\n--abcd-\r\n" + html) + close("abc")) +
           close("abcd");
  };
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=abcd"), turned(link)), turned(tracked));
}

TEST(rewrite_message, knows_a_delimiter_by_its_whole_line) {
  const auto type = fields("multipart/mixed; boundary=\"b\"");
  EXPECT_EQ(clicked(type, "--b \t\r\nContent-Type: text/html\r\n\r\n" + link + "\r\n--b--  \r\n" + link),
            "--b \t\r\nContent-Type: text/html\r\n\r\n" + tracked + "\r\n--b--  \r\n" + link);
  EXPECT_EQ(clicked(type, " --b\r\nContent-Type: text/html\r\n\r\n" + link + "\r\n--b--\r\n"), unchanged);
  EXPECT_EQ(clicked(type, "--B\r\nContent-Type: text/html\r\n\r\n" + link + "\r\n--B--\r\n"), unchanged);
  EXPECT_EQ(clicked(type, "--b\r\nContent-Type: text/html\r\n\r\n--b-" + link + "\r\n--b-- x\r\n" + link + "\r\n--b--"),
            "--b\r\nContent-Type: text/html\r\n\r\n--b-" + tracked + "\r\n--b-- x\r\n" + tracked + "\r\n--b--");
}

TEST(rewrite_message, ends_an_inner_multipart_at_the_outer_boundary) {
  const auto body = [](const std::string& html, const std::string& after) {
    return part("m", "multipart/alternative; boundary=a", html_part("a", html)) + part("m", "text/plain", after) +
           close("m");
  };
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), body(link, link)), body(tracked, link));
}

TEST(rewrite_message, takes_a_multipart_without_an_end_to_end_with_the_body) {
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), html_part("m", link)), html_part("m", tracked));
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), html_part("m", link) + "--m"),
            html_part("m", tracked) + "--m");
}

TEST(rewrite_message, leaves_a_multipart_whose_boundary_is_missing_or_unclear) {
  const auto body = html_part("m", link) + close("m");
  for (const auto* type : {"multipart/mixed", "multipart/mixed; boundary=\"\"", "multipart/mixed; boundary=\"m",
                           "multipart/mixed; boundary=m; boundary=n", "multipart/mixed; boundary=m x"})
    EXPECT_EQ(clicked(fields(type), body), unchanged) << type;
}

TEST(rewrite_message, reads_boundaries_in_quotes_and_without) {
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=\"a\\\"b\""), html_part("a\"b", link)),
            html_part("a\"b", tracked));
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary==_a/b:1"), html_part("=_a/b:1", link)),
            html_part("=_a/b:1", tracked));
  EXPECT_EQ(clicked(fields("multipart/mixed; type=\"x;boundary=n\"; boundary=m(c)"), html_part("m", link)),
            html_part("m", tracked));
}

TEST(rewrite_message, leaves_parts_without_an_empty_line_after_their_fields) {
  const auto type = fields("multipart/mixed; boundary=m");
  EXPECT_EQ(clicked(type, "--m\r\nContent-Type: text/html\r\n" + link + "\r\n--m--\r\n"), unchanged);
  EXPECT_EQ(clicked(type, "--m\r\n--m\r\n\r\n--m\r\nContent-Type: text/html\r\n--m\r\nContent-Type: text/html"),
            unchanged);
}

TEST(rewrite_message, survives_bare_line_ends) {
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), "--m\nContent-Type: text/html\n\n" + link + "\n--m--\n"),
            "--m\nContent-Type: text/html\n\n" + tracked + "\n--m--\n");
}

// ---- limits -------------------------------------------------------------------------------------------------------

std::string nested(std::size_t depth, const std::string& html) {
  std::string body = html_part(std::to_string(depth), html) + close(std::to_string(depth));
  for (; depth > 1; --depth) {
    const auto outer = std::to_string(depth - 1);
    body = part(outer, "multipart/mixed; boundary=" + std::to_string(depth), body) + close(outer);
  }
  return body;
}

TEST(rewrite_message, leaves_html_that_is_too_deep) {
  const auto type = fields("multipart/mixed; boundary=1");
  EXPECT_EQ(clicked(type, nested(multipart_depth_max, link)), nested(multipart_depth_max, tracked));
  EXPECT_EQ(clicked(type, nested(multipart_depth_max + 1, link)), unchanged);
}

TEST(rewrite_message, leaves_parts_after_so_many) {
  std::string plain;
  for (std::size_t i = 0; i + 1 < parts_max; ++i)
    plain += part("m", "text/plain", "x");
  const auto body = [&](const std::string& html) {
    return plain + html_part("m", html) + html_part("m", link) + close("m");
  };
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), body(link)), body(tracked));
}

TEST(rewrite_message, leaves_html_after_so_many_parts_of_it) {
  std::string before, before_tracked;
  for (std::size_t i = 0; i < html_parts_max; ++i) {
    before += html_part("m", link);
    before_tracked += html_part("m", tracked);
  }
  const auto last = html_part("m", link) + close("m");
  EXPECT_EQ(clicked(fields("multipart/mixed; boundary=m"), before + last), before_tracked + last);
}

TEST(rewrite_message, gives_nothing_when_no_address_and_no_picture_is_given) {
  std::vector<std::string> asked;
  html_changes changes;
  changes.click = [&](std::string_view url) {
    asked.emplace_back(url);
    return std::string();
  };
  EXPECT_EQ(rewrite_message(quoted, "<a href=3D\"http://a.test/?x=3D1&amp;y=3D2\">=\r\n\r\n", changes), std::nullopt);
  EXPECT_EQ(rewrite_message(in_base64, encode_base64(link), changes), std::nullopt);
  EXPECT_THAT(asked, ElementsAre("http://a.test/?x=1&y=2", "http://a.test/?x=1&y=2"));
  EXPECT_EQ(rewrite_message(fields("text/html"), link, {}), std::nullopt);
}

}  // namespace
}  // namespace gonets::links
