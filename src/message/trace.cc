#include "message/trace.h"

#include <algorithm>
#include <array>
#include <cstring>

namespace gonets::message {
namespace {

using namespace std::chrono;

constexpr std::size_t line_bytes_wanted = 78;  // RFC 5322 2.1.1
constexpr std::size_t helo_bytes_max = 255;
constexpr std::size_t date_bytes = 31;
constexpr wall_time latest_date = sys_days(year(9999) / December / 31);

void put_two(char* at, unsigned value) {
  at[0] = static_cast<char>('0' + value / 10);
  at[1] = static_cast<char>('0' + value % 10);
}

void put_date(char* at, wall_time t) {
  static constexpr char days[] = "SunMonTueWedThuFriSat";
  static constexpr char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  t = std::clamp(t, wall_time{}, latest_date);
  const auto day = floor<std::chrono::days>(t);
  const year_month_day date(day);
  const auto second = static_cast<unsigned>(floor<seconds>(t - day).count());
  const auto year = static_cast<unsigned>(static_cast<int>(date.year()));
  std::memcpy(at, "Day, 00 Mon 0000 00:00:00 +0000", date_bytes);
  std::memcpy(at, days + 3 * weekday(day).c_encoding(), 3);
  put_two(at + 5, static_cast<unsigned>(date.day()));
  std::memcpy(at + 8, months + 3 * (static_cast<unsigned>(date.month()) - 1), 3);
  put_two(at + 12, year / 100);
  put_two(at + 14, year % 100);
  put_two(at + 17, second / 3600);
  put_two(at + 20, second / 60 % 60);
  put_two(at + 23, second % 60);
}

// Appends the words of a field; a word that would pass the 78th octet starts a new line.
class folder {
 public:
  explicit folder(std::string& to) : to_(to), line_start_(to.size()) {}

  void begin(std::string_view name_and_first_word) { to_ += name_and_first_word; }
  void word(std::string_view a, std::string_view b = {}, std::string_view c = {}) {
    const auto size = a.size() + b.size() + c.size();
    if (to_.size() - line_start_ + 1 + size > line_bytes_wanted) {
      new_line();
    } else if (!at_line_start_) {
      to_ += ' ';
    }
    at_line_start_ = false;
    to_.append(a).append(b).append(c);
  }
  void new_line() {
    if (at_line_start_) return;
    to_ += "\r\n\t";
    line_start_ = to_.size() - 1;
    at_line_start_ = true;
  }

 private:
  std::string& to_;
  std::size_t line_start_;
  bool at_line_start_ = false;
};

bool is_alnum(char c) {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

// What is neither a domain's nor, in brackets, an address literal's byte becomes '?': no comment, fold or field can be
// opened or closed from outside.
std::string_view clean_helo(std::string_view name, std::array<char, helo_bytes_max>& buffer) {
  if (name.empty()) return "unknown";
  name = name.substr(0, helo_bytes_max);
  const bool literal = name.size() > 2 && name.front() == '[' && name.back() == ']';
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char c = name[i];
    const bool bracket = literal && (i == 0 || i + 1 == name.size());
    const bool fine = is_alnum(c) || c == '.' || c == '-' || c == '_' || (literal && c == ':') || bracket;
    buffer[i] = fine ? c : '?';
  }
  return {buffer.data(), name.size()};
}

}  // namespace

std::string format_date(wall_time t) {
  std::string text;
  append_date(text, t);
  return text;
}

void append_date(std::string& to, wall_time t) {
  char date[date_bytes];
  put_date(date, t);
  to.append(date, date_bytes);
}

void append_received(std::string& to, const received_facts& facts) {
  std::array<char, helo_bytes_max> helo_buffer;
  const auto helo = clean_helo(facts.helo_name, helo_buffer);
  const auto id = to_text(facts.id);
  char date[date_bytes];
  put_date(date, facts.at);

  constexpr std::size_t fixed_bytes_max = 160;  // all words of ours, each folded
  to.reserve(to.size() + fixed_bytes_max + helo.size() + facts.peer_address.size() + facts.by.size() +
             facts.with.size() + facts.tls.size() + facts.for_address.size() + id.size());
  folder out(to);
  out.begin("Received: from ");
  to += helo;
  if (!facts.peer_address.empty()) {
    const bool v6 = facts.peer_address.find(':') != std::string_view::npos;
    out.word(v6 ? "([IPv6:" : "([", facts.peer_address, "])");
  }
  out.new_line();
  if (!facts.tls.empty()) {
    out.word("(using ", facts.tls, ")");
    out.new_line();
  }
  out.word("by ", facts.by, " (Gonets)");
  out.word("with ", facts.with);
  const bool several = facts.for_address.empty();
  out.word("id ", id, several ? ";" : "");
  out.new_line();
  if (!several) out.word("for <", facts.for_address, ">;");
  out.word({date, date_bytes});
  to += "\r\n";
}

void append_message_id(std::string& to, message_id id, std::uint64_t random, std::string_view hostname) {
  static constexpr char digits[] = "0123456789abcdef";
  char hex[16];
  for (auto at = std::end(hex); at != std::begin(hex); random >>= 4)
    *--at = digits[random & 15];
  to.reserve(to.size() + 45 + hostname.size());
  to += "Message-ID: <";
  to += to_text(id);
  to += '.';
  to.append(hex, sizeof hex);
  to += '@';
  to += hostname;
  to += ">\r\n";
}

}  // namespace gonets::message
