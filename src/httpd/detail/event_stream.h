// A client's endless answer: events as Server-Sent Events (HTML Living Standard 9.2), page after page behind a cursor.
// The next page is read when the last one has been written, so a slow client holds one page in memory and no more.
#pragma once
#include <memory>
#include <string>

#include "httpd/control.h"
#include "httpd/exchange.h"

namespace gonets::httpd::detail {

struct stream_reader {
  std::string key;  // that may read; empty: over the Unix socket
  address_bytes peer{};
  std::string account;  // of the key; empty: `default`
};

class event_stream final : public body_parts, public std::enable_shared_from_this<event_stream> {
 public:
  event_stream(control& ask, event_source::place place, event_question wanted, stream_reader by)
      : ask_(ask), place_(std::move(place)), wanted_(std::move(wanted)), by_(std::move(by)) {}
  void next(done part) override;

 private:
  void read(done part);
  std::string take(event_page page);

  control& ask_;
  const event_source::place place_;
  event_question wanted_;
  const stream_reader by_;
  bool begun_ = false;
};

// "id: 12\nevent: delivered\ndata: {...}\n\n", and so on; a comment when there is none.
std::string stream_text(const event_page& page);

}  // namespace gonets::httpd::detail
