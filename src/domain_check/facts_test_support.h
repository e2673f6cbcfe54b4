// A zone for the checks of this folder: what is not in it does not exist.
#pragma once
#include <map>

#include "domain_check/facts.h"

namespace gonets::domain_check {

class zone {
 public:
  zone& put(record_type type, std::string name, std::vector<std::string> values) {
    records_[{type, std::move(name)}] = std::move(values);
    return *this;
  }
  zone& txt(std::string name, std::vector<std::string> values) {
    return put(record_type::txt, std::move(name), std::move(values));
  }
  zone& fail(record_type type, std::string name) {
    failing_.insert({type, std::move(name)});
    return *this;
  }
  zone& drop(record_type type, const std::string& name) {
    records_.erase({type, name});
    return *this;
  }

  // As the server does it: asks until nothing is wanted.
  template <class Check>
  auto run(Check&& check) const {
    facts dns;
    for (;;) {
      auto result = check(dns);
      const auto wanted = dns.take_wanted();
      if (wanted.empty()) return result;
      for (const auto& q : wanted)
        dns.add(q, look_up(q));
    }
  }

 private:
  answer look_up(const question& q) const {
    if (failing_.contains(q)) return {answer_status::failed, {}, "SERVFAIL"};
    const auto at = records_.find(q);
    if (at == records_.end()) return {answer_status::nothing, {}, ""};
    return {answer_status::ok, at->second, ""};
  }

  std::map<question, std::vector<std::string>> records_;
  std::set<question> failing_;
};

}  // namespace gonets::domain_check
