#include "app/cli/rules_arguments.h"

#include <CLI/CLI.hpp>

#include "base/status.h"
#include "base/text.h"

namespace gonets::app::cli {
namespace {

std::vector<std::string> stages() {
  std::vector<std::string> names;
  for (const stage at : dialogue_stages)
    names.emplace_back(to_text(at));
  return names;
}

}  // namespace

void add_rules_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto* rules = app.add_subcommand("rules", "Mailbox providers, their limits, and what their replies mean");
  rules->require_subcommand(1);
  const auto add_json = [&](CLI::App* sub) { sub->add_flag("--json", to.json, "Print JSON"); };

  auto* show =
      with.add(*rules, "show", "All providers, or one with its rules", command::rules_show, "gonets rules show google");
  show->add_option("PROVIDER", to.rules.provider, "Its name, or a domain or MX host of its")->type_name("");
  add_json(show);

  auto* presets = with.add(*rules, "presets",
                           "What is known of smarthosts for `preset` of a route: where they are, what a login may send",
                           command::rules_presets, "gonets rules presets");
  add_json(presets);

  auto* check = with.add(*rules, "check", "Whether a file of rules is right, and each rule takes its samples",
                         command::rules_check, "gonets rules check new.toml");
  check->add_option("FILE", to.rules.file, "The file; without one, what the program carries in itself")->type_name("");
  add_json(check);

  auto* attempt = with.add(*rules, "try", "What is made of the replies on stdin, one a line", command::rules_try,
                           "gonets rules try --provider google < replies.txt\n\n"
                           "Exit status 1 when a line is no negative reply.");
  attempt->add_option("--file", to.rules.file, "Other rules than what the program carries in itself")
      ->type_name("FILE");
  attempt->add_option("--provider", to.rules.provider, "Whose replies they are: a name, domain or MX host")
      ->type_name("PROVIDER");
  attempt->add_option("--stage", to.rules.stage, "Where in a session they came; without it, anywhere")
      ->check(CLI::IsMember(stages()).description(""))
      ->type_name("STAGE");
  add_json(attempt);

  auto* test = with.add(*rules, "test", "What other rules would have made of the replies that were recorded",
                        command::rules_test,
                        "gonets rules test new.toml --since 7d\n\n"
                        "Asks the running server, whose rules the new ones are compared with.");
  test->add_option("FILE", to.rules.file, "The new rules")->required()->type_name("");
  test->add_option("--since", to.since, "As long ago as this, such as 24h; without it 7d")
      ->check(CLI::Validator(
          [](std::string& text) {
            const auto parsed = parse_duration(text);
            return parsed && parsed->count() > 0 ? std::string()
                                                 : "\"" + text + "\" is not a duration such as 24h or 7d";
          },
          ""))
      ->type_name("AGE");
  with.add_client(test);
}

}  // namespace gonets::app::cli
