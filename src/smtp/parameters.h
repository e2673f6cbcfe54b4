// The parameters after the path of MAIL and RCPT (RFC 5321 4.1.2 esmtp-param). Pure.
#pragma once
#include <optional>
#include <string_view>

#include "smtp/command.h"

namespace gonets::smtp {

// Each takes the text after the path's '>', with its spaces, and gives the reply if something in it is wrong:
// 501 5.5.4 for a parameter that is malformed, repeated or contradicts itself, 555 5.5.4 for one that is not offered.
std::optional<canned_reply> parse_mail_parameters(std::string_view text, const argument_rules& rules,
                                                  mail_arguments& to);
std::optional<canned_reply> parse_rcpt_parameters(std::string_view text, bool smtputf8, rcpt_arguments& to);

// Of ASCII letters.
bool equals_ignoring_case(std::string_view a, std::string_view b);

}  // namespace gonets::smtp
