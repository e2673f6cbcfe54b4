#include "app/cli/arguments.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <sstream>

#include "app/cli/account_arguments.h"
#include "app/cli/bounce_commands.h"
#include "app/cli/forecast_arguments.h"
#include "app/cli/hold_arguments.h"
#include "app/cli/rules_arguments.h"
#include "app/cli/search_arguments.h"
#include "app/cli/suppression_arguments.h"
#include "app/cli/warm_up_arguments.h"
#include "app/cli/webhook_arguments.h"
#include "base/ids.h"
#include "base/text.h"
#include "config/routes.h"

namespace gonets::app::cli {
namespace {

const CLI::Validator is_message_id(
    [](std::string& text) {
      return parse_message_id(text) ? std::string() : "\"" + text + "\" is not a message id: twelve letters and digits";
    },
    "");
const CLI::Validator is_duration(
    [](std::string& text) {
      const auto parsed = parse_duration(text);
      return parsed && parsed->count() > 0 ? std::string()
                                           : "\"" + text + "\" is not a duration such as 90s, 2h or 1d12h";
    },
    "");

const CLI::Validator is_domain_name(
    [](std::string& text) { return config::is_domain(text) ? std::string() : "\"" + text + "\" is not a domain name"; },
    "");

// Builds the tree of subcommands; what is chosen ends up in `to`, which must outlive it.
class command_line {
 public:
  explicit command_line(arguments& to) : to_(to) {
    app_.set_version_flag("--version", "gonets " GONETS_VERSION);
    app_.set_help_flag("-h,--help", "Print this help and exit");
    app_.require_subcommand(1);
    app_.get_formatter()->column_width(28);
    app_.footer(
        "`gonets COMMAND --help` says more, with an example. Exit status: 0 when all is well, 1 on a negative\n"
        "verdict (not found, not balanced, not running), 2 on bad usage.\n\n"
        "The server is found by --socket, else by the api.socket of --config, else by $GONETS_SOCKET, else by\n"
        "/etc/gonets/gonets.toml, else at /run/gonets/api.sock.");
    add_server();
    add_queue();
    add_messages();
    add_capture();
    add_shaping();
    add_egress();
    add_auth();
    add_tls();
    add_dkim();
    const command_adder adder{[this](CLI::App& under, const std::string& name, const std::string& help, command what,
                                     const std::string& example) { return add(under, name, help, what, example); },
                              [this](CLI::App* sub) { add_client(sub); }};
    add_account_commands(app_, to_, adder);
    add_domain();
    add_rules_commands(app_, to_, adder);
    add_bounce_commands(app_, to_, adder);
    add_hold_commands(app_, to_, adder);
    add_suppression_commands(app_, to_, adder);
    add_webhook_commands(app_, to_, adder);
    add_search_commands(app_, to_, adder);
    add_statistics_command(app_, to_, adder);
    add_warm_up_commands(app_, to_, adder);
    add_forecast_command(app_, to_, adder);
    add_top_command(app_, to_, adder);
  }

  CLI::App& app() { return app_; }

  // Of the word that was not understood, in the help of the command that it was given to.
  std::string suggestion() {
    const CLI::App* last = &app_;
    while (!last->get_subcommands().empty())
      last = last->get_subcommands().front();
    std::vector<std::string> names;
    for (const auto* sub : last->get_subcommands([](const CLI::App*) { return true; }))
      names.push_back(sub->get_name());
    for (const auto* option : last->get_options())
      names.push_back(option->get_name());
    for (const auto& word : last->remaining()) {
      const auto near = nearest(word, names);
      if (!near.empty()) return fmt::format("; did you mean \"{}\"?", near);
    }
    return {};
  }

  std::string path_of_chosen() {
    std::string path = "gonets";
    for (const CLI::App* at = &app_; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      path += " " + at->get_name();
    }
    return path;
  }

 private:
  CLI::App* add(CLI::App& under, const std::string& name, const std::string& help, command what,
                const std::string& examples) {
    auto* sub = under.add_subcommand(name, help);
    sub->callback([this, sub, what] {
      if (sub->get_subcommands().empty()) to_.what = what;
    });
    sub->footer("Example:\n  " + examples);
    return sub;
  }

