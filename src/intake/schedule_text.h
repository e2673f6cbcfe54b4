// What an envelope says of times, in words: for the event that a message was accepted.
#pragma once
#include <string>

#include "message/envelope.h"

namespace gonets::intake {

// "held by its sender until 2026-11-26T16:00:00Z, to be delivered by 2026-11-27T16:00:00Z or returned"; often empty
std::string schedule_text(const message::envelope& of);

}  // namespace gonets::intake
