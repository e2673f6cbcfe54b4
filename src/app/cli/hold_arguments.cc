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

}  // namespace gonets::app::cli
