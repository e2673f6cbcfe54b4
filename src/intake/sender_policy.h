// Whether an account may send as who a message says it is from: the envelope's reverse-path, From and Sender are all
// looked at, and what could be read in two ways is refused. Pure.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "accounts/directory.h"
#include "message/header_scan.h"

namespace gonets::intake {

// What is wrong, as a sentence for the client: "example.org (From) is not a verified sender domain of this account".
using sender_objection = std::optional<std::string>;

// `<>` is nobody's address, and fine.
sender_objection judge_reverse_path(const accounts::directory& all, account_id by, std::string_view reverse_path);
// `first_bytes` is how much of the message `header` was read from: a header that ends before that without an empty line
// hides what follows from us, but not from every reader.
sender_objection judge_header(const accounts::directory& all, account_id by, const message::header_summary& header,
                              std::size_t first_bytes);

}  // namespace gonets::intake