  void add_json(CLI::App* sub) { sub->add_flag("--json", to_.json, "Print JSON"); }
  void add_config(CLI::App* sub) {
    sub->add_option("--config", to_.config_file, "The configuration")->type_name("FILE");
  }
  void add_client(CLI::App* sub) {
    add_json(sub);
    sub->add_option("--socket", to_.socket, "The server's Unix socket")->type_name("PATH");
    add_config(sub);
  }
  void add_max(CLI::App* sub, const std::string& what) {
    sub->add_option("--max", to_.max, "At most so many " + what)
        ->capture_default_str()
        ->check(CLI::Range(1, 1000).description("1 to 1000"))
        ->type_name("N");
  }
  void add_filters(CLI::App* sub) {
    auto& f = to_.filter;
    sub->add_option("--id,ID", f.id, "The message")->check(is_message_id)->type_name("");
    sub->add_option("--recipient", f.recipient, "A whole address, or @domain")->type_name("ADDRESS");
    sub->add_option("--domain", f.domain, "The recipients' domain")->type_name("DOMAIN");
    sub->add_option("--account", f.account, "The account")->type_name("NAME");
    sub->add_option("--state", f.state, "One of ready, deferred, held, sending, resolving")
        ->check(CLI::IsMember({"ready", "deferred", "held", "paused", "sending", "resolving"}).description(""))
        ->type_name("STATE");
    sub->add_option("--older-than", f.older_than, "Accepted at least this long ago, such as 2h")
        ->check(is_duration)
        ->type_name("AGE");
  }
  void add_since(CLI::App* sub, const std::string& fallback) {
    sub->add_option("--since", to_.since, "As long ago as this, such as 90m or 7d; without it " + fallback)
        ->check(is_duration)
        ->type_name("AGE");
  }
  void add_id(CLI::App* sub) {
    sub->add_option("ID", to_.id, "The message's id, as in our 250 reply")
        ->required()
        ->check(is_message_id)
        ->type_name("");
  }

  void add_server() {
    auto* serve = add(app_, "serve", "Run the server in the foreground", command::serve,
                      "gonets serve --config /etc/gonets/gonets.toml");
    add_config(serve);
    auto* check = add(app_, "check-config", "Say what is wrong with a configuration", command::check_config,
                      "gonets check-config --config new.toml && systemctl reload gonets");
    add_config(check);
    add_json(check);
    auto* doctor = add(app_, "doctor", "Examine the configuration, the machine, and the server if it runs",
                       command::doctor, "gonets doctor --json");
    add_client(doctor);
    auto* reference = add(app_, "config-reference", "Print the reference of all settings, as Markdown",
                          command::config_reference, "gonets config-reference > settings.md");
    reference->fallthrough(false);
    auto* version = add(app_, "version", "Print the version", command::version, "gonets version --json");
    add_json(version);
  }

  void add_queue() {
    auto* queue = add(app_, "queue", "Look at the queue, and act on it", command::queue_summary,
                      "gonets queue hold --domain example.com --reason \"their server is being moved\"");
    queue->require_subcommand(0, 1);
    add_client(queue);
    auto* summary = add(*queue, "summary", "Numbers, in all and by destination (the default)", command::queue_summary,
                        "gonets queue summary");
    add_client(summary);
    auto* list = add(*queue, "list", "Queued recipients", command::queue_list,
                     "gonets queue list --domain example.com --state deferred --older-than 2h");
    add_filters(list);
    add_max(list, "rows");
    add_client(list);
    auto* show =
        add(*queue, "show", "One queued message", command::queue_show, "gonets queue show 066K3V7P8G01 --content");
    add_id(show);
    show->add_flag("--content", to_.content, "Print the message itself, at most its first MiB");
    add_client(show);
    add_action(*queue, "retry", "Try again now", command::queue_retry, "gonets queue retry --domain example.com");
    add_action(*queue, "hold", "Keep until released", command::queue_hold,
               "gonets queue hold --recipient @example.com --reason \"their server is being moved\"");
    add_action(*queue, "release", "Go on with what is held", command::queue_release,
               "gonets queue release --recipient @example.com");
    auto* remove = add_action(*queue, "remove", "Give up, without a report to the sender", command::queue_remove,
                              "gonets queue remove 066K3V7P8G01 --reason \"wrong list\"");
    remove->add_flag("--all", to_.all, "The whole queue; needed when there is no filter");
  }

  CLI::App* add_action(CLI::App& queue, const std::string& name, const std::string& help, command what,
                       const std::string& example) {
    auto* sub = add(queue, name, help, what, example);
    add_filters(sub);
    sub->add_option("--reason", to_.reason, "Kept with the event, for whoever asks later")->type_name("TEXT");
    add_client(sub);
    return sub;
  }

