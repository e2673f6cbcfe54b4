// What the HTTP API asks of standing holds.
#include <fmt/format.h>

#include <algorithm>

#include "app/ask_all.h"
#include "app/from_pool.h"
#include "app/operator_control.h"
#include "base/text.h"
#include "config/routes.h"

namespace gonets::app {
namespace {

constexpr std::size_t holds_max = 1000;
using refusal = std::unexpected<httpd::response>;

refusal refuse(unsigned status, std::string_view code, const std::string& message, const std::string& hint = "") {
  return refusal(httpd::error_response(status, code, message, hint));
}

refusal unknown(std::string_view what, const std::string& name, const std::vector<std::string>& known) {
  const auto near = nearest(name, known);
  return refuse(400, "invalid_body", fmt::format("{}: there is no {} \"{}\"", what, what, name),
                near.empty() ? "" : fmt::format("did you mean \"{}\"?", near));
}

template <class Of, class Name>
std::vector<std::string> names_of(const Of& all, Name name) {
  std::vector<std::string> names;
  for (const auto& each : all)
    names.push_back(each.*name);
  return names;
}

// Everything that it names must be known: a hold that is misspelt holds nothing.
std::expected<scheduler::standing_hold, httpd::response> read_request(const httpd::hold_request& wanted,
                                                                      const accounts::directory& in,
                                                                      const config::settings& with,
                                                                      const shaping::rules& rules) {
  scheduler::standing_hold h;
  if (!wanted.account.empty()) {
    const auto* account = in.find_account(wanted.account);
    if (account == nullptr)
      return unknown("account", wanted.account, names_of(in.all().accounts, &accounts::account::name));
    h.account = account->id;
  }
  if (!wanted.stream.empty()) {
    const auto names = names_of(with.streams, &config::stream::name);
    if (std::ranges::find(names, wanted.stream) == names.end()) return unknown("stream", wanted.stream, names);
    h.stream = wanted.stream;
  }
  if (!wanted.provider.empty()) {
    h.provider = to_lower(wanted.provider);
    if (rules.providers.find(h.provider) == nullptr)
      return unknown("provider", wanted.provider, names_of(rules.providers.all(), &shaping::provider::name));
  }
  if (!wanted.domain.empty()) {
    h.domain = to_lower(wanted.domain);
    if (!config::is_domain(h.domain))
      return refuse(400, "invalid_body", fmt::format("domain: \"{}\" is not a domain name", wanted.domain));
  }
  h.campaign = wanted.campaign;
  h.tag = wanted.tag;
  const bool of_all =
      !h.account && h.stream.empty() && h.provider.empty() && h.domain.empty() && h.campaign.empty() && h.tag.empty();
  if (of_all)
    return refuse(400, "invalid_body", "a hold of everything",
                  "name an account, stream, domain, provider, campaign or tag");
  h.reason = wanted.reason;
  return h;
}

std::string name_of(const std::optional<account_id>& who, const accounts::directory& in) {
  const auto* found = who ? in.find(*who) : nullptr;
  return found == nullptr ? std::string() : found->name;
}

std::uint64_t held_by(parts& all, scheduler::hold_id id) {
  std::uint64_t sum = 0;
  for (const auto& counts : ask_all(all, [](scheduler::scheduler& s) { return s.count_held_back(); })) {
    const auto at = counts.find(id);
    if (at != counts.end()) sum += at->second;
  }
  return sum;
}

refusal unavailable(const storage::sql_error& why) {
  return refuse(503, "busy", "the holds' database can't be asked: " + why.detail);
}

}  // namespace

void operator_control::holds(done<std::vector<httpd::hold_row>> answer) {
  from_pool(parts_, std::move(answer), [this] {
    const auto known = parts_.accounts->current();
    const auto all = parts_.holds->current();
    const auto parts_of_all = ask_all(parts_, [](scheduler::scheduler& s) { return s.count_held_back(); });
    std::vector<httpd::hold_row> rows;
    for (const auto& h : *all) {
      httpd::hold_row row{h, name_of(h.account, *known), 0};
      for (const auto& counts : parts_of_all) {
        if (const auto at = counts.find(h.id); at != counts.end()) row.recipients += at->second;
      }
      rows.push_back(std::move(row));
    }
    return rows;
  });
}

void operator_control::add_hold(httpd::hold_request wanted,
                                done<std::expected<httpd::hold_row, httpd::response>> answer) {
  const auto& with = parts_.by_shard[runtime::shards::current()]->with;
  const auto known = parts_.accounts->current();
  auto read = read_request(wanted, *known, with, *parts_.rules.load());
  if (!read) return answer(std::unexpected(std::move(read.error())));
  read->since = parts_.time.wall();
  using outcome = std::expected<httpd::hold_row, httpd::response>;
  from_pool(parts_, std::move(answer), [this, h = std::move(*read), known]() -> outcome {
    if (parts_.holds->current()->size() >= holds_max)
      return refuse(409, "too_many", fmt::format("there are {} holds already", holds_max), "release some of them");
    auto added = parts_.holds->add(h);
    if (!added) return unavailable(added.error());
    return httpd::hold_row{*added, name_of(added->account, *known), held_by(parts_, added->id)};
  });
}

void operator_control::release_hold(scheduler::hold_id id,
                                    done<std::expected<httpd::hold_row, httpd::response>> answer) {
  using outcome = std::expected<httpd::hold_row, httpd::response>;
  from_pool(parts_, std::move(answer), [this, id]() -> outcome {
    const auto recipients = held_by(parts_, id);
    auto released = parts_.holds->release(id);
    if (!released) return unavailable(released.error());
    if (!*released)
      return refuse(404, "not_found", fmt::format("there is no hold {}", id.value), "`gonets hold list` lists them");
    return httpd::hold_row{**released, name_of((*released)->account, *parts_.accounts->current()), recipients};
  });
}

}  // namespace gonets::app
