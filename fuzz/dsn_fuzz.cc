// Hostile replies, names and originals: the report is still one message of the parts that it should have.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "message/dsn.h"

namespace {

using namespace gonets;
using namespace gonets::message;

void check(bool holds) {
  if (!holds) std::abort();
}

// Takes a piece of the input: up to the next 0xfe, which is in no UTF-8 and in no ASCII.
std::string_view take_piece(std::string_view& rest) {
  const auto piece = rest.substr(0, rest.find('\xfe'));
  rest.remove_prefix(piece.size() < rest.size() ? piece.size() + 1 : piece.size());
  return piece;
}

std::size_t count(std::string_view text, std::string_view what) {
  std::size_t found = 0;
  for (auto at = text.find(what); at != std::string_view::npos; at = text.find(what, at + 1))
    ++found;
  return found;
}

void check_lines(std::string_view text, std::string_view original) {
  std::size_t line = 0;
  const bool original_has_long_lines = original.size() > 998;
  for (std::size_t i = 0; i < text.size(); ++i) {
    check((text[i] == '\n') == (i > 0 && text[i - 1] == '\r'));
    line = text[i] == '\n' ? 0 : line + 1;
    check(original_has_long_lines || line <= 999);
  }
  check(line == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  std::string_view rest(reinterpret_cast<const char*>(data) + 2, size - 2);
  dsn_facts facts;
  facts.kind = static_cast<dsn_kind>(data[0] & 3);
  facts.ret = static_cast<return_content>((data[0] >> 2) % 3);
  facts.smtputf8 = data[0] & 0x80;
  facts.reporting_mta = "mx.gonets.test";
  facts.to = "ann@a.test";
  facts.original_id = message_id{1};
  facts.id = message_id{2};
  facts.envelope_id = take_piece(rest);

  dsn_recipient r;
  r.from_peer = data[1] & 1;
  r.at = static_cast<stage>((data[1] >> 1) % 11);
  r.answer.code = data[1] & 0x20 ? 550 : data[1] & 0x40 ? 451 : 0;
  r.final_recipient = take_piece(rest);
  r.original_recipient = take_piece(rest);
  r.remote_mta = take_piece(rest);
  r.answer.text = take_piece(rest);
  facts.original = rest;

  const auto text = compose_dsn(facts, {r, r});
  check_lines(text, facts.original);

  const std::string_view key = " boundary=\"";
  const auto begin = text.find(key) + key.size();
  const auto delimiter = "\r\n--" + text.substr(begin, text.find('"', begin) - begin);
  const auto close = delimiter + "--\r\n";
  const auto parts = count(text, delimiter) - 1;
  check(parts == 2 || parts == 3);
  check(count(text, close) == 1 && text.ends_with(close));

  const auto status_begin = text.find(delimiter, text.find(delimiter) + 1) + delimiter.size();
  const auto status = std::string_view(text).substr(status_begin, text.find(delimiter, status_begin) - status_begin);
  check(count(status, "\r\nReporting-MTA:") == 1 && count(status, "\r\nFinal-Recipient:") == 2);
  check(count(status, "\r\nAction:") == 2 && count(status, "\r\nStatus:") == 2);
  check(count(status, "\r\n\r\n") == 3);
  return 0;
}
