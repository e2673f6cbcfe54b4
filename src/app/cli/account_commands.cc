#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ostream>

#include "accounts/words.h"
#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "base/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

colour colour_of_account(std::string_view state) {
  if (state == "paused") return colour::yellow;
  return state == "closed" ? colour::red : colour::none;
}

std::string path_of(std::string_view kind, const std::string& name) {
  return fmt::format("/v1/{}/{}", kind, percent_encode(name));
}

json::array quotas_of(const std::vector<std::string>& given) {
  json::array list;
  for (const auto& text : given) {
    const auto q = accounts::parse_quota(text);
    if (!q) continue;  // the command line was checked
    json::object o{{"max", q->max}, {"measure", to_text(q->measure)}, {"window", to_text(q->window)}};
    if (!q->stream.empty()) o["stream"] = q->stream;
    list.push_back(std::move(o));
  }
  return list;
}

std::string quota_text(const json::object& o) {
  accounts::quota q;
  q.max = number_of(o, "max");
  q.measure = accounts::parse_quota_measure(text_of(o, "measure")).value_or(q.measure);
  q.window = accounts::parse_quota_window(text_of(o, "window")).value_or(q.window);
  q.stream = text_of(o, "stream");
  return accounts::to_text(q);
}

std::string quotas_text(const json::array& all) {
  std::vector<std::string> texts;
  for (const auto& q : all)
    texts.push_back(quota_text(as_object(q)));
  return fmt::format("{}", fmt::join(texts, ", "));
}

void print_account_field(const context& with, std::string_view name, std::string_view value) {
  if (!value.empty()) with.out << fmt::format("  {:<12}{}\n", name, printable(value));
}

void print_credentials(const json::array& all, const context& with) {
  table lines({{"ID", align::right},
               {"KIND"},
               {"LOGIN", align::left, true},
               {"NAME", align::left, true},
               {"SCOPES"},
               {"NETWORKS", align::left, true},
               {"STREAM"},
               {"LAST USED", align::right}});
  for (const auto& each : all) {
    const auto& c = as_object(each);
    const auto used = relative_of(c, "last_used", with.now());
    lines.add({std::to_string(number_of(c, "id")), std::string(text_of(c, "kind")), std::string(text_of(c, "login")),
               std::string(text_of(c, "name")), joined(array_of(c, "scopes")), joined(array_of(c, "networks")),
               std::string(text_of(c, "stream")), used.empty() ? "never" : used});
  }
  with.out << lines.render(with.screen);
}

void print_own_domains(const json::array& all, const context& with) {
  table lines({{"DOMAIN", align::left, true}, {"VERIFIED"}, {"CHECKED", align::right}});
  for (const auto& each : all) {
    const auto& d = as_object(each);
    const bool verified = flag_of(d, "verified");
    lines.add({std::string(text_of(d, "name")), cell(verified ? "yes" : "no", verified ? colour::none : colour::yellow),
               relative_of(d, "checked", with.now())});
  }
  with.out << lines.render(with.screen);
}

std::string or_servers(std::string text, std::uint64_t number) {
  return number == 0 ? "as the server allows" : std::move(text);
}

void print_suppression(const json::object& o, const context& with) {
  const auto& policy = object_of(o, "suppression");
  const auto categories = joined(array_of(policy, "categories"));
  print_account_field(with, "suppresses", "on " + (categories.empty() ? "no refusal" : categories));
  if (const auto soft = number_of(policy, "soft_bounces"); soft > 0) {
    print_account_field(with, "",
                        fmt::format("after {} soft bounces over {} days within {}, for {} days", soft,
                                    number_of(policy, "soft_over_days"), number_of(policy, "soft_within_days"),
                                    number_of(policy, "soft_for_days")));
  }
  if (flag_of(o, "may_ignore_suppression"))
    print_account_field(with, "", "its messages may ask to be sent all the same");
}