  void add_messages() {
    auto* trace = add(app_, "trace", "What happened to a message", command::trace, "gonets trace 066K3V7P8G01");
    add_id(trace);
    add_client(trace);
    auto* why =
        add(app_, "why", "What a message is waiting for, and until when", command::why, "gonets why 066K3V7P8G01");
    add_id(why);
    add_client(why);
    auto* audit = add(app_, "audit", "Whether everything accepted is accounted for", command::audit,
                      "gonets audit --spool /var/lib/gonets/spool   # of a stopped or crashed server");
    auto* spool =
        audit->add_option("--spool", to_.spool, "The spool of a server that is not running")->type_name("DIR");
    add_client(audit);
    audit->get_option("--socket")->excludes(spool);
    audit->get_option("--config")->excludes(spool);
    auto* events = add(app_, "events", "The log of everything that happened, oldest first", command::events,
                       "gonets events --after 1200 --follow --json");
    events->add_option("--after", to_.events.after, "Begin after this number, or `latest`; without it, with the oldest")
        ->check([](const std::string& text) {
          const bool number = text.find_first_not_of("0123456789") == std::string::npos;
          return number || text == "latest" ? std::string()
                                            : fmt::format("found \"{}\", expected a number or `latest`", text);
        })
        ->type_name("CURSOR");
    events->add_flag("--follow,-f", to_.follow, "Go on with what happens");
    events->add_option("--kind", to_.events.kinds, "Of this kind alone, such as bounced; may be repeated")
        ->type_name("KIND");
    events->add_option("--stream", to_.events.streams, "Of this stream's mail alone; may be repeated")
        ->type_name("NAME");
    events->add_option("--account", to_.filter.account, "Of this account alone")->type_name("NAME");
    add_max(events, "events (without --follow)");
    add_client(events);
  }

  void add_capture() {
    auto* capture = add(app_, "capture", "The built-in test mailbox", command::capture_list, "gonets capture show 12");
    capture->require_subcommand(0, 1);
    add_max(capture, "messages");
    add_client(capture);
    auto* list = add(*capture, "list", "Captured messages, newest first (the default)", command::capture_list,
                     "gonets capture list --max 10");
    add_max(list, "messages");
    add_client(list);
    auto* show = add(*capture, "show", "One of them, whole", command::capture_show, "gonets capture show 12");
    show->add_option("ID", to_.id, "The id that `gonets capture list` shows")->required()->type_name("");
    add_client(show);
  }

  void add_shaping() {
    auto* shaping = app_.add_subcommand("shaping", "How fast a destination is sent to, and why no faster");
    shaping->require_subcommand(1);
    const auto place = [this](CLI::App* sub) {
      sub->add_option("RECIPIENT", to_.domain, "A recipient's address or domain; its whole site is meant")
          ->required()
          ->type_name("");
    };
    auto* explain = add(*shaping, "explain", "Its site, pace and limits, and where each is from",
                        command::shaping_explain, "gonets shaping explain alice@example.com");
    place(explain);
    add_client(explain);
    auto* pin = add(*shaping, "pin", "Send at this rate, whatever is answered, until it is released",
                    command::shaping_pin, "gonets shaping pin example.com --rate 20/m --connections 2");
    place(pin);
    pin->add_option("--rate", to_.shaping.rate, "Messages a second, minute, hour or day: \"20/m\"")
        ->required()
        ->type_name("RATE");
    pin->add_option("--connections", to_.shaping.connections, "Open at a time")->type_name("N");
    pin->add_option("--stream", to_.shaping.stream, "Of this stream alone")->type_name("STREAM");
    add_client(pin);
    auto* release = add(*shaping, "release", "End a pin, a rule's hold and a rule's slow-down",
                        command::shaping_release, "gonets shaping release example.com");
    place(release);
    release->add_option("--stream", to_.shaping.stream, "Of this stream alone")->type_name("STREAM");
    add_client(release);
    auto* history = add(*shaping, "history", "Every change of its pace, and on what evidence; the newest last",
                        command::shaping_history, "gonets shaping history example.com --since 2h");
    history->add_option("SITE", to_.domain, "A recipient's address or domain, or a site as `gonets queue` names it")
        ->required()
        ->type_name("");
    add_since(history, "24h");
    add_max(history, "changes");
    add_client(history);
  }

  void add_egress() {
    auto* egress = app_.add_subcommand("egress", "By which ways mail leaves, and which of them work");
    egress->require_subcommand(1);
    add_client(add(*egress, "list", "All of them, with address, name, proxy and state", command::egress_list,
                   "gonets egress list"));
  }

