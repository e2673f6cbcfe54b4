// What the API asks of egresses.
#include "app/control.h"

namespace gonets::app {

std::vector<httpd::egress_row> control::egresses() {
  std::vector<httpd::egress_row> rows;
  const auto listings = parts_.blocklists->lines();
  for (auto& line : parts_.egresses.lines()) {
    httpd::egress_row row;
    for (const auto& l : listings) {
      if (l.egress == line.what.name && l.state == shaping::listing::listed)
        row.listings.push_back({l.address, l.zone, l.reason, l.since});
    }
    row.taken_out = line.taken_out;
    row.name = std::move(line.what.name);
    row.source_ipv4 = std::move(line.what.source_ipv4);
    row.source_ipv6 = std::move(line.what.source_ipv6);
    row.helo = std::move(line.what.helo);
    row.proxy = config::proxy_text(line.what.proxy);
    row.pools = std::move(line.pools);
    row.up = !line.down;
    if (line.down) {
      row.reason = std::move(line.down->why);
      row.since = line.since;
      if (line.down->lasts.count() > 0) row.until = parts_.time.wall() + line.down->lasts;
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<httpd::blocklist_row> control::blocklists() {
  std::vector<httpd::blocklist_row> rows;
  for (auto& z : parts_.blocklists->zones())
    rows.push_back({std::move(z.zone), std::move(z.trouble), z.checked});
  return rows;
}

}  // namespace gonets::app