void print_account(const json::object& o, const context& with) {
  const auto state = text_of(o, "state");
  with.out << coloured(printable(text_of(o, "name")), colour::bold, with.screen) << '\n';
  with.out << fmt::format("  {:<12}{}\n", "state", coloured(printable(state), colour_of_account(state), with.screen));
  print_account_field(with, "plan", text_of(o, "plan"));
  print_account_field(with, "policy", text_of(o, "policy"));
  const auto& limits = array_of(o, "limits");
  if (limits.empty()) print_account_field(with, "quotas", "none");
  for (const auto& each : limits) {
    const auto& q = as_object(each);
    const auto used = q.contains("used") ? fmt::format(", {} used", number_of(q, "used")) : std::string();
    print_account_field(with, &each == &limits.front() ? "quotas" : "", quota_text(q) + used);
  }
  if (flag_of(o, "month_is_final")) print_account_field(with, "", "over a month's quota: refused for good");
  const auto bytes = number_of(o, "message_bytes_max"), recipients = number_of(o, "recipients_max");
  print_account_field(with, "message", or_servers("at most " + format_bytes(bytes), bytes));
  print_account_field(with, "recipients", or_servers(fmt::format("at most {}", recipients), recipients));
  if (const auto weight = number_of(o, "weight"); weight > 1)
    print_account_field(with, "weight", std::to_string(weight));
  print_account_field(with, "egress", text_of(o, "egress"));
  print_suppression(o, with);
  if (const auto days = number_of(o, "journal_hash_after_days"); days != 0)
    print_account_field(
        with, "journal",
        fmt::format("addresses are hashed after {}", days == 1 ? "a day" : fmt::format("{} days", days)));
  if (flag_of(o, "journal_subject")) print_account_field(with, "subjects", "kept in events and journal");
  if (const auto& all = array_of(o, "credential_list"); !all.empty()) {
    with.out << '\n';
    print_credentials(all, with);
  }
  if (const auto& all = array_of(o, "domain_list"); !all.empty()) {
    with.out << '\n';
    print_own_domains(all, with);
  }
}

void print_accounts(const json::object& o, const context& with) {
  table lines({{"NAME", align::left, true},
               {"STATE"},
               {"PLAN", align::left, true},
               {"POLICY"},
               {"CREDENTIALS", align::right},
               {"DOMAINS", align::right}});
  for (const auto& each : array_of(o, "accounts")) {
    const auto& a = as_object(each);
    const auto state = std::string(text_of(a, "state"));
    lines.add({std::string(text_of(a, "name")), cell(state, colour_of_account(state)), std::string(text_of(a, "plan")),
               std::string(text_of(a, "policy")), std::to_string(number_of(a, "credentials")),
               std::to_string(number_of(a, "domains"))});
  }
  with.out << lines.render(with.screen);
}

json::array words_of(std::string_view text) {
  json::array words;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), word.size() + 1));
    if (!word.empty()) words.emplace_back(word);
  }
  return words;
}

json::object suppression_of(const account_arguments& a) {
  json::object o;
  if (a.suppress_categories) o["categories"] = words_of(*a.suppress_categories);
  if (a.soft_bounces) o["soft_bounces"] = *a.soft_bounces;
  if (a.soft_over_days) o["soft_over_days"] = *a.soft_over_days;
  if (a.soft_within_days) o["soft_within_days"] = *a.soft_within_days;
  if (a.soft_for_days) o["soft_for_days"] = *a.soft_for_days;
  return o;
}

json::object changes_of(const arguments& given) {
  const auto& a = given.account;
  json::object body;
  if (!a.plan.empty()) body["plan"] = a.plan;
  if (a.no_plan) body["plan"] = "";
  if (!a.policy.empty()) body["policy"] = a.policy;
  if (!a.quotas.empty() || a.no_quotas) body["quotas"] = quotas_of(a.quotas);
  if (a.month_is_final) body["month_is_final"] = *a.month_is_final;
  if (!a.message_bytes_max.empty()) body["message_bytes_max"] = parse_bytes(a.message_bytes_max).value_or(0);
  if (a.recipients_max) body["recipients_max"] = *a.recipients_max;
  if (a.weight) body["weight"] = *a.weight;
  if (a.journal_hash_after_days) body["journal_hash_after_days"] = *a.journal_hash_after_days;
  if (a.journal_subject) body["journal_subject"] = *a.journal_subject;
  if (a.egress) body["egress"] = *a.egress;
  if (a.ignore_suppression) body["may_ignore_suppression"] = *a.ignore_suppression;
  if (auto policy = suppression_of(a); !policy.empty()) body["suppression"] = std::move(policy);
  return body;
}

std::string tls_words(std::string_view tls) {
  if (tls == "implicit") return " (TLS)";
  return tls == "starttls" ? " (STARTTLS)" : " (no TLS there yet: add a [[certificate]])";
}

void print_issued(const json::object& o, const std::string& account, const context& with) {
  with.out << coloured(fmt::format("Credential {} of {}", number_of(o, "id"), account), colour::bold, with.screen)
           << '\n';
  const auto& servers = array_of(o, "servers");
  for (const auto& each : servers) {
    const auto& s = as_object(each);
    if (&each == &servers.front() || text_of(s, "host") != text_of(as_object(*(&each - 1)), "host"))
      print_account_field(with, "host", text_of(s, "host"));
    print_account_field(with, "port", fmt::format("{}{}", number_of(s, "port"), tls_words(text_of(s, "tls"))));
  }
  const bool smtp = text_of(o, "kind") == "smtp";
  if (smtp) {
    print_account_field(with, "login", text_of(o, "login"));
    print_account_field(with, "password", text_of(o, "secret"));
  } else {
    print_account_field(with, "API key", text_of(o, "api_key"));
    print_account_field(with, "header", fmt::format("Authorization: Bearer {}", text_of(o, "api_key")));
  }
  with.out << fmt::format(
      "Keep the {} now: it is not shown again, the server has only its hash. `gonets credential revoke {} {}` ends "
      "it.\n",
      smtp ? "password" : "key", account, number_of(o, "id"));
  if (smtp && servers.empty())
    with.out << "No listener takes it yet: add a [[listener]] of kind \"submissions\" or \"submission\".\n";
}

