#include "intake/track.h"

#include "links/rewrite_message.h"
#include "message/header_scan.h"

namespace gonets::intake {

bool put_addresses(spool::queued_message& m, const track_wish& wanted, const message::tracked_addresses& made_by,
                   std::string_view base) {
  if (base.empty()) return false;
  const message::verp who{m.id, recipient_index{0}};
  const std::string_view whole = m.body;
  auto body = whole;
  for (message::field f; message::take_field(body, f);)
    if (message::same_field_name(f.name, "dkim-signature") || message::same_field_name(f.name, "content-md5"))
      return false;
  const auto header = whole.substr(0, whole.size() - body.size());
  if (body.starts_with("\r\n")) body.remove_prefix(2);
  links::html_changes changes;
  changes.click = [&](std::string_view url) {
    return wanted.clicks && !url.starts_with(base) ? made_by.link(base, who, url) : std::string();
  };
  if (wanted.opens) changes.picture = made_by.picture(base, who);
  const auto changed = links::rewrite_message(header, body, changes);
  if (!changed) return false;
  m.body_bytes += changed->size();
  m.body_bytes -= body.size();
  m.body.replace(m.body.size() - body.size(), body.size(), *changed);
  m.has_leading_dot = m.body.starts_with('.') || m.body.find("\n.") != m.body.npos;
  m.ends_in_crlf = m.body.ends_with("\r\n");
  return true;
}

}  // namespace gonets::intake
