// The addresses in From, Sender, To and their like (RFC 5322 3.4), read strictly: who is named here decides who may
// send and whose key signs, so that what two readers could take in two ways is refused. Pure; any bytes are survived.
#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

namespace gonets::message {

enum class mailbox_error : std::uint8_t {
  empty,
  syntax,
  group,    // "undisclosed-recipients:;" and others: they name no author
  too_many  // more than 100
};

// The addr-specs, comments and display names left out, domains in lower case (ASCII); quoted local-parts stay quoted.
// `value` is folded, as take_field gives it.
std::expected<std::vector<std::string>, mailbox_error> parse_mailbox_list(std::string_view value);

}  // namespace gonets::message
