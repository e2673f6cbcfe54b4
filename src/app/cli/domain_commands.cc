// gonets domain: sender domains by the server's API.
#include <fmt/format.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "config/load.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

std::string path_of(const arguments& given, std::string_view action) {
  target to(fmt::format("/v1/domains/{}{}", percent_encode(given.sender_domain), action));
  return to.with("account", given.filter.account).text();
}

colour colour_of(std::string_view word) {
  if (word == "ok" || word == "met" || word == "active") return colour::green;
  if (word == "failed" || word == "not_met") return colour::red;
  return word == "info" ? colour::none : colour::yellow;
}

void print_records(const json::object& o, const context& with) {
  with.out << "Publish in DNS (`gonets domain show --zone` prints them for a zone file):\n\n";
  for (const auto& each : array_of(o, "records")) {
    const auto& r = as_object(each);
    with.out << fmt::format("  {}  {}{}\n    {}\n", printable(text_of(r, "name")), text_of(r, "type"),
                            flag_of(r, "elsewhere") ? "  (the server's operator: it is in another zone)" : "",
                            printable(text_of(r, "value")));
  }
  with.out << '\n';
}

void print_keys(const json::object& o, const context& with) {
  table rows({{"SELECTOR"}, {"ALGORITHM"}, {"BITS", align::right}, {"STATE"}, {"CREATED", align::right}});
  for (const auto& each : array_of(o, "keys")) {
    const auto& k = as_object(each);
    const auto bits = number_of(k, "bits");
    rows.add({std::string(text_of(k, "selector")),
              std::string(text_of(k, "algorithm")),
              bits == 0 ? "" : std::to_string(bits),
              {std::string(text_of(k, "state")), colour_of(text_of(k, "state"))},
              relative_of(k, "created", with.now())});
  }
  if (!rows.empty()) with.out << rows.render(with.screen) << '\n';
}

void print_check(const json::object& o, const context& with) {
  const auto& check = object_of(o, "check");
  if (check.empty()) {
    with.out << fmt::format("Never checked: gonets domain check {}\n", text_of(o, "domain"));
    return;
  }
  table rows({{"CHECK"}, {"RESULT"}, {"FOUND", align::left, true}});
  std::string todo;
  for (const auto& each : array_of(check, "findings")) {
    const auto& f = as_object(each);
    const auto result = text_of(f, "result");
    rows.add(
        {std::string(text_of(f, "check")), {std::string(result), colour_of(result)}, std::string(text_of(f, "text"))});
    if (!text_of(f, "advice").empty() && result != "ok")
      todo += fmt::format("  {}: {}\n", text_of(f, "check"), printable(text_of(f, "advice")));
  }
  with.out << rows.render(with.screen) << '\n';
  if (!todo.empty()) with.out << "What to do:\n" << todo << '\n';
  table verdicts({{"PROVIDER"}, {"RULES"}, {"NOT MET", align::left, true}, {"NOT KNOWN", align::left, true}});
  for (const auto& each : array_of(check, "providers")) {
    const auto& p = as_object(each);
    std::string not_met;
    std::string unknown;
    for (const auto& one : array_of(p, "requirements")) {
      const auto& r = as_object(one);
      auto& to = text_of(r, "result") == "not_met" ? not_met : unknown;
      if (text_of(r, "result") != "met") to += fmt::format("{}{}", to.empty() ? "" : ", ", text_of(r, "name"));
    }
    const auto result = text_of(p, "result");
    verdicts.add({std::string(text_of(p, "provider")), {std::string(result), colour_of(result)}, not_met, unknown});
  }
  with.out << verdicts.render(with.screen);
}

void print_domain(const json::object& o, const context& with) {
  with.out << fmt::format("{} of account {}: {}\n\n", text_of(o, "domain"), text_of(o, "account"),
                          flag_of(o, "verified") ? "verified" : "not verified yet");
  print_keys(o, with);
}

// Asks, and prints what `show` makes of the domain in the answer.
template <class Show>
int act(const arguments& given, const context& with, const std::string& method, const std::string& to,
        const std::string& body, Show show) {
  int status = exit_fine;
  const auto answer = ask(with, status, method, to, body);
  if (!answer) return status;
  if (given.json) print_line(with, answer->body);
  const auto parsed = parse_answer(with, *answer);
  if (!parsed) return exit_negative;
  if (given.zone && !given.json) {
    with.out << text_of(*parsed, "zone");
    return exit_fine;
  }
  return show(*parsed);
}

}  // namespace

