// Addresses that this server puts into a message, so that visits to them tell of its recipient: of a picture, and in
// place of its links. Pure.
//
//   picture := base "/o/" token
//   link    := base "/c/" token "/" base64url(URL)
//
// A link's token proves its URL, too, so that nobody is led to where no sender wanted him.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "message/verp.h"

namespace gonets::message {

struct visit {
  verp who;
  std::string url;  // where the link leads; empty: the picture
  bool operator==(const visit&) const = default;
};

class tracked_addresses {
 public:
  explicit tracked_addresses(const verp_signer::key& k)
      : opened_(k, verp_purpose::opened), clicked_(k, verp_purpose::clicked) {}

  // `base`: an URL without a query, under which the paths are served.
  std::string picture(std::string_view base, const verp& of) const;
  std::string link(std::string_view base, const verp& of, std::string_view url) const;
  // `path` begins with "/o/" or "/c/". Nothing: we made no such address.
  std::optional<visit> read(std::string_view path) const;

 private:
  verp_signer opened_, clicked_;
};

}  // namespace gonets::message
