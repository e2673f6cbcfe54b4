// What rules/bounces.toml says, as values. docs/bounces.md explains it.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "bounce/category.h"

namespace gonets::bounce {

// Words and phrases that mean one thing. "full*" also stands for what begins so, "*box" for what ends so.
struct concept_words {
  std::string name;
  std::vector<std::string> words;
  bool negatable = false;  // "not full" is not full
  bool in_hosts = false;   // counts in the names of hosts and in URLs too
  unsigned line = 0;
};

struct rule {
  std::string name;
  category is = category::unknown;
  unsigned weight = 0;                // 1 to 100: the heaviest rule that holds wins; of equals the first
  std::vector<std::string> all;       // concepts that must all be there; "a|b": either
  unsigned within = 8;                // so many words from the first of `all`
  std::vector<std::string> unless;    // concepts of which none may be there
  std::vector<std::string> phrases;   // or one of these, in the syntax of a concept's words
  std::vector<std::string> codes;     // "550", "4xx"
  std::vector<std::string> statuses;  // "5.1.1", "x.7.", a beginning; x is any class
  std::vector<std::string> samples;   // replies that this rule must win
  unsigned line = 0;
};

struct rule_file {
  std::vector<concept_words> concepts;
  std::vector<rule> rules;
};

}  // namespace gonets::bounce
