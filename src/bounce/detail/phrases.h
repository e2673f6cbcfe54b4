// Lists of phrases that tell one kind of message from another, looked for in normalised text.
#pragma once
#include <string>
#include <string_view>

#include "bounce/automaton.h"

namespace gonets::bounce::detail {

class phrases {
 public:
  // Parted by '|'. Each is brought into the shape of normalised text; "word*" stands for what begins so.
  explicit phrases(std::string_view all);
  bool in(std::string_view normalised) const;

 private:
  automaton words_;
};

std::string normalised(std::string_view text);

// The subjects and sentences of bounces, of warnings about delays, of absence, of requests to confirm, to be left
// alone.
const phrases& bounce_subjects();
const phrases& bounce_texts();
const phrases& delay_texts();
const phrases& absence_subjects();
const phrases& absence_texts();
const phrases& challenge_texts();
const phrases& complaint_subjects();
const phrases& unsubscribe_words();

}  // namespace gonets::bounce::detail
