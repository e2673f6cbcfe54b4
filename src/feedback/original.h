// The message and recipient that something which came back is about.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "bounce/report.h"
#include "events/event.h"
#include "message/verp.h"
#include "storage/store.h"

namespace gonets::feedback {

struct original {
  events::event accepted;
  recipient_index index;
  std::string recipient;
  std::string egress, provider;  // of its delivery; empty: it was not delivered, or that is no longer known
};

// An event of that recipient's, with what is known of the message.
events::event event_about(const original& of, const message::verp& who, events::kind what, wall_time at);

// In all that happened to a message. Nothing: it has no such recipient, or its acceptance is not among it.
std::optional<original> original_in(const std::vector<events::event>& history, recipient_index of);
// Blocking. Nothing: its events are no longer kept.
storage::result<std::optional<original>> find_original(const storage::store& in, const message::verp& of);
// By the message alone: its only recipient, or the one whom the reports name. Nothing, too, when none or several are.
storage::result<std::optional<original>> find_original(const storage::store& in, message_id of,
                                                       const std::vector<bounce::report>& told_by);

}  // namespace gonets::feedback
