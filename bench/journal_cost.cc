// What the journal costs: the CPU of the thread that keeps it, by message of one recipient (an `accepted` and an end,
// or a deferral between them), its upkeep included, and a search, with twenty million recipients over thirty days on
// the disk: cold, when the system's cache was told to forget them, and again.
//
//   cmake --build build/release --target gonets_journal_cost
//   build/release/gonets_journal_cost [RECIPIENTS [FOLDER]]
#include <fcntl.h>
#include <fmt/format.h>
#include <stdlib.h>  // NOLINT(modernize-deprecated-headers): mkdtemp is POSIX's
#include <time.h>    // NOLINT(modernize-deprecated-headers): clock_gettime is POSIX's
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <random>
#include <stdexcept>

#include "events/event.h"
#include "journal/recorder.h"
#include "journal/search.h"
#include "journal/upkeep.h"
#include "message/labels.h"

namespace {

using namespace gonets;
using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

constexpr std::uint64_t days = 30;
constexpr wall_time first_day{std::chrono::sys_days(std::chrono::year(2026) / 11 / 1)};
constexpr std::size_t events_a_batch = 16'000;  // as the keeper's
constexpr std::size_t on_the_way = 1500;        // messages whose end is yet to come
constexpr std::uint64_t mailboxes = 5'000'000;

double cpu_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return double(now.tv_sec) + double(now.tv_nsec) / 1e9;
}

