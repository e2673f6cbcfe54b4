#include "domain_check/facts.h"

#include "base/text.h"

namespace gonets::domain_check {

std::string_view to_text(record_type type) {
  switch (type) {
    case record_type::a:
      return "A";
    case record_type::aaaa:
      return "AAAA";
    case record_type::mx:
      return "MX";
    case record_type::txt:
      return "TXT";
    case record_type::ptr:
      return "PTR";
    case record_type::cname:
      return "CNAME";
  }
  return "?";
}

const answer& facts::ask(record_type type, std::string_view name) {
  static const answer not_known{answer_status::failed, {}, "not looked up"};
  static const answer too_many{answer_status::failed, {}, "too many look-ups for one domain"};
  question q{type, to_lower(name)};
  if (q.name.ends_with('.')) q.name.pop_back();
  const auto at = known_.find(q);
  if (at != known_.end()) return at->second;
  if (known_.size() + wanted_.size() >= questions_max) return too_many;
  wanted_.insert(std::move(q));
  return not_known;
}

void facts::add(const question& q, answer a) {
  known_.insert_or_assign(q, std::move(a));
}

std::vector<question> facts::take_wanted() {
  std::vector<question> all(wanted_.begin(), wanted_.end());
  wanted_.clear();
  return all;
}

}  // namespace gonets::domain_check
