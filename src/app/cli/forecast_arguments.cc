#include "app/cli/forecast_arguments.h"

#include <CLI/CLI.hpp>

namespace gonets::app::cli {

void add_forecast_command(CLI::App& app, arguments& to, const command_adder& with) {
  auto* forecast = with.add(app, "forecast", "When a mailing would be through under present limits", command::forecast,
                            "gonets forecast --recipients list.txt --stream bulk");
  forecast->add_option("--recipients", to.forecast.file, "A file with an address a line; - reads standard input")
      ->required()
      ->type_name("FILE");
  forecast->add_option("--stream", to.forecast.stream, "Of this stream")->capture_default_str()->type_name("STREAM");
  forecast->add_option("--account", to.forecast.account, "Of this account, by its name")->type_name("NAME");
  forecast->add_option("--look-up", to.forecast.look_up, "How many domains are asked for, the largest first")
      ->capture_default_str()
      ->check(CLI::Range(1u, 100'000u).description(""))
      ->type_name("N");
  with.add_client(forecast);
}

void add_top_command(CLI::App& app, arguments& to, const command_adder& with) {
  auto* top = with.add(app, "top", "How mail flows now, live: rates, queues, deferrals, connections", command::top,
                       "gonets top --by site");
  top->add_option("--by", to.top.by, "What a line is at first")
      ->capture_default_str()
      ->check(CLI::IsMember({"provider", "site", "account", "egress"}).description(""))
      ->type_name("provider|site|account|egress");
  top->add_flag("--once", to.top.once, "Print once and exit, as where the output is no terminal");
  with.add_client(top);
}

}  // namespace gonets::app::cli