std::string address(std::uint64_t number) {
  static constexpr std::string_view large[] = {"gmail.com", "yahoo.com", "outlook.com", "mail.ru"};
  const auto mixed = number * 0x9E3779B97F4A7C15ull >> 20;
  const auto domain = mixed % 10 < 7 ? std::string(large[mixed % 4]) : fmt::format("example{}.test", mixed % 50'000);
  return fmt::format("user{}@{}", number * 2654435761u % 4294967291u, domain);
}

// The mail of thirty days at an even pace, as the log's records.
class traffic {
 public:
  explicit traffic(std::uint64_t messages)
      : messages_(messages), gap_ms_(double(days) * 86'400'000 / double(messages)) {}

  bool next(std::string& record) {
    record.clear();
    if (made_ < messages_ && (turn_++ % 2 == 0 || waiting_.size() < on_the_way)) {
      encode(accepted(), record);
      return true;
    }
    if (waiting_.empty()) return false;
    encode(outcome(), record);
    return true;
  }
  static std::string recipient_of(std::uint64_t number) { return address(number * 7919 % mailboxes); }

 private:
  wall_time now() const { return first_day + std::chrono::milliseconds(std::int64_t(double(made_) * gap_ms_)); }
  void describe(events::event& e, message_id id, std::uint64_t number) const {
    e.message = id;
    e.at = now();
    e.account = account_id{std::uint32_t(number % 20)};
    e.stream = number % 3 == 0 ? "transactional" : "bulk";
    e.sender = fmt::format("news@shop{}.test", number % 20);
    const std::string tags[] = {"eu"};
    e.labels = message::join_labels(number % 3 == 0 ? "" : fmt::format("sale {}", number / 500'000), tags);
  }
  events::event accepted() {
    events::event e;
    e.kind = events::kind::accepted;
    // A number within its millisecond, as id_source gives them.
    const auto base = first_id_at(now().time_since_epoch().count()).value;
    last_ = std::max(last_ + 1, base);
    describe(e, message_id{last_}, made_);
    e.message_bytes = 40'000;
    e.header_message_id = fmt::format("{:016x}.{:08x}@shop.test", made_ * 0x9E3779B97F4A7C15ull, made_);
    e.origin = "192.0.2.1 (app.shop.test)";
    e.recipients = {{recipient_index{0}, recipient_of(made_)}};
    waiting_.push_back({last_, made_++, false});
    return e;
  }
  events::event outcome() {
    auto m = waiting_.front();
    waiting_.pop_front();
    events::event e;
    describe(e, message_id{m.id}, m.number);
    e.recipients = {{recipient_index{0}, ""}};
    e.at_stage = stage::end_of_data;
    e.remote_host = "mx1.example.test";
    e.remote_address = "198.51.100.7";
    e.route = "mx1.example.test";
    e.provider = "google";
    e.egress = m.number % 2 == 0 ? "a" : "b";
    e.attempts = m.deferred ? 2 : 1;
    e.duration_ms = 300;
    e.from_peer = true;
    if (m.number % 20 == 7 && !m.deferred) {
      e.kind = events::kind::deferred;
      e.category = bounce::category::mailbox_full;
      e.answer = {452, {4, 2, 2}, "The recipient's inbox is out of storage space"};
      m.deferred = true;
      waiting_.push_back(m);
    } else if (m.number % 50 == 9) {
      e.kind = events::kind::bounced;
      e.category = bounce::category::user_unknown;
      e.answer = {550, {5, 1, 1}, "The email account that you tried to reach does not exist"};
    } else {
      e.kind = events::kind::delivered;
      e.answer = {250, {2, 0, 0}, "OK 1764230400 d2e1a72fcca58-7b4fe6a5a3csi1234567b3a.12 - gsmtp"};
    }
    return e;
  }

  struct on_way {
    std::uint64_t id, number;
    bool deferred;
  };
  const std::uint64_t messages_;
  const double gap_ms_;
  std::uint64_t made_ = 0, turn_ = 0, last_ = 0;
  std::deque<on_way> waiting_;
};

template <class T>
T or_fail(storage::sql_result<T> r) {
  if (!r) throw std::runtime_error(r.error().detail);
  if constexpr (!std::is_void_v<T>) return std::move(*r);
}

double fill(journal::recorder& into, std::uint64_t messages) {
  traffic all(messages);
  std::uint64_t seq = 0;
  double cpu = 0, cpu_then = 0;
  bool more = true;
  const auto began = steady::now();
  for (std::uint64_t batches = 0; more; ++batches) {
    std::vector<std::string> records;
    for (std::string record; records.size() < events_a_batch && (more = all.next(record));)
      records.push_back(record);
    if (records.empty()) break;
    const auto before = cpu_seconds();
    std::vector<events::event> batch;
    batch.reserve(records.size());
    for (const auto& record : records)
      batch.push_back(std::move(*events::decode(event_seq{++seq}, record)));
    or_fail(into.apply(batch, batch.back().seq, 0));
    cpu += cpu_seconds() - before;
    if (batches % 250 != 249) continue;
    fmt::print("{:>9} events: {:.1f} us of CPU each lately, {:.0f} s in all\n", seq,
               (cpu - cpu_then) * 1e6 / (250 * events_a_batch),
               std::chrono::duration<double>(steady::now() - began).count());
    cpu_then = cpu;
  }
  return cpu * 1e6 / double(messages);
}

const journal::privacy nobody{.hash_after = [] { return std::map<account_id, std::chrono::days>(); },
                              .key_of = [](account_id) { return std::string(); }};

// As on the morning after the last day. Seconds of CPU.
double keep_up(const std::string& folder) {
  journal::upkeep all({.folder = folder}, nobody);
  const auto now = first_day + std::chrono::days(days) + 12h;
  const auto before = cpu_seconds();
  double longest = 0;
  for (bool more = true; more;) {
    const auto began = steady::now();
    more = or_fail(all.step(now));
    longest = std::max(longest, std::chrono::duration<double, std::milli>(steady::now() - began).count());
  }
  fmt::print("the longest step of the upkeep: {:.0f} ms\n", longest);
  return cpu_seconds() - before;
}

// Out of the system's cache.
void forget(const std::string& folder) {
  for (const auto& each : std::filesystem::directory_iterator(folder)) {
    const int file = ::open(each.path().c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;
    ::fdatasync(file);
    ::posix_fadvise(file, 0, 0, POSIX_FADV_DONTNEED);
    ::close(file);
  }
}

void measure_search(journal::reader& from, std::string_view what, std::size_t times,
                    const std::function<journal::query(std::uint64_t)>& asked) {
  std::mt19937_64 random(1);
  std::vector<double> ms;
  std::size_t rows = 0;
  for (std::size_t i = 0; i < times; ++i) {
    const auto wanted = asked(random());
    const auto began = steady::now();
    rows += or_fail(from.search(wanted)).rows.size();
    ms.push_back(std::chrono::duration<double, std::milli>(steady::now() - began).count());
  }
  std::ranges::sort(ms);
  fmt::print("{}: median {:.1f} ms, 95 % within {:.1f} ms, {:.1f} rows each\n", what, ms[times / 2],
             ms[times * 95 / 100], double(rows) / double(times));
}

void run(std::uint64_t recipients, const std::string& folder) {
  {
    journal::file_recorder into(folder, nobody);
    or_fail(into.cursor());
    fmt::print("{:.1f} us of CPU a message of one recipient\n", fill(into, recipients));
  }
  fmt::print("{:.1f} us of CPU for its upkeep\n", keep_up(folder) * 1e6 / double(recipients));
  std::uintmax_t bytes = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder))
    bytes += file.file_size();
  fmt::print("{} recipients, {} bytes of disk each\n", recipients, bytes / recipients);
  forget(folder);
  journal::reader from({.folder = folder}, nobody);
  const auto some = [&](std::uint64_t n) { return traffic::recipient_of(n % recipients); };
  const auto by_recipient = [&](auto n) { return journal::query{.recipient = some(n)}; };
  measure_search(from, "by recipient, cold", 200, by_recipient);
  measure_search(from, "by recipient, the same again", 200, by_recipient);
  forget(folder);
  measure_search(from, "by recipient, who has none", 200,
                 [&](auto n) { return journal::query{.recipient = fmt::format("nobody{}@gmail.com", n)}; });
  measure_search(from, "by domain, the latest 100", 50,
                 [&](auto) { return journal::query{.recipient = "*@gmail.com"}; });
  measure_search(from, "by small domain", 50,
                 [&](auto n) { return journal::query{.recipient = fmt::format("*@example{}.test", n % 50'000)}; });
  measure_search(from, "by campaign, the latest 100", 50,
                 [&](auto) { return journal::query{.campaign = fmt::format("sale {}", recipients / 1'000'000)}; });
}

}  // namespace

int main(int argc, char** argv) {
  const auto count = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 20'000'000;
  char made[] = "/tmp/gonets-journal-cost-XXXXXX";
  const std::string folder = argc > 2 ? argv[2] : ::mkdtemp(made);
  int ended = 0;
  try {
    run(count, folder);
  } catch (const std::exception& e) {
    fmt::print(stderr, "{}\n", e.what());
    ended = 1;
  }
  std::filesystem::remove_all(folder);
  return ended;
}
