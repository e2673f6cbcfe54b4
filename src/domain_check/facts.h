// What DNS is known to say. The checks of this folder are plain functions over it: what they ask for and is not known
// yet is noted, the caller looks it up, and runs them again until nothing is wanted. Pure; touched by one thread.
#pragma once
#include <compare>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::domain_check {

enum class record_type : std::uint8_t { a, aaaa, mx, txt, ptr, cname };
std::string_view to_text(record_type type);  // "AAAA"

struct question {
  record_type type = record_type::txt;
  std::string name;  // lower case, without the trailing dot
  auto operator<=>(const question&) const = default;
};

enum class answer_status : std::uint8_t {
  ok,
  nothing,  // no such name, or no such records
  failed    // not known: SERVFAIL, time-out
};

struct answer {
  answer_status status = answer_status::failed;
  std::vector<std::string> values;  // of mx the host names, most preferred first; of txt each record's strings joined
  std::string detail;               // when failed, for people
};

class facts {
 public:
  // Beyond this many questions the rest counts as failed, whatever a hostile zone would have us ask.
  static constexpr std::size_t questions_max = 400;

  // Of what is not known an answer that is `failed`; it is then wanted.
  const answer& ask(record_type type, std::string_view name);
  void add(const question& q, answer a);

  // What was asked for since the last call and is not known.
  std::vector<question> take_wanted();

 private:
  std::map<question, answer> known_;
  std::set<question> wanted_;
};

}  // namespace gonets::domain_check