void print_plans(const json::object& o, const context& with) {
  table lines({{"NAME", align::left, true}, {"QUOTAS", align::left, true}});
  for (const auto& each : array_of(o, "plans")) {
    const auto& p = as_object(each);
    lines.add({std::string(text_of(p, "name")), quotas_text(array_of(p, "quotas"))});
  }
  with.out << lines.render(with.screen);
}

}  // namespace

int account_list(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/accounts", [&](const json::object& o) { print_accounts(o, with); });
}

int account_show(const arguments& given, const context& with) {
  return ask_and_show(given, with, path_of("accounts", given.account.name),
                      [&](const json::object& o) { print_account(o, with); });
}

int account_change(const arguments& given, const context& with) {
  auto body = changes_of(given);
  if (given.what == command::account_pause) body["state"] = "paused";
  if (given.what == command::account_resume) body["state"] = "active";
  if (given.what == command::account_close) body["state"] = "closed";
  const bool fresh = given.what == command::account_add;
  if (fresh) body["name"] = given.account.name;
  if (body.empty()) {
    with.err << "gonets: nothing to change was given; `gonets account set --help` says what there is\n";
    return exit_bad_usage;
  }
  return ask_and_show(
      given, with, fresh ? "POST" : "PATCH", fresh ? "/v1/accounts" : path_of("accounts", given.account.name),
      json::serialize(body), [&](const json::object& o) {
        print_account(o, with);
        if (fresh) with.out << fmt::format("\n`gonets credential add {}` makes a login for it.\n", given.account.name);
      });
}

int credential_list(const arguments& given, const context& with) {
  return ask_and_show(given, with, path_of("accounts", given.account.name) + "/credentials",
                      [&](const json::object& o) {
                        const auto& all = array_of(o, "credentials");
                        if (all.empty())
                          with.out << "It has none\n";
                        else
                          print_credentials(all, with);
                      });
}

int credential_add(const arguments& given, const context& with) {
  const auto& a = given.account;
  json::object body{{"kind", a.api_key ? "api_key" : "smtp"}};
  for (const auto& [name, value] : {std::pair("name", &a.title), std::pair("login", &a.login),
                                    std::pair("stream", &a.stream), std::pair("certificate_sha256", &a.certificate)})
    if (!value->empty()) body[name] = *value;
  if (!a.scopes.empty()) body["scopes"] = json::value_from(a.scopes);
  if (!a.networks.empty()) body["networks"] = json::value_from(a.networks);
  if (a.no_scram) body["scram"] = false;
  return ask_and_show(given, with, "POST", path_of("accounts", a.name) + "/credentials", json::serialize(body),
                      [&](const json::object& o) { print_issued(o, a.name, with); });
}

int credential_revoke(const arguments& given, const context& with) {
  const auto& a = given.account;
  return ask_and_show(
      given, with, "DELETE", fmt::format("{}/credentials/{}", path_of("accounts", a.name), a.credential), "",
      [&](const json::object&) { with.out << fmt::format("Credential {} of {} is revoked\n", a.credential, a.name); });
}

int plan_list(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/plans", [&](const json::object& o) { print_plans(o, with); });
}

int plan_show(const arguments& given, const context& with) {
  return ask_and_show(given, with, path_of("plans", given.account.name), [&](const json::object& o) {
    with.out << coloured(printable(text_of(o, "name")), colour::bold, with.screen) << '\n';
    print_account_field(with, "quotas", quotas_text(array_of(o, "quotas")));
    const auto users = joined(array_of(o, "accounts"));
    print_account_field(with, "accounts", users.empty() ? "none" : users);
  });
}

int plan_set(const arguments& given, const context& with) {
  const json::object body{{"quotas", quotas_of(given.account.quotas)}};
  return ask_and_show(
      given, with, "PUT", path_of("plans", given.account.name), json::serialize(body), [&](const json::object& o) {
        with.out << fmt::format("Plan {}: {}\n", text_of(o, "name"), quotas_text(array_of(o, "quotas")));
      });
}

int plan_remove(const arguments& given, const context& with) {
  return ask_and_show(given, with, "DELETE", path_of("plans", given.account.name), "", [&](const json::object&) {
    with.out << fmt::format("Plan {} is removed\n", given.account.name);
  });
}

}  // namespace gonets::app::cli