int domain_add(const arguments& given, const context& with) {
  json::object body{{"domain", given.sender_domain}};
  if (!given.filter.account.empty()) body["account"] = given.filter.account;
  if (given.return_path) body["return_path"] = *given.return_path;
  if (given.tracking) body["tracking"] = *given.tracking;
  return act(given, with, "POST", "/v1/domains", json::serialize(body), [&](const json::object& o) {
    if (given.json) return exit_fine;
    print_domain(o, with);
    print_records(o, with);
    with.out << fmt::format("Then: gonets domain check {}\n", text_of(o, "domain"));
    return exit_fine;
  });
}

int domain_list(const arguments& given, const context& with) {
  target to("/v1/domains");
  to.with("account", given.filter.account);
  return ask_and_show(given, with, to.text(), [&](const json::object& o) {
    const auto& all = array_of(o, "domains");
    if (all.empty()) {
      with.out << "There are no sender domains; `gonets domain add example.com` makes one\n";
      return;
    }
    table rows({{"DOMAIN", align::left, true},
                {"ACCOUNT", align::left, true},
                {"VERIFIED"},
                {"KEYS"},
                {"CHECK"},
                {"CHECKED", align::right}});
    for (const auto& each : all) {
      const auto& d = as_object(each);
      std::size_t active = 0;
      for (const auto& k : array_of(d, "keys"))
        active += text_of(as_object(k), "state") == "active" ? 1 : 0;
      const auto& check = object_of(d, "check");
      const std::string word = check.empty() ? "" : flag_of(check, "good") ? "ok" : "failed";
      rows.add({std::string(text_of(d, "domain")),
                std::string(text_of(d, "account")),
                std::string(flag_of(d, "verified") ? "yes" : "no"),
                fmt::format("{} active of {}", active, array_of(d, "keys").size()),
                {word, colour_of(word)},
                relative_of(d, "checked", with.now())});
    }
    with.out << rows.render(with.screen);
  });
}

int domain_show(const arguments& given, const context& with) {
  return act(given, with, "GET", path_of(given, ""), "", [&](const json::object& o) {
    if (given.json) return exit_fine;
    print_domain(o, with);
    print_records(o, with);
    print_check(o, with);
    return exit_fine;
  });
}

int domain_check(const arguments& given, const context& with) {
  return act(given, with, "POST", path_of(given, "/check"), "", [&](const json::object& o) {
    if (!given.json) {
      print_domain(o, with);
      print_check(o, with);
    }
    return flag_of(object_of(o, "check"), "good") ? exit_fine : exit_negative;
  });
}

int domain_verify(const arguments& given, const context& with) {
  const auto body = json::serialize(json::object{{"force", given.force}});
  return act(given, with, "POST", path_of(given, "/verify"), body, [&](const json::object& o) {
    if (!given.json) print_domain(o, with);
    return exit_fine;
  });
}

int domain_rotate(const arguments& given, const context& with) {
  const auto body = json::serialize(json::object{{"now", given.now}});
  return act(given, with, "POST", path_of(given, "/rotate"), body, [&](const json::object& o) {
    if (given.json) return exit_fine;
    print_domain(o, with);
    if (!given.now) print_records(o, with);
    return exit_fine;
  });
}

int domain_import_key(const arguments& given, const context& with) {
  const auto pem = config::read_file(given.key_file);
  if (!pem) {
    with.err << fmt::format("gonets: {} cannot be read: {}\n", given.key_file, pem.error());
    return exit_bad_usage;
  }
  const auto body = json::serialize(json::object{{"selector", given.dkim_selector}, {"pem", *pem}, {"now", given.now}});
  return act(given, with, "POST", path_of(given, "/keys"), body, [&](const json::object& o) {
    if (!given.json) print_domain(o, with);
    return exit_fine;
  });
}

int domain_remove(const arguments& given, const context& with) {
  return act(given, with, "DELETE", path_of(given, ""), "", [&](const json::object&) {
    if (!given.json) with.out << fmt::format("{} is removed: mail from it is no longer signed\n", given.sender_domain);
    return exit_fine;
  });
}

}  // namespace gonets::app::cli
