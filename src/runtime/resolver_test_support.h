// A resolver for tests: answers from a table, when told to.
#pragma once
#include <algorithm>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "runtime/dns.h"

namespace gonets::runtime {

class scripted_resolver final : public resolver {
 public:
  // What is not set is NXDOMAIN.
  void set_mx(const std::string& name, std::vector<mx_record> records,
              std::chrono::seconds ttl = std::chrono::hours(1)) {
    dns_answer answer;
    answer.status = records.empty() ? dns_status::no_data : dns_status::ok;
    answer.ttl = ttl;
    answer.mx = std::move(records);
    answers_["MX " + name] = std::move(answer);
  }
  void set_a(const std::string& name, std::vector<std::string> addresses) { set_addresses("A " + name, addresses); }
  void set_aaaa(const std::string& name, std::vector<std::string> addresses) {
    set_addresses("AAAA " + name, addresses);
  }
  // Whatever else is to be said of a question's answer: its records, `secure`, `canonical`.
  dns_answer& answer_of(const std::string& question) { return answers_[question]; }
  void set_txt(const std::string& name, std::vector<std::string> texts) {
    dns_answer answer;
    answer.status = texts.empty() ? dns_status::no_data : dns_status::ok;
    answer.ttl = std::chrono::hours(1);
    answer.texts = std::move(texts);
    answers_["TXT " + name] = std::move(answer);
  }
  // `question` is "MX example.org", "A ...", "AAAA ...".
  void set_failure(const std::string& question, dns_status status, std::string detail) {
    dns_answer answer;
    answer.status = status;
    answer.detail = std::move(detail);
    answers_[question] = std::move(answer);
  }

  void query_mx(std::string_view name, handler done) override { ask("MX ", name, std::move(done)); }
  void query_a(std::string_view name, handler done) override { ask("A ", name, std::move(done)); }
  void query_aaaa(std::string_view name, handler done) override { ask("AAAA ", name, std::move(done)); }
  void query_tlsa(std::string_view name, handler done) override { ask("TLSA ", name, std::move(done)); }
  void query_txt(std::string_view name, handler done) override { ask("TXT ", name, std::move(done)); }
  void query_ptr(std::string_view name, handler done) override { ask("PTR ", name, std::move(done)); }
  void query_cname(std::string_view name, handler done) override { ask("CNAME ", name, std::move(done)); }

  // Answers all that was asked, and what is asked meanwhile.
  void run() {
    while (!waiting_.empty()) {
      auto [question, done] = std::move(waiting_.front());
      waiting_.pop_front();
      done(answer_to(question));
    }
  }

  std::vector<std::string> asked;  // every question so far, in order

 private:
  void set_addresses(const std::string& question, const std::vector<std::string>& addresses) {
    dns_answer answer;
    answer.status = addresses.empty() ? dns_status::no_data : dns_status::ok;
    answer.addresses = addresses;
    answers_[question] = std::move(answer);
  }
  void ask(std::string_view type, std::string_view name, handler done) {
    asked.push_back(std::string(type) + std::string(name));
    waiting_.emplace_back(asked.back(), std::move(done));
  }
  // A name that has records of another type exists.
  dns_answer answer_to(const std::string& question) const {
    if (const auto found = answers_.find(question); found != answers_.end()) return found->second;
    const auto name = question.substr(question.find(' '));
    const bool exists =
        std::any_of(answers_.begin(), answers_.end(), [&](const auto& entry) { return entry.first.ends_with(name); });
    dns_answer answer;
    answer.status = exists ? dns_status::no_data : dns_status::no_such_name;
    return answer;
  }

  std::map<std::string, dns_answer> answers_;
  std::deque<std::pair<std::string, handler>> waiting_;
};

}  // namespace gonets::runtime
