#include "app/cli/dkim_commands.h"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <expected>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>

#include "app/cli/table.h"
#include "base/text.h"
#include "config/load.h"
#include "dkim/body_hash.h"
#include "dkim/sign.h"
#include "dkim/verify.h"
#include "message/header_scan.h"

namespace gonets::app::cli {
namespace {
namespace json = boost::json;

struct file_message {
  std::string text;  // with CRLF line ends
  bool had_crlf = false;
};

file_message read_message(std::istream& in) {
  const std::string raw{std::istreambuf_iterator<char>(in), {}};
  file_message m;
  m.had_crlf = raw.find("\r\n") != raw.npos;
  m.text.reserve(raw.size() + raw.size() / 32);
  char before = 0;
  for (const char c : raw) {
    if (c == '\n' && before != '\r') m.text += '\r';
    m.text += c;
    before = c;
  }
  return m;
}

int fail(const filter_context& with, const std::string& what) {
  with.err << "gonets: " << what << '\n';
  return exit_bad_usage;
}

std::expected<dkim::private_key, std::string> read_key(const arguments& given) {
  const auto pem = config::read_file(given.key_file);
  if (!pem) return std::unexpected(given.key_file + " cannot be read: " + pem.error());
  auto key = dkim::private_key::from_pem(*pem);
  if (!key) return std::unexpected(given.key_file + " has " + key.error());
  return key;
}

dkim::canonicalization canonicalization_of(std::string_view word) {
  return word == "simple" ? dkim::canonicalization::simple : dkim::canonicalization::relaxed;
}

// name blanks value; the value may be in quotes, in several parts, and after "IN TXT" as in a zone.
std::map<std::string, std::string> parse_records(std::string_view text) {
  std::map<std::string, std::string> found;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string name;
    if (!(words >> name) || name.front() == '#' || name.front() == ';') continue;
    std::string value;
    std::getline(words >> std::ws, value);
    const auto quote = value.find('"');
    if (quote != value.npos) {
      std::string joined;
      bool inside = false;
      for (const char c : value.substr(quote)) {
        if (c == '"') {
          inside = !inside;
        } else if (inside && c != '\\') {
          joined += c;
        }
      }
      value = joined;
    }
    if (name.ends_with('.')) name.pop_back();
    while (!value.empty() && (value.back() == '\r' || value.back() == ' '))
      value.pop_back();
    found[to_lower(name)] = value;
  }
  return found;
}

colour colour_of(dkim::outcome o) {
  if (o == dkim::outcome::pass) return colour::green;
  return o == dkim::outcome::fail ? colour::red : colour::yellow;
}

json::object to_object(const dkim::verification& v) {
  json::object o{{"result", dkim::to_text(v.result)},
                 {"domain", v.domain},
                 {"selector", v.selector},
                 {"identity", v.identity},
                 {"algorithm", v.algorithm}};
  if (!v.reason.empty()) o["reason"] = v.reason;
  if (v.testing) o["testing"] = true;
  if (v.unsigned_body_bytes > 0) o["unsigned_body_bytes"] = v.unsigned_body_bytes;
  return o;
}

std::string remark_of(const dkim::verification& v) {
  if (!v.reason.empty()) return v.reason;
  if (v.unsigned_body_bytes > 0) return fmt::format("{} bytes of the body are not signed", v.unsigned_body_bytes);
  return v.testing ? "the domain says that it is testing" : "";
}

}  // namespace

int dkim_sign(const arguments& given, const filter_context& with) {
  const auto key = read_key(given);
  if (!key) return fail(with, key.error());
  const auto slash = given.canonicalization.find('/');
  const dkim::signing how{given.dkim_domain,
                          given.dkim_selector,
                          canonicalization_of(std::string_view(given.canonicalization).substr(0, slash)),
                          canonicalization_of(std::string_view(given.canonicalization).substr(slash + 1)),
                          {}};
  const auto m = read_message(with.in);
  std::string_view body = m.text;
  bool has_from = false;
  for (message::field f; message::take_field(body, f);)
    has_from |= message::same_field_name(f.name, "From");
  if (!has_from) return fail(with, "the message on standard input has no From field, which DKIM must sign");
  if (body.starts_with("\r\n")) body.remove_prefix(2);
  dkim::body_hash hash(how.body);
  hash.update(body);
  auto field = dkim::sign(*key, how, "", m.text, hash.finish(), with.now);
  if (field.empty()) return fail(with, "OpenSSL could not sign");
  auto text = field + m.text;
  if (!m.had_crlf) std::erase(text, '\r');
  with.out << text;
  return exit_fine;
}

int dkim_verify(const arguments& given, const filter_context& with) {
  const auto file = config::read_file(given.dns_file);
  if (!file) return fail(with, fmt::format("{} cannot be read: {}", given.dns_file, file.error()));
  const auto records = parse_records(*file);
  const auto found = dkim::verify(
      read_message(with.in).text,
      [&](const std::string& name, dkim::lookup_failure&) {
        const auto at = records.find(to_lower(name));
        return at == records.end() ? std::nullopt : std::optional(at->second);
      },
      with.now);
  if (given.json) {
    json::array all;
    for (const auto& v : found)
      all.push_back(to_object(v));
    with.out << json::serialize(all) << '\n';
  } else if (found.empty()) {
    with.out << "none: the message has no DKIM-Signature\n";
  } else {
    table rows({{"RESULT"}, {"DOMAIN"}, {"SELECTOR"}, {"ALGORITHM"}, {"REMARK", align::left, true}});
    for (const auto& v : found)
      rows.add({{std::string(dkim::to_text(v.result)), colour_of(v.result)},
                v.domain,
                v.selector,
                v.algorithm,
                remark_of(v)});
    with.out << rows.render(with.screen);
  }
  const bool good = std::ranges::any_of(found, [](const auto& v) { return v.result == dkim::outcome::pass; });
  return good ? exit_fine : exit_negative;
}

int dkim_record(const arguments& given, const filter_context& with) {
  const auto key = read_key(given);
  if (!key) return fail(with, key.error());
  const auto name = given.dkim_selector + "._domainkey." + given.dkim_domain;
  if (given.json) {
    with.out << json::serialize(json::object{{"name", name}, {"type", "TXT"}, {"value", key->record()}}) << '\n';
  } else {
    with.out << name << '\t' << key->record() << '\n';
  }
  return exit_fine;
}

}  // namespace gonets::app::cli
