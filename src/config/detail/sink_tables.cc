// The tables of sinks.
#include <algorithm>
#include <array>

#include "config/detail/declare.h"
#include "config/sink.h"

namespace gonets::config {

using namespace detail;
using detail::text;

bool is_event_kind(std::string_view word) {
  static constexpr std::array<std::string_view, 20> words = {
      "accepted",   "deferred",     "delivered",    "bounced",    "expired",       "cancelled",
      "held",       "released",     "discarded",    "domain",     "pace",          "blocklist",
      "suppressed", "unsubscribed", "resubscribed", "complained", "inbound_bounce", "rejected", "quota", "certificate"};
  return std::ranges::find(words, word) != words.end();
}

const std::vector<declaration<sink>>& sink_declarations() {
  const text name{"a name of a to z, 0 to 9, - and _, such as \"archive\"", is_egress_name};
  const text folder{"an absolute path, such as \"/var/lib/gonets/events\"", is_absolute};
  static const std::vector<declaration<sink>> all{
      required(setting<&sink::name>("name", restart, name,
                                    "What its files, its cursor, its metrics and the log name it by.")),
      required(setting<&sink::kind>("kind", restart, choice<sink_kind>{{{"jsonl", sink_kind::jsonl}}},
                                    "`jsonl`: files with an event in JSON on each line.")),
      required(setting<&sink::folder>("folder", restart, folder,
                                      "Where the files are, and `NAME.cursor`, which says how far they go. It is made "
                                      "when it is missing, with the rights of the server's user.")),
      setting<&sink::rotate_bytes>("rotate_bytes", restart, size{1024, 1'099'511'627'776},
                                   "Of a file, as it is on the disk: beyond it the file is finished, and loses its "
                                   "ending `.part`."),
      setting<&sink::rotate_after>("rotate_after", restart, duration{1s, 8760h},
                                   "A file this old is finished, too. Without events no file is begun."),
      setting<&sink::compress>("compress", restart, yes_or_no{},
                               "By zstd. The file that is being written can be read up to its latest events with "
                               "`zstd -dc`, which then says that it has no end yet."),
      setting<&sink::keep_files>("keep_files", restart, count{0, 1'000'000},
                                 "So many finished files are kept, and older ones deleted; 0: all."),
      setting<&sink::keep_for>("keep_for", restart, duration{0ms, 87'600h},
                               "Finished files are deleted when their last event is this old; 0: never."),
      setting<&sink::kinds>("kinds", restart,
                            list_of<text>{{"a kind of event, such as \"bounced\"", is_event_kind}, "kinds", 0, 100},
                            "Only events of these kinds ([docs/events.md](events.md#kinds)). Empty: all."),
      setting<&sink::streams>("streams", restart,
                              list_of<text>{{"a stream's name, such as \"bulk\"", is_stream_name}, "streams", 0, 100},
                              "Only events of mail of these streams. Empty: of all, and those of no message."),
  };
  return all;
}

std::string_view sink_doc() {
  return "Copies the event log into files, in its order and each event once ([docs/events.md](events.md#sinks)). A new "
         "sink begins with the oldest event that is kept (`spool.event_retention`). A sink that can't write tries "
         "again "
         "and never slows mail down.";
}

}  // namespace gonets::config
