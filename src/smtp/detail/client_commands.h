// The client's commands as they go over the wire. Each appends to `to` and ends it in CRLF.
#pragma once
#include <string>

#include "message/envelope.h"
#include "smtp/client_session.h"
#include "smtp/detail/peer_capabilities.h"

namespace gonets::smtp::detail {

// MAIL FROM with those of SIZE, BODY, SMTPUTF8, REQUIRETLS, BY, RET and ENVID that apply and that the peer offers.
void append_mail(std::string& to, const transaction& t, const peer_capabilities& offered);

// RCPT TO with NOTIFY and ORCPT where the peer offers DSN (RFC 3461).
void append_rcpt(std::string& to, const message::recipient& r, const peer_capabilities& offered);

// A control character in an address would let whoever wrote it put commands of his own on the connection. Such an
// address never passes intake; this is the last lock on that door.
bool is_safe(const transaction& t);

// Of the body as it is declared in SIZE: with the CRLF that the end of data adds (RFC 1870 section 5).
std::uint64_t declared_bytes(const transaction& t);

}  // namespace gonets::smtp::detail
