// The kinds of value that settings have. A kind says what it expects, reads a value of the file into a field, and
// writes a field as the file would have it. Bounds are inclusive.
//
//     std::string expected() const;                           // "a duration from 1s to 1h, such as "5m""
//     void read(const value&, Field&, mismatches&) const;     // leaves the field alone where it adds a mismatch
//     std::string write(const Field&) const;                  // TOML
#pragma once
#include <fmt/format.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "config/detail/value.h"
#include "config/settings.h"

namespace gonets::config::detail {

struct mismatch {
  unsigned line = 0, column = 0;
  std::string found, expected;
  std::string nearest;  // the word that was probably meant; may be empty
};
using mismatches = std::vector<mismatch>;

inline void refuse(const value& v, std::string expected, mismatches& wrong, std::string nearest = "") {
  wrong.push_back({v.line, v.column, cite(v), std::move(expected), std::move(nearest)});
}

std::string quote(std::string_view text);  // as a TOML basic string

struct count {
  std::uint64_t least, most;
  std::string expected() const { return fmt::format("a whole number from {} to {}", least, most); }
  template <class Number>
  void read(const value& v, Number& to, mismatches& wrong) const {
    const bool fits = v.kind == value_kind::integer && v.integer >= 0 &&
                      static_cast<std::uint64_t>(v.integer) >= least && static_cast<std::uint64_t>(v.integer) <= most;
    if (!fits) return refuse(v, expected(), wrong);
    to = static_cast<Number>(v.integer);
  }
  template <class Number>
  std::string write(const Number& n) const {
    return std::to_string(n);
  }
};

struct size {
  std::uint64_t least, most;
  std::string expected() const;
  template <class Number>
  void read(const value& v, Number& to, mismatches& wrong) const {
    const std::optional<std::uint64_t> bytes = parse(v);
    if (!bytes) return refuse(v, expected(), wrong);
    to = static_cast<Number>(*bytes);
  }
  std::string write(std::uint64_t bytes) const { return quote(format_bytes(bytes)); }

 private:
  std::optional<std::uint64_t> parse(const value& v) const;
};

struct duration {
  milliseconds least, most;
  std::string expected() const;
  void read(const value& v, milliseconds& to, mismatches& wrong) const;
  std::string write(milliseconds d) const { return quote(format_duration(d)); }
};

struct fraction {
  double least, most;
  std::string expected() const { return fmt::format("a number from {} to {}", least, most); }
  void read(const value& v, double& to, mismatches& wrong) const;
  std::string write(double d) const { return fmt::format("{}", d); }
};

struct yes_or_no {
  std::string expected() const { return "true or false"; }
  void read(const value& v, bool& to, mismatches& wrong) const;
  std::string write(bool b) const { return b ? "true" : "false"; }
};

// "20/m"
struct rate_text {
  std::string expected() const { return "a number a second, minute, hour or day, such as \"20/m\""; }
  void read(const value& v, shaping::rate& to, mismatches& wrong) const {
    const auto r = v.kind == value_kind::text ? shaping::parse_rate(v.text) : std::nullopt;
    if (!r) return refuse(v, expected(), wrong);
    to = *r;
  }
  std::string write(const shaping::rate& r) const { return quote(shaping::to_text(r)); }
};

// Text that `valid` accepts; `what` says what that is.
struct text {
  std::string_view what;
  bool (*valid)(std::string_view);
  std::string expected() const { return std::string(what); }
  void read(const value& v, std::string& to, mismatches& wrong) const;
  std::string write(const std::string& s) const { return quote(s); }
};

template <class Value>
struct choice {
  std::vector<std::pair<std::string, Value>> words;

  std::string expected() const {
    std::string list;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i > 0) list += i + 1 == words.size() ? " or " : ", ";
      list += quote(words[i].first);
    }
    return list;
  }
  void read(const value& v, Value& to, mismatches& wrong) const {
    std::vector<std::string> names;
    for (const auto& [word, meaning] : words) {
      if (v.kind == value_kind::text && v.text == word) {
        to = meaning;
        return;
      }
      names.push_back(word);
    }
    refuse(v, expected(), wrong, v.kind == value_kind::text ? nearest(v.text, names) : "");
  }
  std::string write(const Value& given) const {
    for (const auto& [word, meaning] : words) {
      if (meaning == given) return quote(word);
    }
    return "\"\"";
  }
};

struct network_text {
  std::string expected() const { return "a network without host bits, such as \"10.0.0.0/8\" or \"::1\""; }
  void read(const value& v, network& to, mismatches& wrong) const;
  std::string write(const network& n) const;
};

struct endpoint_text {
  std::uint16_t least_port;
  std::string expected() const;
  void read(const value& v, endpoint& to, mismatches& wrong) const;
  void read(const value& v, std::optional<endpoint>& to, mismatches& wrong) const;  // "" empties it
  std::string write(const endpoint& e) const;
  std::string write(const std::optional<endpoint>& e) const { return e ? write(*e) : "\"\""; }
};

// An array of `item`; each bad item is reported where it stands.
template <class Item>
struct list_of {
  Item item;
  std::string_view plural;
  std::size_t least, most;

  std::string expected() const {
    return fmt::format("an array of {} to {} {}, each {}", least, most, plural, item.expected());
  }
  template <class Value>
  void read(const value& v, std::vector<Value>& to, mismatches& wrong) const {
    if (v.kind != value_kind::array || v.items.size() < least || v.items.size() > most) {
      return refuse(v, expected(), wrong);
    }
    std::vector<Value> values;
    for (const value& from : v.items)
      item.read(from, values.emplace_back(), wrong);
    to = std::move(values);
  }
  template <class Value>
  std::string write(const std::vector<Value>& values) const {
    std::string list = "[";
    for (const Value& each : values)
      list += (list.size() > 1 ? ", " : "") + item.write(each);
    return list + "]";
  }
};

}  // namespace gonets::config::detail
