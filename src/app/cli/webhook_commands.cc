// `gonets webhook`: who is told of events by requests.
#include <fmt/format.h>

#include <boost/json.hpp>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/table.h"
#include "app/cli/text.h"
#include "base/text.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

constexpr std::size_t answer_lines_max = 5;

// "12 events to go", "retry in 30s"
std::string standing_of(const json::object& hook) {
  if (text_of(hook, "state") == "paused") return "paused";
  if (const auto failures = number_of(hook, "failures"); failures > 0)
    return fmt::format("failing, {}, next in {} s", count(failures, "time"),
                       (number_of(hook, "next_attempt_in_ms") + 999) / 1000);
  const auto end = number_of(hook, "log_end"), cursor = number_of(hook, "cursor");
  if (number_of(hook, "pending") > 0) return fmt::format("sending, {} behind", end - std::min(end, cursor));
  return "up to date";
}

std::string wanted_of(const json::object& hook) {
  const auto& kinds = array_of(hook, "events");
  return kinds.empty() ? "all" : joined(kinds);
}

void print_list(const json::object& o, const context& with) {
  const auto& hooks = array_of(o, "webhooks");
  if (hooks.empty()) {
    with.out << "There are no webhooks; `gonets webhook add URL` makes one.\n";
    return;
  }
  table rows({{"ID", align::right},
              {"NAME", align::left},
              {"ACCOUNT", align::left},
              {"URL", align::left, true},
              {"EVENTS", align::left, true},
              {"STATE", align::left}});
  for (const auto& each : hooks) {
    const auto& h = as_object(each);
    const auto state = text_of(h, "state") == "paused" || number_of(h, "failures") > 0 ? colour::red : colour::none;
    rows.add({std::to_string(number_of(h, "id")),
              std::string(text_of(h, "name")),
              std::string(text_of(h, "account")),
              std::string(text_of(h, "url")),
              wanted_of(h),
              {standing_of(h), state}});
  }
  with.out << rows.render(with.screen);
}

void print_answer(const json::object& attempt, const context& with) {
  const auto answer = printable_lines(text_of(attempt, "answer"));
  std::string_view rest = answer;
  for (std::size_t n = 0; n < answer_lines_max && !rest.empty(); ++n) {
    const auto end = rest.find('\n');
    with.out << "      " << rest.substr(0, end) << '\n';
    rest.remove_prefix(end == rest.npos ? rest.size() : end + 1);
  }
}

std::string outcome_of(const json::object& attempt) {
  const auto status = number_of(attempt, "status");
  const auto error = text_of(attempt, "error");
  if (error.empty()) return fmt::format("{} in {} ms", status, number_of(attempt, "took_ms"));
  return fmt::format("{} after {} ms", error, number_of(attempt, "took_ms"));
}

void print_hook(const json::object& h, const context& with) {
  const auto line = [&](std::string_view name, std::string_view value) {
    if (!value.empty()) with.out << fmt::format("{:<9} {}\n", name, printable(value));
  };
  line("webhook", fmt::format("{} ({})", text_of(h, "name"), number_of(h, "id")));
  line("account", text_of(h, "account"));
  line("url", text_of(h, "url"));
  line("events", wanted_of(h));
  line("streams", joined(array_of(h, "streams")));
  line("state", standing_of(h));
  line("reason", text_of(h, "reason"));
  line("error", text_of(h, "error"));
  if (h.contains("cursor")) line("cursor", fmt::format("{} of {}", number_of(h, "cursor"), number_of(h, "log_end")));
  const auto& recent = array_of(h, "recent");
  if (!recent.empty()) with.out << "\nLatest requests:\n";
  for (const auto& each : recent) {
    const auto& a = as_object(each);
    with.out << printable(fmt::format("  {:<8}  {:>3} events, attempt {}: {}", relative_of(a, "at", with.now()),
                                      number_of(a, "events"), number_of(a, "attempt"), outcome_of(a)))
             << '\n';
    if (!text_of(a, "error").empty()) print_answer(a, with);
  }
}

// Its number, by name or number; nothing: it was said what is wrong.
std::optional<std::string> find(const arguments& given, const context& with, int& status) {
  const auto& which = given.webhook.which;
  if (which.find_first_not_of("0123456789") == std::string::npos) return which;
  const auto answer = ask(with, status, "GET", target("/v1/webhooks").with("account", given.webhook.account).text());
  if (!answer) return std::nullopt;
  const auto parsed = parse_answer(with, *answer);
  status = exit_negative;
  if (!parsed) return std::nullopt;
  std::vector<std::string> ids, names;
  for (const auto& each : array_of(*parsed, "webhooks")) {
    const auto& h = as_object(each);
    names.emplace_back(text_of(h, "name"));
    if (names.back() == which) ids.push_back(std::to_string(number_of(h, "id")));
  }
  if (ids.size() == 1) return ids.front();
  if (ids.empty()) {
    const auto near = nearest(which, names);
    with.err << printable(fmt::format("there is no webhook \"{}\"{}", which,
                                      near.empty() ? "" : fmt::format("; did you mean \"{}\"?", near)))
             << '\n';
  } else {
    with.err << printable(
                    fmt::format("{} webhooks are called \"{}\": give the number, or --account", ids.size(), which))
             << '\n';
  }
  return std::nullopt;
}

