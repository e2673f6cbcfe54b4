// What Gumbo is given to parse. It compares each attribute with the others of its tag, each formatting element with
// those that are open, and walks all that is open at an end tag; so the time that a text takes grows with the square of
// these, to about a second at worst. Usual HTML of so many tags takes some 30 ms.
#pragma once
#include <cstddef>
#include <string_view>

namespace gonets::links {

constexpr std::size_t tags_max = 8'000;         // opening ones; and as many closing ones
constexpr std::size_t attributes_max = 20'000;  // of all tags together

// Whether `html` has more, or a frameset: Gumbo frees what it replaces by recursion, and a frameset shows no body.
// Counts what could be a tag wherever it stands, so never too low.
bool is_too_much(std::string_view html);

}  // namespace gonets::links
