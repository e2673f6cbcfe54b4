#include "app/operator_control.h"

#include <deque>

#include "app/from_pool.h"
#include "base/text.h"
#include "config/rules.h"

namespace gonets::app {
namespace {

// Of the event log, in one question: about a second's work, and it has a thread of the blocking pool for itself.
constexpr std::uint64_t events_searched_max = 2'000'000;

// Domains have neither colons nor spaces nor, but for "capture" and "discard", are they keys; address literals have
// brackets. The history of a warm-up is under "google via mail-a".
bool is_site_key(std::string_view place) {
  return !place.starts_with('[') && place.find_first_of(": ") != std::string_view::npos;
}

}  // namespace

void operator_control::pace_history(std::string place, std::chrono::milliseconds back, std::size_t max,
                                    done<std::expected<httpd::pace_history_answer, std::string>> answer) {
  if (is_site_key(place)) return read_history(std::move(place), back, max, std::move(answer));
  const auto here = runtime::shards::current();
  const auto& shard = *parts_.by_shard[here];
  shard.directory->find(to_lower(place),
                        [this, back, max, answer = std::move(answer)](const spool::destination_ptr& to,
                                                                      const smtp::recipient_outcome& why_not) mutable {
                          if (!to) return answer(std::unexpected(why_not.answer.text));
                          read_history(to->site_key, back, max, std::move(answer));
                        });
}

void operator_control::read_history(std::string site, std::chrono::milliseconds back, std::size_t max,
                                    done<std::expected<httpd::pace_history_answer, std::string>> answer) {
  from_pool(parts_, std::move(answer),
            [this, site = std::move(site), back, max]() -> std::expected<httpd::pace_history_answer, std::string> {
              httpd::pace_history_answer found{.site = site};
              std::deque<events::event> latest;
              const auto through = events::search_log(parts_.store->store(), parts_.time.wall() - back,
                                                      events_searched_max, {events::kind::pace}, [&](events::event e) {
                                                        if (e.route != site) return;
                                                        ++found.changes_in_all;
                                                        latest.push_back(std::move(e));
                                                        if (latest.size() > max) latest.pop_front();
                                                      });
              if (!through) return std::unexpected("the event log can't be read: " + through.error().detail);
              found.log = *through;
              found.changes.assign(std::move_iterator(latest.begin()), std::move_iterator(latest.end()));
              return found;
            });
}

void operator_control::test_rules(std::string rules, std::string name, std::chrono::milliseconds back,
                                  done<std::expected<httpd::rule_test_answer, std::vector<std::string>>> answer) {
  using outcome = std::expected<httpd::rule_test_answer, std::vector<std::string>>;
  from_pool(parts_, std::move(answer), [this, rules = std::move(rules), name = std::move(name), back]() -> outcome {
    auto then = config::parse_rules(rules, name);
    if (!then) {
      std::vector<std::string> errors;
      for (const auto& e : then.error())
        errors.push_back(config::to_text(e));
      return std::unexpected(std::move(errors));
    }
    events::rule_replay replay(parts_.rules.load(), std::make_shared<const shaping::rules>(std::move(*then)));
    using enum events::kind;
    const auto through =
        events::search_log(parts_.store->store(), parts_.time.wall() - back, events_searched_max,
                           {deferred, bounced, expired, held}, [&](const events::event& e) { replay.add(e); });
    if (!through)
      return std::unexpected(std::vector<std::string>{"the event log can't be read: " + through.error().detail});
    return httpd::rule_test_answer{replay.groups(),    replay.replies(),
                                   replay.different(), replay.same_by_another_rule(),
                                   replay.left_out(),  *through};
  });
}

}  // namespace gonets::app
