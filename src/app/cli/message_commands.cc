#include <fmt/format.h>
#include <fmt/ranges.h>

#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/text.h"
#include "httpd/json.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

constexpr unsigned events_per_poll = 1000;
constexpr std::string_view poll_seconds = "30";

colour colour_of_kind(std::string_view kind) {
  if (kind == "delivered" || kind == "opened" || kind == "clicked") return colour::green;
  if (kind == "deferred" || kind == "held" || kind == "domain" || kind == "blocklist") return colour::yellow;
  if (kind == "bounced" || kind == "expired" || kind == "cancelled" || kind == "suppressed") return colour::red;
  if (kind == "complained" || kind == "inbound_bounce" || kind == "unsubscribed") return colour::red;
  return colour::none;
}

std::string recipients_text(const json::object& event) {
  if (text_of(event, "kind") == "domain") return std::string(text_of(event, "sender"));  // it is about that one
  if (const auto* b = event.if_contains("blocklist")) {
    const auto& o = as_object(*b);
    return fmt::format("{} {} {} {}", text_of(o, "egress"), text_of(o, "address"),
                       o.at("listed").as_bool() ? "is on" : "is off", text_of(o, "zone"));
  }
  if (text_of(event, "kind") == "pace") return fmt::format("{} {}", text_of(event, "route"), text_of(event, "stream"));
  const auto& all = array_of(event, "recipients");
  if (all.empty()) return {};
  auto text = std::string(text_of(as_object(all.front()), "address"));
  if (all.size() > 1) text += fmt::format(" and {} more", all.size() - 1);
  return text;
}

// "rcpt at mx.example.com [192.0.2.5]"
std::string place_text(const json::object& event) {
  const auto stage = text_of(event, "stage");
  const auto host = text_of(event, "remote_host");
  const auto address = text_of(event, "remote_address");
  std::string text(stage);
  if (!host.empty()) text += fmt::format("{}{}", text.empty() ? "" : " at ", host);
  if (!address.empty()) text += fmt::format("{}[{}]", text.empty() ? "" : " ", address);
  return text;
}

// "via news", of an event whose route names an egress (spool/lease.h).
std::string_view egress_text(const json::object& event) {
  constexpr std::string_view mark = " via ";
  const auto route = text_of(event, "route");
  const auto at = route.rfind(mark);
  if (text_of(event, "kind") == "pace" || at == std::string_view::npos) return {};
  return route.substr(at + 1);
}

void append(std::string& to, std::string_view part) {
  if (part.empty()) return;
  if (!to.empty()) to += ", ";
  to += part;
}

// "waited 2 s, connected in 31 ms, 79 ms"
std::string timing_text(const json::object& event) {
  constexpr std::uint64_t worth_telling_ms = 1000;
  std::string text;
  if (const auto waited = number_of(event, "queue_ms"); waited >= worth_telling_ms)
    append(text, fmt::format("waited {} s", waited / 1000));
  if (event.contains("connect_ms")) append(text, fmt::format("connected in {} ms", number_of(event, "connect_ms")));
  if (const auto duration = number_of(event, "duration_ms")) append(text, fmt::format("{} ms", duration));
  return text;
}

// "TLSv1.3, verified by pkix (opportunistic)"; "in the clear: not offered (opportunistic)"
std::string tls_text(const json::object& event) {
  const auto* const found = event.if_contains("tls");
  if (found == nullptr || !found->is_object()) return {};
  const auto& tls = found->as_object();
  const auto policy = text_of(tls, "policy");
  const auto protocol = text_of(tls, "protocol");
  const auto proof = text_of(tls, "verified_by");
  const auto reason = text_of(tls, "clear_reason");
  if (protocol.empty() && text_of(event, "stage") == "tls") return fmt::format("no TLS ({})", policy);
  if (protocol.empty()) return fmt::format("in the clear{}{} ({})", reason.empty() ? "" : ": ", reason, policy);
  if (proof.empty() || proof == "none") return fmt::format("{}, not verified ({})", protocol, policy);
  return fmt::format("{}, verified by {} ({})", protocol, proof, policy);
}

