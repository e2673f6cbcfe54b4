#include "bounce/normalise.h"

#include <gtest/gtest.h>

namespace gonets::bounce {
namespace {

std::string shape(std::string_view text, const word_set& kept = {}) {
  std::string to;
  normalise(text, kept, to);
  return to;
}

TEST(normalise, words_are_lower_case_between_single_spaces) {
  EXPECT_EQ(shape("  User   UNKNOWN! "), " user unknown ");
  EXPECT_EQ(shape(""), " ");
  EXPECT_EQ(shape("STOREDRV.Deliver:Mailbox-full;now"), " storedrv deliver mailbox full now ");
}

TEST(normalise, codes_are_left_out) {
  EXPECT_EQ(shape("550 5.1.1 no"), " no ");
  EXPECT_EQ(shape("550-5.7.1 a 550 5.7.1 b (#5.1.1)"), " a b ");
  EXPECT_EQ(shape("552 limit of 10 MB"), " limit of 10 mb ");
}

TEST(normalise, names_are_masked) {
  EXPECT_EQ(shape("<Ann.Full@mail.example.com>: no"), " _addr no ");
  EXPECT_EQ(shape("host mx1.blocked.example[192.0.2.1] said"), " host _host _ip said ");
  EXPECT_EQ(shape("see https://example.com/spam?blocked=1 now"), " see _url now ");
  EXPECT_EQ(shape("RCPT TO:<a@example.com>"), " rcpt to _addr ");
}

TEST(normalise, labels_that_say_something_are_kept) {
  EXPECT_EQ(shape("using zen.spamhaus.org", {"spamhaus"}), " using _host spamhaus ");
  EXPECT_EQ(shape("https://www.spamhaus.org/zen/", {"spamhaus", "zen"}), " _url spamhaus ");
}

TEST(normalise, sentences_without_a_space_are_no_hosts) {
  EXPECT_EQ(shape("user unknown.Please check"), " user unknown please check ");
  EXPECT_EQ(shape("RESOLVER.ADR.RecipientNotFound"), " resolver adr recipientnotfound ");
}

TEST(normalise, apostrophes_join_or_part) {
  EXPECT_EQ(shape("doesn't exist"), " doesnt exist ");
  EXPECT_EQ(shape("l'adresse n’existe pas"), " l adresse n existe pas ");
}

TEST(normalise, accents_and_case_of_other_scripts_are_folded) {
  EXPECT_EQ(shape("Empfänger ungültig, Größe"), " empfanger ungultig grosse ");
  EXPECT_EQ(shape("Ящик ПОЛОН, ещё"), " ящик полон еще ");
  EXPECT_EQ(shape("E-mail"), " email ");
}

TEST(normalise, characters_without_spaces_are_words) {
  EXPECT_EQ(shape("用户不存在，abc"), " 用 户 不 存 在 abc ");
}

TEST(normalise, any_bytes_are_survived_and_the_size_is_bounded) {
  EXPECT_EQ(shape("a\xff\xfe\xc3z"), " a z ");
  EXPECT_LE(shape(std::string(100'000, 'x')).size(), normalised_bytes_max + 2);
}

}  // namespace
}  // namespace gonets::bounce
