#include "app/cli/hold_arguments.h"

#include <CLI/CLI.hpp>

namespace gonets::app::cli {

void add_hold_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto* hold = with.add(app, "hold", "Keep mail back, also what is yet to come, until it is released",
                        command::hold_list, "gonets hold add --stream bulk --reason \"a complaint is looked into\"");
  hold->require_subcommand(0, 1);
  with.add_client(hold);

  auto* add = with.add(*hold, "add", "Keep back all mail that each of these is true of", command::hold_add,
                       "gonets hold add --domain example.com --stream bulk --reason \"their server is being moved\"");
  add->add_option("--account", to.filter.account, "Of this account")->type_name("NAME");
  add->add_option("--stream", to.shaping.stream, "Of this stream")->type_name("STREAM");
  add->add_option("--domain", to.filter.domain, "To recipients of this domain")->type_name("DOMAIN");
  add->add_option("--provider", to.rules.provider, "To this provider; `gonets rules show` lists them")
      ->type_name("PROVIDER");
  add->add_option("--campaign", to.hold.campaign, "Of this campaign, as its sender names it in X-Gonets-Campaign")
      ->type_name("NAME");
  add->add_option("--tag", to.hold.tag, "With this tag, as its sender gives it in X-Gonets-Tag")->type_name("TAG");
  add->add_option("--reason", to.reason, "For whoever asks why mail waits")->type_name("TEXT");
  with.add_client(add);

  auto* list = with.add(*hold, "list", "The holds in force, and how much each keeps back (the default)",
                        command::hold_list, "gonets hold list --json");
  with.add_client(list);

  auto* release = with.add(*hold, "release", "End a hold: what it kept back goes now", command::hold_release,
                           "gonets hold release 3");
  release->add_option("ID", to.id, "Its number, as `gonets hold list` shows it")
      ->required()
      ->check(CLI::PositiveNumber.description(""))
      ->type_name("");
  with.add_client(release);
}

void add_suppression_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto& given = to.suppression;
  auto* suppression = with.add(app, "suppression", "Addresses that an account's mail is not sent to",
                               command::suppression_list, "gonets suppression list --account shop");
  suppression->require_subcommand(1);
  const auto of_account = [&](CLI::App* to_command) {
    to_command->add_option("--account", given.account, "Whose list")->required()->type_name("NAME");
  };
  const auto of_stream = [&](CLI::App* to_command) {
    to_command->add_option("--stream", given.stream, "For mail of this stream alone; else for all")
        ->type_name("STREAM");
  };
  const auto for_reason = [&](CLI::App* to_command) {
    to_command->add_option("--reason", given.reason, "Why; \"manual\" by default")->type_name("TEXT");
    to_command->add_option("--expires-in", given.expires, "How long it holds, such as 30d; else for good")
        ->type_name("TIME");
  };

  auto* list = with.add(*suppression, "list", "Show an account's list, by address", command::suppression_list,
                        "gonets suppression list --account shop --json");
  of_account(list);
  list->add_option("ADDRESS", given.addresses, "Only this one")->expected(0, 1)->type_name("");
  with.add_client(list);

  auto* add = with.add(*suppression, "add", "Send nothing there any more", command::suppression_add,
                       "gonets suppression add --account shop ann@example.com --reason \"asked by phone\"");
  of_account(add);
  of_stream(add);
  for_reason(add);
  add->add_option("ADDRESS", given.addresses, "")->required()->type_name("");
  with.add_client(add);

  auto* remove = with.add(*suppression, "remove", "Send there again", command::suppression_remove,
                          "gonets suppression remove --account shop ann@example.com");
  of_account(remove);
  of_stream(remove);
  remove->add_option("ADDRESS", given.addresses, "")->required()->type_name("");
  with.add_client(remove);

  auto* import = with.add(*suppression, "import", "Add all addresses of a file", command::suppression_import,
                          "gonets suppression import --account shop bounces.csv --reason \"from the old system\"");
  of_account(import);
  of_stream(import);
  for_reason(import);
  import->add_option("FILE", given.file, "An address a line, alone or before the first comma; \"-\": stdin")
      ->required()
      ->type_name("");
  with.add_client(import);
}

}  // namespace gonets::app::cli