// What there is to say beyond kind, time and recipient; each part only where the event has it.
std::string detail_text(const json::object& event) {
  std::string text;
  if (text_of(event, "kind") == "accepted") {
    append(text, fmt::format("from {}", sender_text(text_of(event, "sender"))));
    const auto origin = text_of(event, "origin");
    if (!origin.empty()) append(text, fmt::format("by {}", origin));
    const auto account = text_of(event, "account");
    if (!account.empty() && account != "default") append(text, fmt::format("account {}", account));
    append(text, fmt::format("{} bytes", number_of(event, "message_bytes")));
    const auto campaign = text_of(event, "campaign");
    if (!campaign.empty()) append(text, fmt::format("campaign {}", campaign));
  } else {
    append(text, text_of(event, "origin"));
    append(text, text_of(event, "category"));
  }
  append(text, place_text(event));
  append(text, egress_text(event));
  if (const auto attempts = number_of(event, "attempts")) append(text, fmt::format("attempt {}", attempts));
  append(text, timing_text(event));
  append(text, tls_text(event));
  append(text, text_of(event, "reason"));
  append(text, text_of(event, "url"));
  if (event.contains("repeated")) append(text, "again");
  append(text, text_of(event, "client_address"));
  append(text, text_of(event, "user_agent"));
  const auto reply = reply_of(event, "reply");
  if (!reply.empty()) text += (text.empty() ? "" : ": ") + reply;
  return text;
}

void print_event(const json::object& event, const context& with) {
  const auto at = parse_time(text_of(event, "at"));
  const auto kind = text_of(event, "kind");
  const std::string indent(22, ' ');
  with.out << fmt::format("{:<20}  {} {}\n", at ? full_time(*at) : std::string(),
                          coloured(fmt::format("{:<9}", printable(kind)), colour_of_kind(kind), with.screen),
                          printable(recipients_text(event)));
  const auto detail = printable(detail_text(event));
  if (!detail.empty()) with.out << indent << detail << '\n';
  const auto next = parse_time(text_of(event, "next_attempt"));
  if (next) {
    with.out << indent << "next attempt " << full_time(*next) << " (" << relative_time(*next, with.now()) << ")\n";
  }
  for (const auto& line : array_of(event, "transcript")) {
    const auto* const said = line.if_string();
    if (said == nullptr) continue;
    with.out << indent << coloured("  " + printable(std::string_view(*said)), colour::dim, with.screen) << '\n';
  }
}

void print_why(const json::object& recipient, const context& with) {
  with.out << coloured(printable(text_of(recipient, "recipient")), colour::bold, with.screen) << ": "
           << printable(text_of(recipient, "state"));
  if (const auto attempts = number_of(recipient, "attempts")) with.out << ", " << count(attempts, "attempt") << " made";
  with.out << '\n';
  const auto reply = reply_of(recipient, "last_reply");
  if (!reply.empty()) with.out << "  last answer: " << printable(reply) << '\n';
  const auto& obstacles = array_of(recipient, "obstacles");
  if (obstacles.empty()) with.out << "  nothing stands in the way: it is being sent\n";
  std::size_t number = 0;
  for (const auto& o : obstacles) {
    const auto& obstacle = as_object(o);
    with.out << fmt::format("  {}. {} ({})", ++number, printable(text_of(obstacle, "detail")),
                            printable(text_of(obstacle, "what")));
    const auto until = parse_time(text_of(obstacle, "until"));
    if (until) with.out << ", until " << full_time(*until) << " (" << relative_time(*until, with.now()) << ")";
    with.out << '\n';
  }
  const auto expected = relative_of(recipient, "expected", with.now());
  if (!expected.empty()) with.out << "  expected: " << expected << '\n';
}

// One line an event, so that it can be searched and followed.
void print_event_line(const json::object& event, const context& with) {
  const auto at = parse_time(text_of(event, "at"));
  const auto kind = text_of(event, "kind");
  with.out << fmt::format("{} {} {} {} {} {}\n", number_of(event, "seq"), at ? full_time(*at) : std::string(),
                          text_of(event, "message_id"),
                          coloured(fmt::format("{:<9}", printable(kind)), colour_of_kind(kind), with.screen),
                          printable(recipients_text(event)), printable(detail_text(event)));
}

// What the server takes for one parameter.
std::string with_commas(const std::vector<std::string>& words) {
  return fmt::format("{}", fmt::join(words, ","));
}

