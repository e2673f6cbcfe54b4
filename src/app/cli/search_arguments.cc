#include "app/cli/search_arguments.h"

#include <CLI/CLI.hpp>

namespace gonets::app::cli {

namespace {

const CLI::IsMember is_grouping({"minute", "hour", "day", "account", "stream", "provider", "campaign", "egress",
                                 "category", "tag"});

void add_span(CLI::App* to, std::string& since, std::string& until, const std::string& what) {
  to->add_option("--since", since, what + " this long ago at most, such as 90m or 7d")->type_name("AGE");
  to->add_option("--until", until, what + " this long ago at least")->type_name("AGE");
}

}  // namespace

void add_search_commands(CLI::App& app, arguments& to, const command_adder& with) {
  auto* messages = with.add(app, "messages", "Look for messages that were accepted, sent or not",
                            command::message_search, "gonets messages search --recipient user@example.com");
  messages->require_subcommand(1);
  auto* search =
      with.add(*messages, "search", "Messages by what is known of them, the newest first", command::message_search,
               "gonets messages search --recipient user@example.com\n"
               "  gonets messages search --status bounced --category mailbox_full --json");
  auto& s = to.search;
  search->add_option("--recipient", to.filter.recipient, "To this address, or to \"*@\" and a domain")
      ->type_name("ADDRESS");
  search->add_option("--sender", s.sender, "With this reverse-path")->type_name("ADDRESS");
  search->add_option("--message-id", s.header_message_id, "With this in the field Message-ID")->type_name("ID");
  search->add_option("--id", to.filter.id, "The message, by our id")->type_name("ID");
  search->add_option("--campaign", to.hold.campaign, "Of this campaign")->type_name("NAME");
  search->add_option("--tag", to.hold.tag, "With this tag")->type_name("TAG");
  search->add_option("--subject", s.subject, "With this in the field Subject, where its account lets it be kept")
      ->type_name("TEXT");
  search->add_option("--account", to.filter.account, "Of this account")->type_name("NAME");
  search->add_option("--status", s.status, "Whose latest event is this, such as delivered, deferred or bounced")
      ->type_name("KIND");
  search->add_option("--category", s.category, "Whose latest reply meant this, such as mailbox_full")
      ->type_name("NAME");
  search->add_option("--provider", to.rules.provider, "To this provider")->type_name("NAME");
  add_span(search, s.since, s.until, "Accepted");
  search->add_option("--page", s.page, "Go on where the last page ended, as it said")->type_name("CURSOR");
  search->add_option("--max", to.max, "At most so many rows")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description("1 to 1000"))
      ->type_name("N");
  with.add_client(search);
}

void add_statistics_command(CLI::App& app, arguments& to, const command_adder& with) {
  auto* stats = with.add(app, "stats", "Counts of what happened to recipients, and rates", command::statistics,
                         "gonets stats --by provider --since 24h\n"
                         "  gonets stats --by hour --group tag,provider --since 2d\n"
                         "  gonets stats --by day --since 30d --account shop --json");
  auto& s = to.statistics;
  stats
      ->add_option("--by", s.by,
                   "One of minute, hour, day, account, stream, provider, campaign, egress, category and tag")
      ->capture_default_str()
      ->check(CLI::IsMember(is_grouping).description(""))
      ->type_name("WHAT");
  stats->add_option("--group", s.group, "And by these, a row for each that are met with together, such as tag,provider")
      ->delimiter(',')
      ->check(CLI::IsMember(is_grouping).description(""))
      ->type_name("WHAT,...");
  add_span(stats, s.since, s.until, "What happened");
  stats->add_option("--account", to.filter.account, "Of this account")->type_name("NAME");
  stats->add_option("--max", to.max, "At most so many rows")
      ->capture_default_str()
      ->check(CLI::Range(1, 1000).description("1 to 1000"))
      ->type_name("N");
  with.add_client(stats);
}

}  // namespace gonets::app::cli
