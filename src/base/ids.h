// Strong identifiers. Two ids of different kinds do not compare, convert or hash into each other.
#pragma once
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace gonets {

template <class Tag, class Rep>
struct strong_id {
  Rep value{};
  constexpr auto operator<=>(const strong_id&) const = default;
};

// A message: milliseconds since 2020 (41 bits), node (8 bits), sequence within the millisecond (11 bits); so ids sort
// by time of acceptance and do not collide between the nodes of one installation. Zero is never issued.
using message_id = strong_id<struct message_id_tag, std::uint64_t>;
using account_id = strong_id<struct account_id_tag, std::uint32_t>;
// Index of a recipient within its message, in the order of the RCPT commands.
using recipient_index = strong_id<struct recipient_index_tag, std::uint16_t>;
// Position in the event log: dense, from 1, ascending in the order of commit.
using event_seq = strong_id<struct event_seq_tag, std::uint64_t>;

// The queue id as people see it: twelve digits of Crockford's base 32, upper case, sorting as the number does.
std::string to_text(message_id id);
// Accepts either case, and I, L, O for 1, 1, 0. Nothing for any other text.
std::optional<message_id> parse_message_id(std::string_view text);
// The least id that a message accepted at that time, or later, can have.
message_id first_id_at(std::int64_t unix_ms);
// The time part of an id, milliseconds since the Unix epoch.
std::int64_t accepted_at_ms(message_id id);

}  // namespace gonets

template <class Tag, class Rep>
struct std::hash<gonets::strong_id<Tag, Rep>> {
  std::size_t operator()(gonets::strong_id<Tag, Rep> id) const noexcept {
    return static_cast<std::size_t>(id.value * 0x9E3779B97F4A7C15ull >> 7);
  }
};
