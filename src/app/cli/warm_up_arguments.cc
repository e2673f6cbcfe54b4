#include "app/cli/warm_up_arguments.h"

#include <CLI/CLI.hpp>

namespace gonets::app::cli {

void add_warm_up_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto* warm_up = with.add(app, "warm-up", "How far new egresses are made known to providers", command::warm_up_list,
                           "gonets warm-up set mail-b google --day 12");
  warm_up->require_subcommand(0, 1);
  with.add_client(warm_up);

  auto* list = with.add(*warm_up, "list", "Where each egress stands at each provider (the default)",
                        command::warm_up_list, "gonets warm-up list --json");
  with.add_client(list);

  auto* set = with.add(*warm_up, "set", "Put an egress at another day of its plan", command::warm_up_set,
                       "gonets warm-up set mail-b google --day 12");
  set->add_option("EGRESS", to.warm_up.egress, "Its name, as `gonets egress list` shows it")->required()->type_name("");
  set->add_option("PROVIDER", to.warm_up.provider, "`gonets rules show` lists them; or \"other sites\"")
      ->required()
      ->type_name("");
  auto* day = set->add_option("--day", to.warm_up.day, "The day of the plan that begins with the next message, from 1");
  day->check(CLI::Range(1u, 365u).description(""))->type_name("N");
  auto* warm = set->add_flag("--warm", to.warm_up.warm, "It is warm: no cap any more");
  warm->excludes(day);
  with.add_client(set);
}

}  // namespace gonets::app::cli
