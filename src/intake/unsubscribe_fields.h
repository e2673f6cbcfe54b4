// The fields by which a mail program unsubscribes (RFC 2369, RFC 8058). Pure.
#pragma once
#include <string>
#include <string_view>

#include "message/verp.h"

namespace gonets::intake {

// `url`: under which /u/TOKEN is served; empty: List-Unsubscribe has the address alone, and there is no
// List-Unsubscribe-Post, which is about a URL.
void append_unsubscribe_fields(std::string& to, const message::verp_signer& by, const message::verp& of,
                               std::string_view url, std::string_view domain);

}  // namespace gonets::intake
