#include "app/cli/search_arguments.h"

#include <CLI/CLI.hpp>

namespace gonets::app::cli {

void add_search_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto* messages = with.add(app, "messages", "Look for messages that were accepted, sent or not",
                            command::message_search, "gonets messages search --recipient user@example.com");
  messages->require_subcommand(1);
  auto* search =
      with.add(*messages, "search", "Messages by what is known of them, the newest first", command::message_search,
               "gonets messages search --recipient user@example.com\n"
               "  gonets messages search --status bounced --category mailbox_full --json");
  auto& s = to.search;
  search->add_option("--recipient", to.filter.recipient, "To this address")->type_name("ADDRESS");
  search->add_option("--sender", s.sender, "With this reverse-path")->type_name("ADDRESS");
  search->add_option("--message-id", s.header_message_id, "With this in the field Message-ID")->type_name("ID");
  search->add_option("--id", to.filter.id, "The message, by our id")->type_name("ID");
  search->add_option("--campaign", to.hold.campaign, "Of this campaign")->type_name("NAME");
  search->add_option("--tag", to.hold.tag, "With this tag")->type_name("TAG");
  search->add_option("--account", to.filter.account, "Of this account")->type_name("NAME");
  search->add_option("--status", s.status, "Whose latest event is this, such as delivered, deferred or bounced")
      ->type_name("KIND");
  search->add_option("--category", s.category, "Whose latest reply meant this, such as mailbox_full")
      ->type_name("NAME");
  search->add_option("--provider", to.rules.provider, "To this provider")->type_name("NAME");
  search->add_option("--page", s.page, "Go on where the last page ended, as it said")->type_name("CURSOR");
  search->add_option("--max", to.max, "At most so many rows")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description("1 to 1000"))
      ->type_name("N");
  with.add_client(search);
}

}  // namespace gonets::app::cli
