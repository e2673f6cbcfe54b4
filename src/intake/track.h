// Puts addresses into a message by which opens and clicks are seen. Pure.
#pragma once
#include <string_view>

#include "intake/sender_fields.h"
#include "message/tracked_addresses.h"
#include "spool/message.h"

namespace gonets::intake {

// Into `m.body`, whole and not signed yet, of a message to one recipient. `base` as in tracked_addresses, or empty
// when nothing leads here. False: nothing is put in, as there is no place or its sender has signed it; `m` is as it
// was. Takes some 0.1 ms for each KiB of HTML, mostly its parser: not for shards.
bool put_addresses(spool::queued_message& m, const track_wish& wanted, const message::tracked_addresses& made_by,
                   std::string_view base);

}  // namespace gonets::intake