  void add_auth() {
    auto* auth = app_.add_subcommand("auth", "Who failed to log in, and is kept out for it");
    auth->require_subcommand(1);
    auto* lockouts = add(*auth, "lockouts", "Source addresses and logins with failures, the locked ones first",
                         command::auth_lockouts, "gonets auth lockouts --json");
    add_max(lockouts, "rows");
    add_client(lockouts);
    auto* unlock = add(*auth, "unlock", "Forget the failures of a source address or login", command::auth_unlock,
                       "gonets auth unlock 192.0.2.1");
    unlock->add_option("WHAT", to_.id, "The address or login")->required()->type_name("");
    add_client(unlock);
  }

  void add_tls() {
    auto* policy = app_.add_subcommand("tls-policy", "What is asked of TLS towards a destination");
    policy->require_subcommand(1);
    auto* show = add(*policy, "show", "Level, MTA-STS, and DANE of each mail host", command::tls_policy_show,
                     "gonets tls-policy show example.com --refresh");
    add_destination(show)->required();
    show->add_flag("--refresh", to_.refresh, "Look up and fetch the MTA-STS policy anew first");
    add_client(show);
    auto* report = app_.add_subcommand("tls-report", "What is collected for TLS reports (RFC 8460)");
    report->require_subcommand(1);
    auto* list = add(*report, "list", "Domains by day, newest first", command::tls_report_list,
                     "gonets tls-report list --day 2026-11-25");
    add_day(list);
    add_max(list, "rows");
    add_client(list);
    auto* one = add(*report, "show", "A domain's report of a day (today's without --day)", command::tls_report_show,
                    "gonets tls-report show example.com --json");
    add_destination(one)->required();
    add_day(one);
    add_client(one);
    auto* send = add(*report, "send", "Send the pending reports of a day now", command::tls_report_send,
                     "gonets tls-report send --day 2026-11-25");
    add_day(send)->required();
    send->add_option("--domain", to_.domain, "Of this domain alone")->check(is_domain_name)->type_name("DOMAIN");
    add_client(send);
  }

  CLI::Option* add_destination(CLI::App* sub) {
    return sub->add_option("DOMAIN", to_.domain, "The recipients' domain")->check(is_domain_name)->type_name("");
  }
  CLI::Option* add_day(CLI::App* sub) {
    return sub->add_option("--day", to_.day, "In UTC, such as 2026-11-25")->type_name("DAY");
  }

  void add_dkim() {
    auto* dkim = app_.add_subcommand("dkim", "Sign and verify messages as files (RFC 6376)");
    dkim->require_subcommand(1);
    auto* sign = add(*dkim, "sign", "Put a DKIM-Signature in front of the message on stdin", command::dkim_sign,
                     "gonets dkim sign --domain example.com --selector s1 --key s1.pem < message > signed");
    add_dkim_key(sign);
    sign->add_option("--canonicalization", to_.canonicalization, "Of header and body")
        ->capture_default_str()
        ->check(CLI::IsMember({"relaxed/relaxed", "relaxed/simple", "simple/relaxed", "simple/simple"}).description(""))
        ->type_name("HEADER/BODY");
    auto* verify = add(*dkim, "verify", "Check the signatures of the message on stdin", command::dkim_verify,
                       "gonets dkim verify --dns records.txt < signed\n\n"
                       "A line of FILE is a name, blanks, and a TXT value. Exit status 0 when a signature is good.");
    verify->add_option("--dns", to_.dns_file, "Where the key records are")->required()->type_name("FILE");
    add_json(verify);
    auto* record = add(*dkim, "record", "Print the DNS record to publish for a key", command::dkim_record,
                       "openssl genpkey -algorithm ed25519 -out s1.pem\n"
                       "  gonets dkim record --domain example.com --selector s1 --key s1.pem");
    add_dkim_key(record);
    add_json(record);
  }
  void add_dkim_key(CLI::App* sub) {
    sub->add_option("--domain", to_.dkim_domain, "The signing domain (d=)")
        ->required()
        ->check(is_domain_name)
        ->type_name("DOMAIN");
    sub->add_option("--selector", to_.dkim_selector, "Which of the domain's keys this is (s=)")
        ->required()
        ->check(is_domain_name)
        ->type_name("NAME");
    sub->add_option("--key", to_.key_file, "The private key, PEM: RSA of 2048 to 4096 bits, or Ed25519")
        ->required()
        ->type_name("FILE");
  }

