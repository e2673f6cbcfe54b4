#include "app/cli/account_arguments.h"

#include <CLI/CLI.hpp>

#include "accounts/model.h"
#include "accounts/words.h"
#include "base/network.h"
#include "base/text.h"
#include "bounce/suppression_policy.h"
#include "shaping/fair_share.h"

namespace gonets::app::cli {
namespace {

const CLI::Validator is_name(
    [](std::string& text) {
      return accounts::valid_name(text) ? std::string()
                                        : "\"" + text + "\" is not a name: a-z 0-9 - _ ., the first a letter or digit";
    },
    "");
const CLI::Validator is_quota(
    [](std::string& text) {
      return accounts::parse_quota(text) ? std::string()
                                         : "\"" + text +
                                               "\" is not a quota such as \"1500/month\", \"60 messages/minute\" or "
                                               "\"10GiB bytes/day@bulk\"";
    },
    "");
const CLI::Validator is_network(
    [](std::string& text) {
      return parse_network(text) ? std::string() : "\"" + text + "\" is not a network such as 192.0.2.0/24";
    },
    "");
const CLI::Validator is_size(
    [](std::string& text) {
      return parse_bytes(text) ? std::string() : "\"" + text + "\" is not a size such as 20MiB";
    },
    "");

// "AA:BB:…" as openssl prints it, or the digits alone; becomes lower case without colons.
const CLI::Validator is_fingerprint(
    [](std::string& text) {
      auto digits = to_lower(text);
      std::erase(digits, ':');
      if (digits.size() != 64 || digits.find_first_not_of("0123456789abcdef") != digits.npos)
        return "\"" + text + "\" is not a SHA-256 fingerprint: openssl x509 -noout -fingerprint -sha256 -in client.pem";
      text = digits;
      return std::string();
    },
    "");

void add_name(CLI::App* sub, arguments& to, const char* title, const char* help) {
  sub->add_option(title, to.account.name, help)->required()->check(is_name)->type_name("");
}

void add_quotas(CLI::App* sub, arguments& to, const char* help) {
  sub->add_option("--quota", to.account.quotas, help)
      ->check(is_quota)
      ->take_all()
      ->expected(1)
      ->allow_extra_args(false)
      ->type_name("QUOTA");
}

void add_suppression(CLI::App* sub, account_arguments& a) {
  sub->add_option_function<std::string>(
         "--ignore-suppression", [&a](const std::string& word) { a.ignore_suppression = word == "yes"; },
         "Whether its messages may ask to be sent to suppressed addresses, too")
      ->check(CLI::IsMember({"yes", "no"}).description(""))
      ->type_name("yes|no");
  sub->add_option("--suppress-on", a.suppress_categories,
                  "Categories of refusals for good that suppress an address at once, with commas between")
      ->type_name("CATEGORIES");
  const auto bounces = CLI::Range(0u, bounce::soft_bounces_max).description("");
  const auto days = CLI::Range(0u, static_cast<unsigned>(bounce::soft_days_max.count())).description("");
  sub->add_option("--soft-bounces", a.soft_bounces,
                  "So many soft bounces suppress an address for a time; 0: they don't")
      ->check(bounces)
      ->type_name("N");
  sub->add_option("--soft-over-days", a.soft_over_days, "The first and the last of them are so far apart at least")
      ->check(days)
      ->type_name("DAYS");
  sub->add_option("--soft-within-days", a.soft_within_days, "Older ones don't count")->check(days)->type_name("DAYS");
  sub->add_option("--soft-for-days", a.soft_for_days, "How long it is suppressed then")->check(days)->type_name("DAYS");
}

void add_changes(CLI::App* sub, arguments& to) {
  auto& a = to.account;
  sub->add_option("--plan", a.plan, "The plan whose quotas it has")->check(is_name)->type_name("NAME");
  sub->add_option("--policy", a.policy, "For From and envelope in domains it has not proved: enforce, warn or off")
      ->check(CLI::IsMember({"enforce", "warn", "off"}).description(""))
      ->type_name("POLICY");
  add_quotas(sub, to, "Instead of the plan's of the same kind, such as \"60 messages/minute\"; may be repeated");
  sub->add_option_function<std::string>(
         "--month-is-final", [&a](const std::string& word) { a.month_is_final = word == "yes"; },
         "Whether mail over a month's quota is refused for good (550), not for now (452)")
      ->check(CLI::IsMember({"yes", "no"}).description(""))
      ->type_name("yes|no");
  sub->add_option("--message-bytes-max", a.message_bytes_max, "Largest message; 0: as the server allows")
      ->check(is_size)
      ->type_name("SIZE");
  sub->add_option("--recipients-max", a.recipients_max, "Recipients of one message; 0: as the server allows")
      ->type_name("N");
  sub->add_option("--weight", a.weight, "Its share of what a destination takes, beside other accounts; 1 as a rule")
      ->check(CLI::Range(1u, shaping::fair_share::weight_max).description(""))
      ->type_name("N");
  sub->add_option("--journal-hash-after", a.journal_hash_after_days,
                  "Days after which the journal has its recipients' addresses as hashes alone; 0: it keeps them")
      ->check(CLI::Range(0u, accounts::journal_days_max).description(""))
      ->type_name("DAYS");
  sub->add_option_function<std::string>(
         "--journal-subject", [&a](const std::string& word) { a.journal_subject = word == "yes"; },
         "Whether events and the journal may have its subjects")
      ->check(CLI::IsMember({"yes", "no"}).description(""))
      ->type_name("yes|no");
  sub->add_option("--egress", a.egress, "The egress or pool that its mail leaves by; \"\": that of the stream")
      ->type_name("NAME");
  add_suppression(sub, a);
}

void add_accounts(CLI::App& app, arguments& to, const command_adder& with) {
  auto* account = app.add_subcommand("account", "Who may send, and how much");
  account->require_subcommand(1);
  with.add_client(with.add(*account, "list", "All accounts", command::account_list, "gonets account list"));
  const auto of_one = [&](const char* name, const char* help, command what, const std::string& example) {
    auto* sub = with.add(*account, name, help, what, example);
    add_name(sub, to, "NAME", "The account");
    with.add_client(sub);
    return sub;
  };
  of_one("show", "One of them: state, quotas, credentials, domains", command::account_show, "gonets account show shop");
  add_changes(of_one("add", "Make one", command::account_add, "gonets account add shop --plan free"), to);
  auto* set = of_one("set", "Change what is given, and nothing else", command::account_set,
                     "gonets account set shop --quota \"10000/day\" --quota \"60 messages/minute\"");
  add_changes(set, to);
  set->add_flag("--no-plan", to.account.no_plan, "Take its plan away")->excludes(set->get_option("--plan"));
  set->add_flag("--no-quotas", to.account.no_quotas, "Take its own quotas away")->excludes(set->get_option("--quota"));
  of_one("pause", "Take its mail, and keep it in the queue", command::account_pause, "gonets account pause shop");
  of_one("resume", "Go on with a paused or closed one", command::account_resume, "gonets account resume shop");
  of_one("close", "Refuse its logins and mail", command::account_close, "gonets account close shop");
}

void add_credentials(CLI::App& app, arguments& to, const command_adder& with) {
  auto& a = to.account;
  auto* credential = app.add_subcommand("credential", "Logins and API keys of an account");
  credential->require_subcommand(1);
  const auto of_account = [&](const char* name, const char* help, command what, const std::string& example) {
    auto* sub = with.add(*credential, name, help, what, example);
    add_name(sub, to, "ACCOUNT", "The account");
    with.add_client(sub);
    return sub;
  };
  of_account("list", "Those of an account", command::credential_list, "gonets credential list shop");
  auto* add = of_account("add", "Make one; its secret is printed this once", command::credential_add,
                         "gonets credential add shop --name \"web shop\" --network 192.0.2.0/24");
  add->add_option("--name", a.title, "What people know it by")->type_name("TEXT");
  add->add_option("--login", a.login, "The login; one is made up if none is given")->type_name("LOGIN");
  add->add_flag("--api-key", a.api_key, "For the HTTP API, not for SMTP");
  add->add_option("--scope", a.scopes, "What it may: send (the default), read, admin; may be repeated")
      ->check(CLI::IsMember({"send", "read", "admin"}).description(""))
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("SCOPE");
  add->add_option("--network", a.networks, "Where it may be used from; may be repeated; none: anywhere")
      ->check(is_network)
      ->expected(1)
      ->take_all()
      ->allow_extra_args(false)
      ->type_name("NETWORK");
  add->add_option("--stream", a.stream, "The stream of its mail; none: the listener's")
      ->check(is_name)
      ->type_name("NAME");
  add->add_option("--certificate", a.certificate, "SHA-256 fingerprint of a client certificate that stands for it")
      ->transform(is_fingerprint)
      ->type_name("HEX");
  add->add_flag("--no-scram", a.no_scram, "Keep no verifier for SCRAM-SHA-256");
  auto* revoke = of_account("revoke", "End it, with the connections that use it", command::credential_revoke,
                            "gonets credential revoke shop 3");
  revoke->add_option("ID", a.credential, "Its number, as `gonets credential list` shows it")->required()->type_name("");
}

void add_plans(CLI::App& app, arguments& to, const command_adder& with) {
  auto* plan = app.add_subcommand("plan", "Named sets of quotas");
  plan->require_subcommand(1);
  with.add_client(with.add(*plan, "list", "All plans", command::plan_list, "gonets plan list"));
  const auto of_one = [&](const char* name, const char* help, command what, const std::string& example) {
    auto* sub = with.add(*plan, name, help, what, example);
    add_name(sub, to, "NAME", "The plan");
    with.add_client(sub);
    return sub;
  };
  of_one("show", "One of them, and who has it", command::plan_show, "gonets plan show free");
  auto* set = of_one("set", "Make one, or change it for all its accounts", command::plan_set,
                     "gonets plan set pro --quota 50000/month --quota \"100 messages/minute\"");
  add_quotas(set, to,
             "Such as 1500/month, \"60 messages/minute\", \"10GiB bytes/day\", 1000/hour@bulk; may be repeated");
  of_one("remove", "Remove one that no account has", command::plan_remove, "gonets plan remove pro");
}

}  // namespace

void add_account_commands(CLI::App& app, arguments& to, const command_adder& with) {
  add_accounts(app, to, with);
  add_credentials(app, to, with);
  add_plans(app, to, with);
}

}  // namespace gonets::app::cli
