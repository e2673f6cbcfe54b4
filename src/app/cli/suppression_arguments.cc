#include "app/cli/suppression_arguments.h"

#include <CLI/CLI.hpp>

#include "base/text.h"

namespace gonets::app::cli {
namespace {

const CLI::Validator is_age(
    [](std::string& text) {
      return parse_duration(text) ? std::string() : "\"" + text + "\" is not a time such as 90m, 24h or 7d";
    },
    "");

void of_account(CLI::App* sub, suppression_arguments& to) {
  sub->add_option("--account", to.account, "Whose list")->required()->type_name("NAME");
}

void add_reading(CLI::App& suppression, arguments& to, const command_adder& with) {
  auto& given = to.suppression;
  const auto choose = [&](CLI::App* to_command) {
    to_command->add_option("--reason", given.reason, "Those with this reason")->type_name("TEXT");
    to_command->add_option("--stream", given.stream, "Those for this stream alone")->type_name("STREAM");
    to_command->add_option("--list", given.list, "Those for this mailing list alone")
        ->excludes("--stream")
        ->type_name("LIST-ID");
    to_command->add_option("--since", given.since, "Those that came on it so long ago at most, such as 7d")
        ->check(is_age)
        ->type_name("AGE");
    to_command->add_option("--search", given.search, "Those with this in the address, such as @example.com")
        ->type_name("TEXT");
  };

  auto* list = with.add(suppression, "list", "Show an account's list, by address", command::suppression_list,
                        "gonets suppression list --account shop --reason complained --since 7d");
  of_account(list, given);
  list->add_option("ADDRESS", given.addresses, "Only this one")->expected(0, 1)->type_name("");
  choose(list);
  list->add_option("--max", to.max, "At most so many")
      ->capture_default_str()
      ->check(CLI::Range(1, 10'000).description("1 to 10000"))
      ->type_name("N");
  with.add_client(list);

  auto* show = with.add(suppression, "show", "All that is known of an address", command::suppression_show,
                        "gonets suppression show ann@example.com");
  show->add_option("--account", given.account, "At this account alone")->type_name("NAME");
  show->add_option("ADDRESS", given.addresses, "The address")->required()->expected(1)->type_name("");
  with.add_client(show);

  auto* out = with.add(suppression, "export", "Print an account's list, as `import` reads it",
                       command::suppression_export, "gonets suppression export --account shop > shop.csv");
  of_account(out, given);
  choose(out);
  out->add_option("--format", given.format, "csv, or jsonl: a JSON object a line")
      ->check(CLI::IsMember({"csv", "jsonl"}).description(""))
      ->capture_default_str()
      ->type_name("FORMAT");
  with.add_client(out);
}

void add_changing(CLI::App& suppression, arguments& to, const command_adder& with) {
  auto& given = to.suppression;
  const auto of_scope = [&](CLI::App* to_command) {
    to_command->add_option("--stream", given.stream, "For mail of this stream alone; else for all")
        ->type_name("STREAM");
    to_command->add_option("--list", given.list, "For mail of this mailing list alone, by its List-ID")
        ->excludes("--stream")
        ->type_name("LIST-ID");
  };
  const auto for_reason = [&](CLI::App* to_command) {
    to_command->add_option("--reason", given.reason, "Why; \"manual\" by default")->type_name("TEXT");
    to_command->add_option("--expires-in", given.expires, "How long it holds, such as 30d; else for good")
        ->type_name("TIME");
  };

  auto* add = with.add(suppression, "add", "Send nothing there any more", command::suppression_add,
                       "gonets suppression add --account shop ann@example.com --reason \"asked by phone\"");
  of_account(add, given);
  of_scope(add);
  for_reason(add);
  add->add_option("ADDRESS", given.addresses, "")->required()->type_name("");
  with.add_client(add);

  auto* remove = with.add(suppression, "remove", "Send there again", command::suppression_remove,
                          "gonets suppression remove --account shop ann@example.com");
  of_account(remove, given);
  of_scope(remove);
  remove->add_option("ADDRESS", given.addresses, "")->required()->type_name("");
  with.add_client(remove);

  auto* import = with.add(suppression, "import", "Add all addresses of a file", command::suppression_import,
                          "gonets suppression import --account shop bounces.csv --reason \"from the old system\"");
  of_account(import, given);
  of_scope(import);
  for_reason(import);
  import
      ->add_option("FILE", given.file,
                   "CSV with names of columns as `export` writes them, or an address a line; \"-\": stdin")
      ->required()
      ->type_name("");
  with.add_client(import);
}

}  // namespace

void add_suppression_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto* suppression = with.add(app, "suppression", "Addresses that an account's mail is not sent to",
                               command::suppression_list, "gonets suppression list --account shop");
  suppression->require_subcommand(1);
  add_reading(*suppression, to, with);
  add_changing(*suppression, to, with);
}

}  // namespace gonets::app::cli