  void add_domain() {
    auto* domain = add(app_, "domain", "Sender domains: records to publish, checks in DNS, keys", command::domain_list,
                       "gonets domain add example.com --account shop");
    domain->require_subcommand(0, 1);
    add_account(domain);
    add_client(domain);
    auto* list = add(*domain, "list", "All of them (the default)", command::domain_list, "gonets domain list");
    add_account(list);
    add_client(list);
    auto* made = add_one(*domain, "add", "Make keys, and print what to publish in DNS", command::domain_add,
                         "gonets domain add example.com --zone >> example.com.zone");
    made->add_option("--return-path", to_.return_path, "Where bounces go; bounce.DOMAIN by default, \"\" for none")
        ->type_name("HOST");
    made->add_option("--tracking", to_.tracking,
                     "Host of tracking links; click.DOMAIN by default where the server has any, \"\" for none")
        ->type_name("HOST");
    add_zone(made);
    add_zone(add_one(*domain, "show", "Its keys, records and last check", command::domain_show,
                     "gonets domain show example.com --zone"));
    add_one(*domain, "check", "Look everything up in DNS now; exit status 1 when something is wrong",
            command::domain_check, "gonets domain check example.com");
    auto* verify = add_one(*domain, "verify", "Let the account use it, once DNS proves that it is its owner",
                           command::domain_verify, "gonets domain verify example.com");
    verify->add_flag("--force", to_.force, "Without a proof: you know whose it is");
    auto* rotate = add_one(*domain, "rotate", "Make new keys; they sign once their records are seen in DNS",
                           command::domain_rotate, "gonets domain rotate example.com");
    rotate->add_flag("--now", to_.now, "They sign at once, without looking into DNS");
    add_zone(rotate);
    auto* import = add_one(*domain, "import-key", "Take a private key of yours", command::domain_import_key,
                           "gonets domain import-key example.com --selector s1 --key s1.pem --now");
    import->add_option("--selector", to_.dkim_selector, "Its name in DNS (s=)")
        ->required()
        ->check(is_domain_name)
        ->type_name("NAME");
    import->add_option("--key", to_.key_file, "PEM: RSA of 2048 to 4096 bits, or Ed25519")
        ->required()
        ->type_name("FILE");
    import->add_flag("--now", to_.now, "It signs at once, in place of the present one of its algorithm");
    add_one(*domain, "remove", "Forget it and its keys", command::domain_remove, "gonets domain remove example.com");
    auto* reports = add(*domain, "reports", "What others report of mail in its name (DMARC), and to it (TLS)",
                        command::domain_reports, "gonets domain reports example.com --since 30d");
    reports->add_option("DOMAIN", to_.sender_domain, "The domain; without it, all of them")
        ->check(is_domain_name)
        ->type_name("");
    add_since(reports, "7d");
    add_max(reports, "rows of each table");
    add_client(reports);
  }
  void add_account(CLI::App* sub) {
    sub->add_option("--account", to_.filter.account, "The account; `default` by default")->type_name("NAME");
  }
  void add_zone(CLI::App* sub) { sub->add_flag("--zone", to_.zone, "Print the records for a zone file"); }
  CLI::App* add_one(CLI::App& domain, const std::string& name, const std::string& help, command what,
                    const std::string& example) {
    auto* sub = add(domain, name, help, what, example);
    sub->add_option("DOMAIN", to_.sender_domain, "The domain")->required()->type_name("");
    add_account(sub);
    add_client(sub);
    return sub;
  }

  arguments& to_;
  CLI::App app_{"Gonets: a self-hosted mail-sending server", "gonets"};
};

parse_exit bad_usage(const std::string& what, const std::string& command_path) {
  return {exit_bad_usage, "", fmt::format("gonets: {}\n`{} --help` says how it is used\n", what, command_path)};
}

}  // namespace

std::expected<arguments, parse_exit> parse(int argc, const char* const* argv) {
  arguments found;
  command_line line(found);
  if (argc < 2) return std::unexpected(parse_exit{exit_bad_usage, "", line.app().help()});
  try {
    line.app().parse(argc, argv);
  } catch (const CLI::Success& e) {  // help or version was asked for
    std::ostringstream out;
    std::ostringstream err;
    line.app().exit(e, out, err);
    return std::unexpected(parse_exit{exit_fine, out.str(), ""});
  } catch (const CLI::ParseError& e) {
    return std::unexpected(bad_usage(e.what() + line.suggestion(), line.path_of_chosen()));
  }
  if (found.what == command::queue_remove && !found.all && found.filter == filter_arguments{}) {
    return std::unexpected(bad_usage(
        "this would remove the whole queue; give a filter, or --all if that is what you want", line.path_of_chosen()));
  }
  return found;
}

}  // namespace gonets::app::cli