json::array texts_of(const std::vector<std::string>& all) {
  json::array made(all.begin(), all.end());
  return made;
}

template <class Show>
int act(const arguments& given, const context& with, const char* method, const std::string& what,
        const std::string& body, Show show) {
  int status = exit_fine;
  const auto id = find(given, with, status);
  if (!id) return status;
  return ask_and_show(given, with, method, "/v1/webhooks/" + *id + what, body, std::move(show));
}

void print_secret(const json::object& h, const context& with) {
  with.out << printable(fmt::format("secret    {}", text_of(h, "secret"))) << '\n';
}

}  // namespace

int webhook_list(const arguments& given, const context& with) {
  return ask_and_show(given, with, target("/v1/webhooks").with("account", given.webhook.account).text(),
                      [&](const json::object& o) { print_list(o, with); });
}

int webhook_add(const arguments& given, const context& with) {
  const auto& from = given.webhook;
  json::object body{{"url", from.url}};
  if (!from.name.empty()) body["name"] = from.name;
  if (!from.account.empty()) body["account"] = from.account;
  if (!from.kinds.empty()) body["events"] = texts_of(from.kinds);
  if (!from.streams.empty()) body["streams"] = texts_of(from.streams);
  return ask_and_show(given, with, "POST", "/v1/webhooks", json::serialize(body), [&](const json::object& h) {
    print_hook(h, with);
    print_secret(h, with);
    with.out << "\nThe secret is shown this once: requests are signed with it (Standard Webhooks). "
             << printable(fmt::format("`gonets webhook test {}` sends one now.", text_of(h, "name"))) << '\n';
  });
}

int webhook_show(const arguments& given, const context& with) {
  return act(given, with, "GET", "", "", [&](const json::object& h) { print_hook(h, with); });
}

int webhook_change(const arguments& given, const context& with) {
  const auto& from = given.webhook;
  json::object body;
  if (!from.name.empty()) body["name"] = from.name;
  if (!from.url.empty()) body["url"] = from.url;
  if (!from.kinds.empty()) body["events"] = texts_of(from.kinds);
  if (!from.streams.empty()) body["streams"] = texts_of(from.streams);
  if (body.empty()) {
    with.err << "nothing to change: give --name, --url, --event or --stream\n";
    return exit_bad_usage;
  }
  return act(given, with, "PATCH", "", json::serialize(body), [&](const json::object& h) { print_hook(h, with); });
}

int webhook_test(const arguments& given, const context& with) {
  int status = exit_fine;
  const auto id = find(given, with, status);
  if (!id) return status;
  bool acknowledged = true;
  status = ask_and_show(given, with, "POST", "/v1/webhooks/" + *id + "/test", "", [&](const json::object& a) {
    acknowledged = flag_of(a, "acknowledged");
    with.out << printable(fmt::format("{}: {}", acknowledged ? "acknowledged" : "not acknowledged", outcome_of(a)))
             << '\n';
    print_answer(a, with);
  });
  return status == exit_fine && !acknowledged ? exit_negative : status;
}

int webhook_rotate(const arguments& given, const context& with) {
  return act(given, with, "POST", "/rotate", "", [&](const json::object& h) {
    print_secret(h, with);
    with.out << "The one before it is good for another day: until then requests have a signature by each.\n";
  });
}

int webhook_pause(const arguments& given, const context& with) {
  return act(given, with, "POST", "/pause", "{}", [&](const json::object& h) {
    with.out << printable(fmt::format("paused {}; `gonets webhook resume {}` goes on where it is", text_of(h, "name"),
                                      number_of(h, "id")))
             << '\n';
  });
}

int webhook_resume(const arguments& given, const context& with) {
  return act(given, with, "POST", "/resume", "", [&](const json::object& h) {
    with.out << printable(fmt::format("{} goes on", text_of(h, "name"))) << '\n';
  });
}

int webhook_replay(const arguments& given, const context& with) {
  const auto& from = given.webhook;
  json::object body;
  if (!from.back.empty()) {
    const auto back = parse_duration(from.back);
    if (!back || back->count() < 1000) {
      with.err << fmt::format("--back: \"{}\" is not a time, such as 2h\n", printable(from.back));
      return exit_bad_usage;
    }
    body["back"] = std::chrono::floor<std::chrono::seconds>(*back).count();
  } else if (!from.after.empty()) {
    body["after"] = std::stoull(from.after);
  } else {
    with.err << "say from where: --back TIME or --after CURSOR\n";
    return exit_bad_usage;
  }
  return act(given, with, "POST", "/replay", json::serialize(body), [&](const json::object& h) {
    with.out << printable(fmt::format("{} begins again behind event {}; the log's last is {}", text_of(h, "name"),
                                      number_of(h, "cursor"), number_of(h, "log_end")))
             << '\n';
  });
}

int webhook_remove(const arguments& given, const context& with) {
  return act(given, with, "DELETE", "", "", [&](const json::object&) {
    with.out << printable(fmt::format("removed {}", given.webhook.which)) << '\n';
  });
}

}  // namespace gonets::app::cli
