#include "app/cli/webhook_arguments.h"

#include <CLI/CLI.hpp>

namespace gonets::app::cli {

void add_webhook_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto& given = to.webhook;
  auto* hook = with.add(app, "webhook", "Tell a program of events, by requests to its URL", command::webhook_list,
                        "gonets webhook add https://shop.example/mail-events --account shop");
  hook->require_subcommand(0, 1);
  hook->add_option("--account", given.account, "Only those of this account")->type_name("NAME");
  with.add_client(hook);
  const auto which = [&](CLI::App* to_command) {
    to_command->add_option("WEBHOOK", given.which, "Its name or number, as `gonets webhook list` shows them")
        ->required()
        ->type_name("");
    to_command->add_option("--account", given.account, "Whose it is, where several have that name")->type_name("NAME");
    with.add_client(to_command);
  };
  const auto wanted = [&](CLI::App* to_command) {
    to_command->add_option("--name", given.name, "What to call it; the URL's host by default")->type_name("NAME");
    to_command
        ->add_option("--event", given.kinds, "Only events of this kind, such as bounced; may be given several times")
        ->type_name("KIND")
        ->allow_extra_args(false);
    to_command->add_option("--stream", given.streams, "Only of mail of this stream; may be given several times")
        ->type_name("STREAM")
        ->allow_extra_args(false);
  };

  auto* add =
      with.add(*hook, "add", "Add one, and show the secret that its requests are signed with", command::webhook_add,
               "gonets webhook add https://shop.example/mail-events --account shop --event bounced");
  add->add_option("URL", given.url, "")->required()->type_name("");
  add->add_option("--account", given.account, "Tell of this account's mail alone; else of all")->type_name("NAME");
  wanted(add);
  with.add_client(add);

  auto* list = with.add(*hook, "list", "Show all, and how far each is (the default)", command::webhook_list,
                        "gonets webhook list --json");
  list->add_option("--account", given.account, "Only those of this account")->type_name("NAME");
  with.add_client(list);

  auto* show = with.add(*hook, "show", "Show one, and its latest requests with their answers", command::webhook_show,
                        "gonets webhook show shop.example");
  which(show);

  auto* change = with.add(*hook, "change", "Change its name, URL, kinds or streams", command::webhook_change,
                          "gonets webhook change shop.example --url https://shop.example/v2/mail-events");
  change->add_option("--url", given.url, "Where to")->type_name("URL");
  wanted(change);
  which(change);

  auto* test = with.add(*hook, "test", "Send one request now, of type `test`, and show the answer",
                        command::webhook_test, "gonets webhook test shop.example");
  which(test);
  auto* rotate = with.add(*hook, "rotate", "Make a new secret; requests are signed with both for a day",
                          command::webhook_rotate, "gonets webhook rotate shop.example");
  which(rotate);
  auto* pause = with.add(*hook, "pause", "Send nothing until it is resumed; events wait", command::webhook_pause,
                         "gonets webhook pause shop.example");
  which(pause);
  auto* resume = with.add(*hook, "resume", "Go on where it was; one that fails is tried again now",
                          command::webhook_resume, "gonets webhook resume shop.example");
  which(resume);
  auto* replay = with.add(*hook, "replay", "Send events again", command::webhook_replay,
                          "gonets webhook replay shop.example --back 2h");
  auto* back = replay->add_option("--back", given.back, "Of so long ago and since, such as 2h")->type_name("TIME");
  auto* after = replay->add_option("--after", given.after, "Of those behind this number; 0: all that are kept")
                    ->type_name("CURSOR")
                    ->check(CLI::NonNegativeNumber.description(""));
  back->excludes(after);
  which(replay);
  auto* remove = with.add(*hook, "remove", "End it", command::webhook_remove, "gonets webhook remove shop.example");
  which(remove);
}

}  // namespace gonets::app::cli
