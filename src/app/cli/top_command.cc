// `gonets top`: how mail flows now.
#include <fmt/format.h>

#include <optional>
#include <ostream>

#include "app/cli/answers.h"
#include "app/cli/screen.h"
#include "app/cli/text.h"
#include "app/cli/top_view.h"

namespace gonets::app::cli {
namespace {

constexpr std::chrono::milliseconds refreshed_every{1000};

top_by by_of(const std::string& word) {
  for (const auto by : {top_by::site, top_by::account, top_by::egress}) {
    if (word == to_text(by)) return by;
  }
  return top_by::provider;
}

std::string place_of(top_by by) {
  return target("/v1/flow").with("by", to_text(by)).with("max", "1000").text();
}

// Rates need two looks.
int print_once(const arguments& given, const context& with, const top_state& state) {
  top_history history;
  for (int look = 0; look < 2; ++look) {
    if (look > 0) with.wait();
    int status = exit_fine;
    const auto answer = ask(with, status, "GET", place_of(state.by));
    if (!answer) return status;
    const auto parsed = parse_answer(with, *answer);
    if (!parsed) return exit_negative;
    history.add(*parsed);
  }
  if (given.json) {
    print_line(with, boost::json::serialize(top_json(history, state)));
  } else {
    auto plain = with.screen;
    plain.interactive = false;
    with.out << render_top(history, state, plain, 1005, with.now());
  }
  return exit_fine;
}

class watcher {
 public:
  watcher(const context& with, top_state state) : with_(with), state_(std::move(state)) {}

  void run() {
    auto next = with_.now();
    while (!on_.ended() && !over_) {
      const auto now = with_.now();
      if (!state_.paused && (now >= next || next > now + 2 * refreshed_every)) {
        look();
        next = with_.now() + refreshed_every;
      }
      draw();
      const auto left = std::max(std::chrono::milliseconds(10), next - with_.now());
      if (const auto key = on_.key(state_.paused ? refreshed_every : left)) {
        obey(*key);
        if (changed_) next = {};
        changed_ = false;
      }
    }
  }

 private:
  void look() {
    const auto answer = with_.ask("GET", place_of(state_.by), "");
    boost::system::error_code error;
    if (!answer) {
      state_.trouble = answer.error().text;
      return;
    }
    const auto parsed = boost::json::parse(answer->body, error);
    if (answer->status != 200 || error) {
      state_.trouble = fmt::format("the server answered with status {}", answer->status);
      return;
    }
    state_.trouble.clear();
    history_.add(as_object(parsed));
  }

  void draw() {
    const auto size = on_.now();
    auto as = with_.screen;
    as.width = size.width;
    as.interactive = true;
    on_.draw(render_top(history_, state_, as, size.height, with_.now()));
  }

  void group(top_by by) {
    if (by == state_.by) return;
    state_.by = by;
    history_.clear();
    state_.paused = false;
    changed_ = true;
  }

  void obey(char key) {
    switch (key) {
      case 'q':
        over_ = true;
        break;
      case 'p':
        state_.paused = !state_.paused;
        break;
      case 's':
        state_.sort = static_cast<top_sort>((static_cast<unsigned>(state_.sort) + 1) % 5);
        break;
      case '\t':
        group(static_cast<top_by>((static_cast<unsigned>(state_.by) + 1) % 4));
        break;
      case '1':
      case '2':
      case '3':
      case '4':
        group(static_cast<top_by>(key - '1'));
        break;
      default:
        break;
    }
  }

  const context& with_;
  top_state state_;
  top_history history_;
  screen on_;
  bool over_ = false, changed_ = false;
};

}  // namespace

int top(const arguments& given, const context& with) {
  top_state state;
  state.by = by_of(given.top.by);
  if (given.top.once || given.json || !screen::possible()) return print_once(given, with, state);
  // What is wrong at once is said, not drawn.
  int status = exit_fine;
  if (!ask(with, status, "GET", place_of(state.by))) return status;
  watcher(with, state).run();
  return exit_fine;
}

}  // namespace gonets::app::cli