// Prints one page and moves the cursor on. False: it could not be had, and `status` says how to end.
bool print_events_page(const arguments& given, const context& with, unsigned max, std::string& cursor, int& status) {
  target to("/v1/events");
  to.with("after", cursor).with("max", std::to_string(max));
  to.with("kind", with_commas(given.events.kinds)).with("stream", with_commas(given.events.streams));
  to.with("account", given.filter.account);
  if (given.follow) to.with("wait", poll_seconds);
  const auto answer = ask(with, status, "GET", to.text());
  if (!answer) return false;
  const auto parsed = parse_answer(with, *answer);
  if (!parsed) {
    status = exit_negative;
    return false;
  }
  const auto lost = number_of(*parsed, "lost");
  if (lost != 0) with.err << fmt::format("gonets: {} gone with the retention, or unreadable\n", count(lost, "event"));
  const auto& page = array_of(*parsed, "events");
  for (const auto& event : page) {
    if (given.json) {
      print_line(with, json::serialize(event));
    } else {
      print_event_line(as_object(event), with);
    }
  }
  with.out.flush();
  cursor = text_of(*parsed, "next");
  return true;
}

int print_audit(const arguments& given, const context& with, const std::string& report) {
  const auto parsed = parse_answer(with, {200, "", report});
  if (!parsed) return exit_negative;
  const bool balanced = flag_of(*parsed, "balanced");
  const int verdict = balanced ? exit_fine : exit_negative;
  if (given.json) {
    print_line(with, report);
    return verdict;
  }
  with.out << fmt::format("Recipients of {}:\n", count(number_of(*parsed, "messages"), "message"));
  for (const auto* name :
       {"accepted", "delivered", "bounced", "expired", "cancelled", "discarded", "suppressed", "queued"}) {
    with.out << fmt::format("  {:<10} {:>12}\n", name, number_of(*parsed, name));
  }
  const auto& problems = array_of(*parsed, "problems");
  for (const auto& p : problems) {
    const auto& problem = as_object(p);
    with.out << printable(text_of(problem, "message_id")) << ": " << printable(text_of(problem, "detail")) << '\n';
  }
  const auto in_all = number_of(*parsed, "problems_in_all");
  if (in_all > problems.size()) with.out << fmt::format("and {} more\n", in_all - problems.size());
  with.out << (balanced ? coloured("It adds up.", colour::green, with.screen)
                        : coloured("It does NOT add up.", colour::red, with.screen))
           << '\n';
  return verdict;
}

int audit_offline(const arguments& given, const context& with, const std::string& path) {
  const auto report = with.audit_spool(path);
  if (!report) {
    explain(with, {.text = report.error()});
    return exit_negative;
  }
  return print_audit(given, with, httpd::to_json(*report));
}

}  // namespace

int trace(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/messages/" + percent_encode(given.id) + "/trace", [&](const json::object& o) {
    for (const auto& event : array_of(o, "events"))
      print_event(as_object(event), with);
  });
}

int why(const arguments& given, const context& with) {
  return ask_and_show(given, with, "/v1/messages/" + percent_encode(given.id) + "/why", [&](const json::object& o) {
    for (const auto& recipient : array_of(o, "recipients"))
      print_why(as_object(recipient), with);
  });
}

int events(const arguments& given, const context& with) {
  int status = exit_fine;
  auto cursor = given.events.after;
  if (!given.follow) {
    print_events_page(given, with, given.max, cursor, status);
    return status;
  }
  while (print_events_page(given, with, events_per_poll, cursor, status)) {
  }
  return status;
}

// A server that is running holds its spool; one that is not can't be asked.
int audit(const arguments& given, const context& with) {
  if (!given.spool.empty()) return audit_offline(given, with, given.spool);
  const auto live = with.ask("GET", "/v1/audit", "");
  if (!live && live.error().not_running && !with.spool_path.empty()) {
    return audit_offline(given, with, with.spool_path);
  }
  if (!live && live.error().not_running) {
    explain(with, {.text = live.error().text + "; of a stopped server, name the spool with --spool DIR"});
    return exit_negative;
  }
  context once = with;  // so that a refusal is worded as everywhere
  once.ask = [&live](const std::string&, const std::string&, const std::string&) { return live; };
  int status = exit_fine;
  const auto answer = ask(once, status, "GET", "/v1/audit");
  return answer ? print_audit(given, with, answer->body) : status;
}

}  // namespace gonets::app::cli
